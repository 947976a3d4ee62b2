"""Rows without a network: local dE/dx, the agreement of three planes, and the true labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Ragged, Table
from zoo_sparse_reco.baselines_config import (
    LocalDedxConfig,
    PlaneAgreementConfig,
    TrueLabelsConfig,
)
from zoo_sparse_reco.classical.chosen import lowest
from zoo_sparse_reco.classical.classifier import Classifier, Labelled
from zoo_sparse_reco.classical.deghosting import ITERATIONS, Deghosting, best_fitted
from zoo_sparse_reco.classical.ends import POINT_COLUMNS, ends_of
from zoo_sparse_reco.physics.labels import GHOST, class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.points import Proposals, fragments_of, points_of
from zoo_sparse_reco.points.fragments import places_of

__all__ = ["LocalDedx", "PlaneAgreement", "TrueLabels", "TruePoints"]

_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})


class LocalDedx(Predictor):
    """Classes from energy per length, shape and connections around each voxel, by fitted tables.

    Fragments are the connected voxels of a class; points are ends of tracks and starts of the rest.
    Without :meth:`fit` rules with round numbers stand in for the tables.
    """

    needs: frozenset[str] = _VOXELS
    targets: frozenset[str] = frozenset({"semantic"})

    def __init__(self, config: LocalDedxConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.names = class_names(grid_of(facts).scheme)
        self.classifier = Classifier(self.names)

    def fit(self, training: Iterable[Table]) -> None:
        """Tables of the training events of the lowest ids.

        Raises:
            DataError: There is no training event with a known class.
        """
        chosen = lowest(training, self.config.events, self.needs | self.targets)
        if chosen is None or not (chosen["semantic"].values >= 0).any():
            raise DataError(
                "no training event with known classes to fit the tables to",
                where=f"sparse-semantic, {type(self).__name__}",
                remedy="give data with a training split and the field 'semantic'",
            )
        self._fit(chosen)

    def _fit(self, chosen: Table) -> None:
        events = [
            Labelled(*_voxels(chosen, row), chosen["semantic"][row]) for row in range(chosen.rows)
        ]
        self.classifier = self.classifier.fitted(_known(events), self.config.bins)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``semantic``, ``score``, ``ghost_score``, ``fragment`` and points of each event."""
        shares = [self._shares(samples, row) for row in range(samples.rows)]
        return _predicted(samples, shares, self.config, self.names)

    def _shares(self, samples: Table, row: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Probability of each class and of a ghost, (voxels, 6), and the chosen one."""
        found = self.classifier.classified(*_voxels(samples, row))
        return found.shares, found.semantic


class PlaneAgreement(LocalDedx):
    """Ghosts where the charges of three planes do not agree; classes of the rest by local dE/dx."""

    needs: frozenset[str] = _VOXELS | {"plane_charge"}

    def __init__(self, config: PlaneAgreementConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.iterations = config.iterations
        self.deghosting = Deghosting(config.iterations or ITERATIONS)

    def _fit(self, chosen: Table) -> None:
        rows = range(chosen.rows)
        events = [
            (_voxels(chosen, row)[0], chosen["plane_charge"][row], chosen["semantic"][row])
            for row in rows
        ]
        if self.iterations is None:
            told = [one for one in events if (one[2] >= 0).any()]
            self.deghosting = best_fitted(told, self.config.bins)
        else:
            self.deghosting = self.deghosting.fitted(events, self.config.bins)
        left = []
        for row in rows:
            place, energy = _voxels(chosen, row)
            kept = self.deghosting.signal(place, chosen["plane_charge"][row])[1]
            left.append(Labelled(place[kept], energy[kept], chosen["semantic"][row][kept]))
        left = _known(left)
        if left:
            self.classifier = self.classifier.fitted(left, self.config.bins)

    def _shares(self, samples: Table, row: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        place, energy = _voxels(samples, row)
        signal, kept = self.deghosting.signal(place, samples["plane_charge"][row])
        shares = np.zeros((len(place), GHOST + 1))
        shares[:, GHOST] = 1 - signal
        shares[:, :GHOST] = signal[:, None] / GHOST
        semantic = np.full(len(place), GHOST, np.int8)
        if kept.any():
            found = self.classifier.classified(place[kept], energy[kept])
            shares[kept], semantic[kept] = found.shares, found.semantic
        return shares, semantic


class TrueLabels(Predictor):
    """True classes through the post-processing of fragments: its ceiling."""

    needs: frozenset[str] = _VOXELS | {"semantic"}

    def __init__(self, config: TrueLabelsConfig, facts: Mapping[str, Any]) -> None:
        self.config = config

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``semantic`` and ``fragment``; a voxel whose class nobody knows is called class 0."""
        semantic = samples["semantic"]
        fragment = fragments_of(
            samples, semantic, distance=self.config.distance, smallest=self.config.smallest
        )
        told = Ragged(np.maximum(semantic.values, 0), semantic.offsets)
        return Table({"id": samples.ids, "semantic": told, "fragment": fragment})


class TruePoints(TrueLabels):
    """True classes and true points through the post-processing of both."""

    needs: frozenset[str] = TrueLabels.needs | {
        *(f"point_{axis}" for axis in "xyz"),
        "point_semantic",
        "point_end",
    }

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """As :class:`TrueLabels`, with points: each voxel proposes the nearest true one."""
        proposals = _perfect(samples, self.config.resolution)
        points = points_of(samples, samples["semantic"], proposals)
        return super().predict(samples, keys).with_columns(points)


def _voxels(samples: Table, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Place (voxels, 3) and energy (voxels,) of one event."""
    place = np.stack([samples[f"voxel_{axis}"][row] for axis in "xyz"], axis=1)
    return place.astype(np.int64), samples["deposit"][row].astype(np.float64)


def _known(events: Iterable[Labelled]) -> list[Labelled]:
    return [one for one in events if (one.semantic >= 0).any()]


def _predicted(
    samples: Table,
    shares: list[tuple[NDArray[np.float64], NDArray[np.int8]]],
    config: LocalDedxConfig,
    names: tuple[str, ...],
) -> Table:
    offsets = samples["deposit"].offsets
    chances = np.concatenate([np.zeros((0, GHOST + 1)), *(one for one, _ in shares)])
    chosen = np.concatenate([np.zeros(0, np.int8), *(one for _, one in shares)])
    semantic = Ragged(chosen.astype(np.int8), offsets)
    fragment = fragments_of(samples, semantic, distance=config.distance, smallest=config.smallest)
    points = [
        ends_of(
            *_voxels(samples, row),
            semantic[row],
            fragment[row],
            names=names,
            shower_voxels=config.shower_voxels,
        )
        for row in range(samples.rows)
    ]
    signal = np.maximum(chances[:, :GHOST].sum(axis=1, keepdims=True), 1e-12)
    score = np.clip(chances[:, :GHOST] / signal, 0, 1).astype(np.float32)
    return Table(
        {
            "id": samples.ids,
            "semantic": semantic,
            "score": Ragged(score, offsets),
            "ghost_score": Ragged(np.clip(chances[:, GHOST], 0, 1).astype(np.float32), offsets),
            "fragment": fragment,
            **{name: Ragged.of([one[name] for one in points]) for name in POINT_COLUMNS},
        }
    )


def _perfect(samples: Table, resolution: float) -> Proposals:
    """What a perfect network would propose: voxels near a true point that point, surely."""
    voxels = places_of(samples) + 0.5
    lengths = samples["deposit"].lengths
    begin = np.cumsum(lengths) - lengths
    offset = np.zeros((len(voxels), 3))
    score, end = np.zeros(len(voxels)), np.zeros(len(voxels))
    types = np.zeros((len(voxels), GHOST))
    for row in range(samples.rows):
        place = np.stack([samples[f"point_{axis}"][row] for axis in "xyz"], axis=1)
        if not len(place) or not lengths[row]:
            continue
        inside = slice(int(begin[row]), int(begin[row] + lengths[row]))
        apart = place[None] - voxels[inside][:, None]
        distance = np.linalg.norm(apart, axis=2)
        nearest = np.argmin(distance, axis=1)
        rows = np.arange(int(lengths[row]))
        offset[inside] = apart[rows, nearest]
        score[inside] = distance[rows, nearest] < resolution
        types[begin[row] + rows, samples["point_semantic"][row][nearest]] = 1.0
        end[inside] = samples["point_end"][row][nearest]
    return Proposals(offset=offset, score=score, types=types, end=end)
