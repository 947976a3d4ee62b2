"""What the loss compares with: edges, primaries, kinds, momenta, vertices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.grouping.config import (
    GrappaConfig,
    GrappaInteractionConfig,
    GrappaShowerConfig,
)
from zoo_sparse_reco.grouping.graph import Graph
from zoo_sparse_reco.grouping.nodes import Nodes
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.grouping.truth import (
    NodeTruth,
    momenta_of,
    truth_of,
    types_of,
    vertices_of,
)
from zoo_sparse_reco.physics.labels import Pid

__all__ = ["MOMENTUM_SCALE", "VERTEX_SCALE", "class_counts", "target_fields", "targets_of"]

MOMENTUM_SCALE = 1000.0
"""Networks tell momenta in units of so many MeV/c."""

VERTEX_SCALE = 100.0
"""Networks tell the vertex from the start of a particle, in units of so many voxels."""

Targets = dict[str, Any]
Weights = Mapping[str, NDArray[np.float64]]


def target_fields(config: GrappaConfig) -> frozenset[str]:
    """Columns that :func:`targets_of` reads."""
    fields = {STAGES[config.stage].group}
    if isinstance(config, GrappaShowerConfig):
        fields.add("particle")
    if isinstance(config, GrappaInteractionConfig):
        fields.add("voxel_group")
        if config.types:
            fields.add("pid")
        if config.primaries:
            fields |= {"particle_id", "particle_primary"}
        if config.momentum_loss:
            fields |= {"particle_id", "particle_momentum"}
        if config.vertices:
            fields |= {"interaction_id", "interaction_vertex"}
    return frozenset(fields)


def targets_of(
    samples: Table, graph: Graph, config: GrappaConfig, class_weights: Weights
) -> Targets:
    """Targets of one graph of all events.

    Args:
        samples: With :func:`target_fields`.
        graph: Of these samples.
        config: Which heads there are.
        class_weights: ``pid`` (6,) and ``primary`` (2,).

    Returns:
        ``edge`` int64 (e,), 1: both of one group; ``edge_weight`` float32 (e,), 0: not learnt.
        Where the model has the head, ``primary`` and ``pid``, int64 (n,), ``momentum`` float32
        (n,), GeV/c, ``vertex`` float32 (n, 3), 100 voxels from the start, each with ``..._weight``
        float32 (n,). ``counts``: sums of the weights by name.
    """
    truth = truth_of(samples, graph.nodes, STAGES[config.stage])
    targets: Targets = {"counts": {}}
    same = truth.group[graph.from_] == truth.group[graph.to]
    _add(targets, "edge", same.astype(np.int64), _learnt_edges(graph, truth, config))
    if isinstance(config, GrappaShowerConfig):
        weight = class_weights["primary"][np.maximum(truth.primary, 0)] * (truth.primary >= 0)
        _add(targets, "primary", np.maximum(truth.primary, 0), weight)
    if isinstance(config, GrappaInteractionConfig):
        _add_heads(targets, samples, graph, truth, config=config, class_weights=class_weights)
    return targets


def _add_heads(
    targets: Targets,
    samples: Table,
    graph: Graph,
    truth: NodeTruth,
    *,
    config: GrappaInteractionConfig,
    class_weights: Weights,
) -> None:
    heads = {}
    if config.types:
        heads["pid"] = types_of(samples, graph.nodes)
    if config.primaries:
        heads["primary"] = truth.primary
    for name, value in heads.items():
        weight = class_weights[name][np.maximum(value, 0)] * (value >= 0)
        _add(targets, name, np.maximum(value, 0), weight)
    if config.momentum_loss:
        momentum = momenta_of(samples, truth) / MOMENTUM_SCALE
        known = np.isfinite(momentum)
        _add(targets, "momentum", np.where(known, momentum, 0).astype(np.float32), known)
    if config.vertices:
        way = (vertices_of(samples, graph.nodes) - graph.ends.start) / VERTEX_SCALE
        known = np.isfinite(way).all(axis=1) & (truth.primary == 1)
        _add(targets, "vertex", np.where(known[:, None], way, 0).astype(np.float32), known)
        targets["counts"]["vertex"] *= 3


def class_counts(
    samples: Table, nodes: Nodes, config: GrappaConfig
) -> dict[str, NDArray[np.int64]]:
    """Nodes of each kind (6,), and of those that are no primaries and are (2,)."""
    truth = truth_of(samples, nodes, STAGES[config.stage])
    found = {}
    if isinstance(config, GrappaInteractionConfig):
        if config.types:
            kind = types_of(samples, nodes)
            found["pid"] = np.bincount(kind[kind >= 0], minlength=len(Pid))
        if config.primaries:
            primary = truth.primary[truth.primary >= 0]
            found["primary"] = np.bincount(primary, minlength=2)
    return found


def _add(targets: Targets, name: str, value: NDArray[Any], weight: NDArray[Any]) -> None:
    targets[name] = value
    targets[f"{name}_weight"] = np.asarray(weight, np.float32)
    targets["counts"][name] = float(np.sum(weight, dtype=np.float64))


def _learnt_edges(graph: Graph, truth: NodeTruth, config: GrappaConfig) -> NDArray[np.bool_]:
    """Edges between nodes of known groups; with ``high_purity`` of those with one primary node."""
    taught = truth.group >= 0
    if isinstance(config, GrappaShowerConfig) and config.high_purity:
        primaries = np.bincount(
            truth.group[taught],
            truth.primary[taught] == 1,
            minlength=int(truth.group.max(initial=-1)) + 1,
        )
        taught = taught & (primaries[np.maximum(truth.group, 0)] == 1 if len(primaries) else False)
    return taught[graph.from_] & taught[graph.to]
