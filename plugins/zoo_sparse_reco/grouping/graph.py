"""The graph of a table of events: nodes, edges in both directions, and their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.grouping.config import GrappaConfig
from zoo_sparse_reco.grouping.features.closest import Pairs, closest_pairs
from zoo_sparse_reco.grouping.features.ends import (
    Ends,
    Points,
    directions,
    ends_of,
    local_dedx,
)
from zoo_sparse_reco.grouping.features.segments import means
from zoo_sparse_reco.grouping.features.shape import shape_features
from zoo_sparse_reco.grouping.nodes import INPUT_CLASS, Nodes, nodes_of
from zoo_sparse_reco.grouping.stages import STAGES, Stage, common_classes, distance_matrix
from zoo_sparse_reco.points.fragments import places_of

__all__ = [
    "EDGE_FEATURES",
    "Graph",
    "graph_fields",
    "graph_of",
    "node_features",
    "points_of_particles",
]

EDGE_FEATURES = 19
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Of all events of a table; none of its edges leads from one event to another.

    Attributes:
        nodes: n of them.
        ends: Of each.
        features: (n, 33), or (n, 32) without the class.
        from_, to: Nodes of each edge, int64 (e,).
        edge_features: (e, 19).
    """

    nodes: Nodes
    ends: Ends
    features: Floats
    from_: NDArray[np.int64]
    to: NDArray[np.int64]
    edge_features: Floats


def node_features(stage: Stage) -> int:
    """33, or 32 where all nodes are of one class, which would tell nothing."""
    return 33 if len(stage.classes) > 1 else 32


def graph_fields(stage: Stage, *, points: bool) -> frozenset[str]:
    """Columns that :func:`graph_of` reads."""
    fields = {"voxel_x", "voxel_y", "voxel_z", "deposit", INPUT_CLASS, stage.cluster}
    if points:
        fields |= {f"input_point_{name}" for name in ("x", "y", "z", "semantic", "end")}
    return frozenset(fields)


def graph_of(samples: Table, config: GrappaConfig, scheme: str) -> Graph:
    """The graph of the stage of a model, by its settings.

    Args:
        samples: With :func:`graph_fields`.
        config: ``stage``, ``points``, ``distances``, ...
        scheme: Of the classes.
    """
    stage = STAGES[config.stage]
    nodes = nodes_of(samples, stage, scheme=scheme, smallest=config.smallest)
    points = points_of_particles(samples, scheme) if config.points else None
    place = places_of(samples)[nodes.voxel]
    middle: Floats = place.astype(np.float64) + 0.5
    energy = samples["deposit"].values.astype(np.float64)[nodes.voxel]
    ends = ends_of(
        nodes,
        middle,
        energy,
        points,
        distance=config.point_distance,
        radius=config.radius,
    )
    features = _node_features(nodes, middle, energy, ends, config.radius)
    if node_features(stage) < features.shape[1]:
        features = np.delete(features, _CLASS_COLUMN, axis=1)
    pairs = closest_pairs(nodes, place, distance_matrix(config.distances))
    from_, to, edges = _edges(pairs, place)
    return Graph(nodes, ends, features, from_, to, edges)


def points_of_particles(samples: Table, scheme: str) -> Points:
    """Where particles start and tracks end, as the inputs have it."""
    column = samples["input_point_x"]
    places = [samples[f"input_point_{axis}"].values.astype(np.float64) for axis in "xyz"]
    return Points(
        event=np.repeat(np.arange(samples.rows), column.lengths),
        place=np.stack(places, axis=1),
        semantic=common_classes(samples["input_point_semantic"].values, scheme),
        end=samples["input_point_end"].values.astype(np.float64),
    )


_CLASS_COLUMN = 18


def _node_features(
    nodes: Nodes, place: Floats, energy: Floats, ends: Ends, radius: float
) -> Floats:
    """Shape (16), energy of a voxel and its spread, class, both ends, directions and dE/dx there.

    Returns:
        (n, 33).
    """
    offsets = nodes.offsets
    mean = means(energy, offsets)
    spread = np.sqrt(means((energy - np.repeat(mean, nodes.sizes)) ** 2, offsets))
    both = (ends.start, ends.end)
    return np.concatenate(
        [
            shape_features(place, offsets),
            np.stack([mean, spread, nodes.semantic], axis=1),
            *both,
            *(directions(one, place, offsets, radius) for one in both),
            *(local_dedx(one, place, energy, offsets, radius)[:, None] for one in both),
        ],
        axis=1,
    )


def _edges(
    pairs: Pairs, place: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """From, to, and features of two edges of each pair, in turn.

    Closest voxels of both nodes (6), unit vector from the second to the first (3), distance, outer
    product of the vector with itself (9).
    """
    from_ = np.stack([pairs.one, pairs.other], axis=1).ravel()
    to = np.stack([pairs.other, pairs.one], axis=1).ravel()
    ends = np.stack([place[pairs.of_one], place[pairs.of_other]], axis=1) + 0.5
    first, second = ends.reshape(-1, 3), ends[:, ::-1].reshape(-1, 3)
    between = first - second
    distance = np.linalg.norm(between, axis=1, keepdims=True)
    unit = np.divide(between, distance, out=np.zeros_like(between), where=distance > 0)
    outer = (unit[:, :, None] * unit[:, None, :]).reshape(-1, 9)
    return from_, to, np.concatenate([first, second, unit, distance, outer], axis=1)
