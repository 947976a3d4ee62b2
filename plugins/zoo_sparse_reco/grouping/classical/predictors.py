"""The baseline, by distances and directions, and the oracle, which knows the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table
from zoo_sparse_reco.grouping.answers import joined_stages, node_columns
from zoo_sparse_reco.grouping.classical.config import NearestStartConfig, TrueGroupsConfig
from zoo_sparse_reco.grouping.classical.fitting import best_cuts
from zoo_sparse_reco.grouping.classical.kinds import KindTable
from zoo_sparse_reco.grouping.classical.rules import ROUND, joined
from zoo_sparse_reco.grouping.classical.scene import scene_of
from zoo_sparse_reco.grouping.graph import graph_fields
from zoo_sparse_reco.grouping.nodes import INPUT_CLASS, nodes_of
from zoo_sparse_reco.grouping.partition import counted_in_events
from zoo_sparse_reco.grouping.stages import ALL_STAGES, STAGES, Stage
from zoo_sparse_reco.grouping.truth import momenta_of, truth_of, types_of, vertices_of
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["NearestStart", "TrueGroups"]


class NearestStart(Predictor):
    """All three stages by the rules of :mod:`zoo_sparse_reco.grouping.classical.rules`.

    Without :meth:`fit` round numbers stand in for distances and angles.
    """

    targets: frozenset[str] = frozenset({"particle", "voxel_group", "interaction", "pid"})

    def __init__(self, config: NearestStartConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.scheme = grid_of(facts).scheme
        self.needs = frozenset[str]().union(*(graph_fields(stage, points=True) for stage in STAGES))
        self.cuts = dict(ROUND)
        self.kinds = KindTable.unfitted()

    def fit(self, training: Iterable[Table]) -> None:
        """Cuts with the best mean ARI, and kinds, of the training events of the lowest ids.

        Raises:
            DataError: There is no training event with a known interaction.
        """
        chosen = _lowest(training, self.config.events, self.needs | self.targets)
        if chosen is None or not (chosen["interaction"].values >= 0).any():
            raise DataError(
                "no training event with known groups to fit distances and angles to",
                where="sparse-group/nearest-start",
                remedy="give data with a training split and the field 'interaction'",
            )
        for stage in STAGES:
            scene = scene_of(chosen, stage, self.scheme)
            truth = truth_of(chosen, scene.nodes, stage)
            self.cuts[stage.name] = best_cuts(scene, truth.group, stage.name)
            if stage.name == "interaction":
                self.kinds = KindTable.fitted(scene, types_of(chosen, scene.nodes))

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Groups, primaries, vertices and kinds of the nodes of all stages."""
        parts = []
        for stage in STAGES:
            scene = scene_of(samples, stage, self.scheme)
            found = joined(scene, stage.name, self.cuts[stage.name])
            told = {
                "node_start": scene.start.astype(np.float32),
                "node_end": scene.end.astype(np.float32),
                "node_primary_score": found.first.astype(np.float32),
                "node_pid_score": self.kinds.scores(scene),
                "node_vertex": found.vertex.astype(np.float32),
            }
            group = counted_in_events(found.group, scene.nodes.event)
            parts.append(node_columns(samples, scene.nodes, group, stage, told))
        return _table(samples, parts)


class TrueGroups(Predictor):
    """True groups of the input clusters, and what is true of these."""

    def __init__(self, config: TrueGroupsConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.scheme = grid_of(facts).scheme
        self.needs = frozenset(
            {stage.cluster for stage in STAGES}
            | {INPUT_CLASS, "voxel_x", "particle", "voxel_group", "interaction", "pid"}
            | {"particle_id", "particle_primary", "particle_momentum"}
            | {"interaction_id", "interaction_vertex"}
        )

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """All that is known; a node whose group nobody knows is one by itself."""
        parts = [self._stage(samples, stage) for stage in STAGES]
        return _table(samples, parts)

    def _stage(self, samples: Table, stage: Stage) -> Any:
        nodes = nodes_of(samples, stage, scheme=self.scheme)
        truth = truth_of(samples, nodes, stage)
        alone = truth.group.max(initial=-1) + 1 + np.arange(len(nodes))
        group = counted_in_events(np.where(truth.group >= 0, truth.group, alone), nodes.event)
        told = {
            "node_primary_score": np.maximum(truth.primary, 0).astype(np.float32),
            "node_pid_score": _certain(types_of(samples, nodes)),
            "node_momentum": np.nan_to_num(momenta_of(samples, truth)).astype(np.float32),
            "node_vertex": np.nan_to_num(vertices_of(samples, nodes)).astype(np.float32),
        }
        return node_columns(samples, nodes, group, stage, told)


def _certain(kind: NDArray[np.int64]) -> NDArray[np.float32]:
    """1 for the true kind (n, 6); all alike where nobody knows it."""
    score = np.full((len(kind), len(Pid)), 1 / len(Pid), np.float32)
    known = kind >= 0
    score[known] = np.eye(len(Pid), dtype=np.float32)[kind[known]]
    return score


def _table(samples: Table, parts: Any) -> Table:
    stage = np.full(samples.rows, ALL_STAGES, np.int8)
    return Table({"id": samples.ids, "stage": stage, **joined_stages(parts)})


def _lowest(training: Iterable[Table], most: int, fields: frozenset[str]) -> Table | None:
    """The samples of the lowest ids: the same whatever the order of the data."""
    kept: Table | None = None
    for table in training:
        one = table.select(fields)
        together = one if kept is None else Table.concat([kept, one])
        kept = together.take(np.argsort(together.ids, kind="stable")[:most])
    return kept if kept is not None and kept.rows else None
