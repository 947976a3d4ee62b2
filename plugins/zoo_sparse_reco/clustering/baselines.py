"""Rows without a network: DBSCAN with tracks broken at points or bends, and the true fragments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table
from zoo_sparse_reco.classical.rules import TRACKS
from zoo_sparse_reco.clustering.config import DbscanBendsConfig, TrueFragmentsConfig
from zoo_sparse_reco.clustering.dbscan import bent, broken, near_points, pieces
from zoo_sparse_reco.clustering.numbers import clustered_classes, groups_of
from zoo_sparse_reco.physics.labels import class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.points.fragments import places_of
from zoo_sparse_reco.within_events import numbered

__all__ = ["Dbscan", "DbscanBends", "TrueFragments"]

_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "input_semantic"})
_POINTS = ("input_point_x", "input_point_y", "input_point_z")


class DbscanBends(Predictor):
    """Connected voxels of each class; tracks are broken where they are no line."""

    needs: frozenset[str] = _VOXELS

    def __init__(self, config: DbscanBendsConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        names = class_names(grid_of(facts).scheme)
        self.steps = {
            number: getattr(config, "track" if name in TRACKS else name)
            for number, name in enumerate(names)
            if number in clustered_classes(grid_of(facts).scheme)
        }
        self.tracks = tuple(number for number, name in enumerate(names) if name in TRACKS)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``fragment`` of each voxel."""
        place, semantic = places_of(samples), samples["input_semantic"]
        event = np.repeat(np.arange(samples.rows), semantic.lengths)
        label = pieces(place, event, semantic.values.astype(np.int64), self.steps)
        if self.config.break_radius:
            for kind in self.tracks:
                chosen = np.flatnonzero(semantic.values == kind)
                found = broken(
                    place[chosen],
                    label[chosen],
                    self._left_out(place[chosen], event[chosen], samples),
                    self.steps[kind],
                    self.config.smallest,
                )
                label[chosen] = found + label.max(initial=-1) + 1
        fragment = numbered(label, semantic.offsets, self.config.smallest)
        return Table({"id": samples.ids, "fragment": fragment})

    def _left_out(
        self, place: NDArray[np.int64], event: NDArray[np.int64], samples: Table
    ) -> NDArray[np.bool_]:
        return bent(place, event, self.config.break_radius)


class Dbscan(DbscanBends):
    """Connected voxels of each class; tracks are broken at points of tracks."""

    needs: frozenset[str] = _VOXELS | {*_POINTS, "input_point_semantic"}

    def _left_out(
        self, place: NDArray[np.int64], event: NDArray[np.int64], samples: Table
    ) -> NDArray[np.bool_]:
        kind = samples["input_point_semantic"]
        chosen = np.isin(kind.values, self.tracks)
        of = np.repeat(np.arange(samples.rows), kind.lengths)[chosen]
        points = np.stack([samples[name].values[chosen] for name in _POINTS], 1)
        return near_points(place, event, points.astype(np.float64), of, self.config.break_radius)


class TrueFragments(Predictor):
    """True fragments, cut where the classes that the stage is told differ: its ceiling."""

    needs: frozenset[str] = frozenset({"input_semantic", "fragment"})

    def __init__(self, config: TrueFragmentsConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.classes = clustered_classes(grid_of(facts).scheme)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``fragment`` of each voxel; of unknown fragments and classes: none."""
        fragment, semantic = samples["fragment"], samples["input_semantic"]
        group = groups_of(semantic, self.classes)
        known = (group >= 0) & (fragment.values >= 0)
        width = int(fragment.values.max(initial=-1)) + 1
        label = np.where(known, group * width + fragment.values, -1).astype(np.int64)
        return Table({"id": samples.ids, "fragment": numbered(label, semantic.offsets)})
