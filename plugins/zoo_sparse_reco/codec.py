"""Events to batches and back: features, tables of neighbours, targets; classes, points, pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Ragged, Table
from zoo_sparse_reco.augment import augment
from zoo_sparse_reco.config import BackboneConfig, UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.features import features_of, fields_of
from zoo_sparse_reco.physics.labels import GHOST
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid, grid_of
from zoo_sparse_reco.points import Proposals, fragments_of, points_of
from zoo_sparse_reco.points.fragments import CLASSES, places_of
from zoo_sparse_reco.sparse.tables import Level, build_levels, flatten_levels, neighbour_table
from zoo_sparse_reco.targets import class_targets, point_fields, point_targets, track_classes

__all__ = ["INPUT_TABLE", "SparseCodec", "tables_of"]

INPUT_TABLE = "input_neighbours"
"""Table of the first convolution where its kernel is not that of the others."""

_KERNEL = 3
_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z"})


class SparseCodec(Codec):
    """All voxels of a batch one after another, and who neighbours whom on every level.

    Constants, if classes are balanced: ``class_counts``, training voxels of each class, and
    ``ghost_counts``, of true voxels and of ghosts.
    """

    config: UResNetConfig

    def __init__(
        self, config: UResNetConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = _VOXELS | fields_of(config.features)
        self.targets = frozenset({"semantic"})
        if isinstance(config, UResNetPpnConfig):
            self.targets = self.targets | point_fields(config)

    @classmethod
    def fit(
        cls, config: UResNetConfig, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """Counts of classes over the training split, if the loss balances them.

        Raises:
            DataError: If no voxel has a known class.
        """
        if config.balance == "none":
            return {}
        counts = np.zeros(GHOST + 1, np.int64)
        for samples in training:
            label = samples["semantic"].values
            counts += np.bincount(label[label >= 0], minlength=GHOST + 1)
        if not counts.sum():
            raise DataError(
                "no training voxel has a known class, so classes cannot be balanced",
                where="semantic",
                remedy="train on events with labels, or set model.balance=none",
            )
        return {
            "class_counts": counts[:GHOST].tolist(),
            "ghost_counts": [int(counts[:GHOST].sum()), int(counts[GHOST])],
        }

    @property
    def grid(self) -> VoxelGrid:
        """The grid of the training data.

        Raises:
            DataError: If the facts have none.
        """
        return grid_of(self.facts)

    def class_weights(self) -> dict[str, NDArray[np.float64]]:
        """``semantic`` (5,) and ``ghost`` (2,): how much a voxel of each class counts."""
        if self.config.balance == "none":
            return {"semantic": np.ones(len(CLASSES)), "ghost": np.ones(2)}
        power = {"inverse": 1.0, "root": 0.5}[self.config.balance]
        return {
            "semantic": _balanced(self.constants["class_counts"], power),
            "ghost": _balanced(self.constants["ghost_counts"], power),
        }

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """See :class:`~zoo_sparse_reco.config.Augmentation`."""
        return augment(samples, keys, self.config.augmentation, self.grid.shape)

    def encode(self, samples: Table) -> Batch:
        """``features`` float32 (V, columns), and the tables of all levels, int32.

        Raises:
            DataError: If a voxel is there twice.
        """
        event = np.repeat(np.arange(samples.rows), samples["voxel_x"].lengths)
        tables, levels = tables_of(places_of(samples), event, self.config)
        inputs = {"features": features_of(samples, self.config, self.grid), **tables}
        targets = self._targets(samples, levels) if self.targets <= set(samples) else {}
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """Classes, probabilities; fragments and points where the network has them."""
        offsets = samples["voxel_x"].offsets
        columns: dict[str, Any] = {"id": samples.ids}
        score = np.asarray(outputs["score"], np.float32).reshape(-1, len(CLASSES))
        label = score.argmax(1).astype(np.int8)
        if "ghost_score" in outputs:
            ghost = np.asarray(outputs["ghost_score"], np.float32)
            columns["ghost_score"] = Ragged(ghost, offsets)
            label[ghost > self.config.ghost_threshold] = GHOST
        semantic = Ragged(label, offsets)
        columns |= {"semantic": semantic, "score": Ragged(score, offsets)}
        if self.config.fragments is not None:
            columns["fragment"] = fragments_of(
                samples, semantic, **self.config.fragments.model_dump()
            )
        if isinstance(self.config, UResNetPpnConfig):
            proposals = Proposals(
                offset=np.asarray(outputs["point_offset"]),
                score=np.asarray(outputs["point_score"]),
                types=np.asarray(outputs["point_type"]),
                end=np.asarray(outputs["point_end"]) if self.config.ends else None,
            )
            cuts = self.config.cuts.model_dump()
            columns |= points_of(samples, semantic, proposals, **cuts)
        return Table(columns)

    def _targets(self, samples: Table, levels: tuple[Level, ...]) -> dict[str, Any]:
        found = class_targets(samples["semantic"], self.config, self.class_weights())
        if not isinstance(self.config, UResNetPpnConfig):
            return found
        tracks = track_classes(self.grid.scheme)
        points = point_targets(samples, self.config, levels, tracks)
        return {**found, **points, "counts": {**found["counts"], **points["counts"]}}


def tables_of(
    place: NDArray[np.int64], event: NDArray[np.int64], config: BackboneConfig
) -> tuple[dict[str, NDArray[np.int32]], tuple[Level, ...]]:
    """Tables of a network's convolutions, by the names of its inputs, and the levels themselves.

    Args:
        place: (V, 3) voxels.
        event: (V,) which event of the batch each belongs to.
        config: ``depth``, ``input_kernel``.

    Raises:
        DataError: If a voxel is there twice.
    """
    levels = build_levels(place, event, config.depth, kernel=_KERNEL)
    tables: dict[str, NDArray[np.int32]] = {}
    if config.input_kernel != _KERNEL:
        tables[INPUT_TABLE] = neighbour_table(place, event, config.input_kernel)
    return {**tables, **flatten_levels(levels)}, levels


def _balanced(counts: list[int], power: float) -> NDArray[np.float64]:
    """(n / (K n_c))^power of n voxels in K classes; 0 of a class that has none."""
    each = np.asarray(counts, np.float64)
    share = each.sum() / (max(np.count_nonzero(each), 1) * np.maximum(each, 1))
    weights: NDArray[np.float64] = np.where(each > 0, share**power, 0.0)
    return weights
