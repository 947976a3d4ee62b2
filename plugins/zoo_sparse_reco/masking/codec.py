"""Events to what is seen of them and what is asked; answers to predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, Ragged, Table
from zoo_sparse_reco.augment import augment
from zoo_sparse_reco.codec import tables_of
from zoo_sparse_reco.features import features_of, fields_of
from zoo_sparse_reco.masking.config import JUDGED, MaskedUResNetConfig
from zoo_sparse_reco.masking.patches import PLACE, SEEN, Question, answered, hide, log_energy
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid, grid_of
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["MaskedCodec"]

_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})
_KEY = "masking_key"  # column that training events carry to encode


class MaskedCodec(Codec):
    """What is hidden follows from an event's key: of its augmentation in training, else its id.

    So it is drawn anew in each epoch, and the same whenever a model is judged.
    """

    config: MaskedUResNetConfig

    def __init__(
        self, config: MaskedUResNetConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = _VOXELS | fields_of(config.features)

    @property
    def grid(self) -> VoxelGrid:
        """The grid of the training data.

        Raises:
            DataError: If the facts have none.
        """
        return grid_of(self.facts)

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """As :class:`~zoo_sparse_reco.config.Augmentation` says; the key decides what is hidden."""
        changed = augment(samples, keys, self.config.augmentation, self.grid.shape)
        return changed.with_columns({_KEY: keys})

    def encode(self, samples: Table) -> Batch:
        """Features and tables of all places that are seen or asked about.

        Inputs are ``features`` float32 (S, columns), without what is hidden, ``kind`` int64 (S,)
        and tables. Targets are ``log_energy`` float32 (S,) with ``has_energy`` float32 (S,), 1
        where it is asked, ``occupied`` float32 (S,) with ``is_place`` likewise, ``counts`` of
        both, and ``place``, ``event``, ``lengths``, which come back to :meth:`decode`.

        Raises:
            DataError: If a voxel is there twice.
        """
        if _KEY in samples:
            question = hide(samples, samples[_KEY], self.config.masking, self.grid.shape)
        else:
            question = hide(samples, samples.ids, JUDGED, self.grid.shape)
        tables, _ = tables_of(question.place, question.event, self.config)
        features = features_of(_seen(samples, question), self.config, self.grid)
        inputs = {"features": features, "kind": question.kind.astype(np.int64), **tables}
        return Batch(inputs, _targets(samples, question), samples.ids)

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """Energies and probabilities at the places that were asked about."""
        question = Question(
            place=np.asarray(outputs["place"], np.int64),
            event=np.asarray(outputs["event"], np.int64),
            kind=np.asarray(outputs["kind"], np.int8),
            voxel=np.zeros(0, np.int64),  # a prediction does not know it
            lengths=np.asarray(outputs["lengths"], np.int64),
        )
        return answered(samples.ids, question, outputs["log_energy"], outputs["occupancy"])


def _seen(samples: Table, question: Question) -> Table:
    """All places as voxels; energies and charges are 0 where they are hidden."""
    offsets = offsets_of(question.lengths)
    columns: dict[str, Any] = {"id": samples.ids}
    for number, axis in enumerate("xyz"):
        columns[f"voxel_{axis}"] = Ragged(question.place[:, number].astype(np.uint16), offsets)
    seen = question.kind == SEEN
    for name in ("deposit", "plane_charge"):
        if name in samples:
            values = samples[name].values
            shown = np.zeros((len(seen), *values.shape[1:]), values.dtype)
            shown[seen] = values[question.voxel[seen]]
            columns[name] = Ragged(shown, offsets)
    return Table(columns)


def _targets(samples: Table, question: Question) -> dict[str, Any]:
    occupied = question.voxel >= 0
    has_energy = occupied & (question.kind != SEEN)
    is_place = question.kind == PLACE
    logarithm = np.zeros(len(occupied), np.float32)
    hidden = question.voxel[has_energy]
    logarithm[has_energy] = log_energy(samples["deposit"].values[hidden])
    return {
        "log_energy": logarithm,
        "has_energy": has_energy.astype(np.float32),
        "occupied": occupied.astype(np.float32),
        "is_place": is_place.astype(np.float32),
        "counts": {"energy": float(has_energy.sum()), "occupancy": float(is_place.sum())},
        "place": question.place,
        "event": question.event,
        "lengths": question.lengths,
    }
