"""Events to graphs and targets; scores to groups, and what each node is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Ragged, Table
from zoo_sparse_reco.augment import augment
from zoo_sparse_reco.grouping.answers import node_columns
from zoo_sparse_reco.grouping.config import GrappaConfig, GrappaInteractionConfig
from zoo_sparse_reco.grouping.graph import Graph, graph_fields, graph_of
from zoo_sparse_reco.grouping.nodes import nodes_of
from zoo_sparse_reco.grouping.partition import counted_in_events, partition
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.grouping.targets import (
    MOMENTUM_SCALE,
    VERTEX_SCALE,
    class_counts,
    target_fields,
    targets_of,
)
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["GrappaCodec"]


class GrappaCodec(Codec):
    """One graph of all events of a batch, without edges between events.

    Constants, if classes are balanced: ``pid_counts`` (6) and ``primary_counts`` (2), training
    nodes of each class.
    """

    config: GrappaConfig

    def __init__(
        self, config: GrappaConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.stage = STAGES[config.stage]
        self.needs = graph_fields(self.stage, points=config.points)
        self.targets = target_fields(config)
        self._latest: tuple[tuple[Any, ...], Graph] | None = None

    @classmethod
    def fit(
        cls, config: GrappaConfig, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """Counts of classes over the nodes of the training split, if the loss balances them.

        Raises:
            DataError: If no node has a known class.
        """
        if not (isinstance(config, GrappaInteractionConfig) and config.balance):
            return {}
        scheme, totals = grid_of(facts).scheme, dict[str, Any]()
        for samples in training:
            nodes = nodes_of(samples, STAGES[config.stage], scheme=scheme, smallest=config.smallest)
            for name, counts in class_counts(samples, nodes, config).items():
                totals[name] = totals.get(name, 0) + counts
        for name, counts in totals.items():
            if not counts.sum():
                raise DataError(
                    f"no training particle has a known {name}, so classes cannot be balanced",
                    where=f"sparse-group, {name}",
                    remedy="train on events with that truth, or set model.balance=false",
                )
        return {f"{name}_counts": counts.tolist() for name, counts in totals.items()}

    def class_weights(self) -> dict[str, NDArray[np.float64]]:
        """``pid`` (6,) and ``primary`` (2,): how much a node of each class counts."""
        return {
            "pid": _balanced(self.constants.get("pid_counts"), len(Pid)),
            "primary": _balanced(self.constants.get("primary_counts"), 2),
        }

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """See :class:`~zoo_sparse_reco.config.Augmentation`."""
        return augment(samples, keys, self.config.augmentation, grid_of(self.facts).shape)

    def encode(self, samples: Table) -> Batch:
        """The graph and its targets.

        ``nodes`` float32 (n, 33 or 32), ``edges`` float32 (e, 19), and ``edge_from`` and
        ``edge_to``, int32 (e,), rows of nodes.
        """
        graph = self.graph(samples)
        inputs = {
            "nodes": graph.features.astype(np.float32),
            "edges": graph.edge_features.astype(np.float32),
            "edge_from": graph.from_.astype(np.int32),
            "edge_to": graph.to.astype(np.int32),
        }
        targets: dict[str, Any] = {}
        if self.targets <= set(samples):
            targets = targets_of(samples, graph, self.config, self.class_weights())
        return Batch(inputs, targets, samples.ids)

    def graph(self, samples: Table) -> Graph:
        """The graph of these samples.

        That of the latest is kept, for ``decode`` asks for what ``encode`` has just made.
        """
        # The same arrays, not only equal ones: tables are not changed in place.
        columns = tuple(samples[name].values for name in sorted(self.needs))
        if self._latest is not None:
            held, graph = self._latest
            if all(one is other for one, other in zip(held, columns, strict=True)):
                return graph
        graph = graph_of(samples, self.config, grid_of(self.facts).scheme)
        self._latest = columns, graph
        return graph

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """Groups of voxels and nodes, scores of edges, and what each head tells."""
        graph = self.graph(samples)
        nodes = graph.nodes
        score = np.asarray(outputs["edge_score"], np.float32)
        group = partition(
            len(nodes),
            graph.from_,
            graph.to,
            score,
            threshold=self.config.threshold,
            rule=self.config.grouping,
        )
        told: dict[str, Any] = {
            "node_start": graph.ends.start.astype(np.float32),
            "node_end": graph.ends.end.astype(np.float32),
        }
        if "primary_score" in outputs:
            told["node_primary_score"] = np.asarray(outputs["primary_score"], np.float32)
        if "pid_score" in outputs:
            told["node_pid_score"] = np.asarray(outputs["pid_score"], np.float32)
        if "momentum" in outputs:
            momentum = np.asarray(outputs["momentum"], np.float64) * MOMENTUM_SCALE
            told["node_momentum"] = np.maximum(momentum, 0).astype(np.float32)
        if "vertex" in outputs:
            way = np.asarray(outputs["vertex"], np.float64) * VERTEX_SCALE
            told["node_vertex"] = (graph.ends.start + way).astype(np.float32)
        columns = node_columns(
            samples, nodes, counted_in_events(group, nodes.event), self.stage, told
        )
        stage = np.full(samples.rows, self.stage.number, np.int8)
        edges = _edges(graph, score, samples.rows)
        return Table({"id": samples.ids, "stage": stage, **columns, **edges})

    def __getstate__(self) -> dict[str, Any]:
        """Without the latest graph: workers make their own."""
        return {**self.__dict__, "_latest": None}


def _edges(graph: Graph, score: NDArray[np.float32], events: int) -> dict[str, Ragged]:
    event = graph.nodes.event[graph.from_]
    counts = np.bincount(event, minlength=events)
    offsets = offsets_of(counts)
    before = np.searchsorted(graph.nodes.event, event)
    return {
        "edge_from": Ragged((graph.from_ - before).astype(np.int32), offsets),
        "edge_to": Ragged((graph.to - before).astype(np.int32), offsets),
        "edge_score": Ragged(score, offsets),
    }


def _balanced(counts: list[int] | None, classes: int) -> NDArray[np.float64]:
    """N / (K n_c) of n nodes in the K classes that are there; 0 of one that is not."""
    if counts is None:
        return np.ones(classes)
    each = np.asarray(counts, np.float64)
    share = each.sum() / (max(np.count_nonzero(each), 1) * np.maximum(each, 1))
    weights: NDArray[np.float64] = np.where(each > 0, share, 0.0)
    return weights
