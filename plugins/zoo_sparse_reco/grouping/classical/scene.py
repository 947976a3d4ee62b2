"""What the rules without a network look at: nodes as points with directions, and pairs of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.grouping.features.closest import closest_pairs
from zoo_sparse_reco.grouping.features.ends import ends_of, local_dedx
from zoo_sparse_reco.grouping.features.segments import means, sums
from zoo_sparse_reco.grouping.graph import points_of_particles
from zoo_sparse_reco.grouping.nodes import Nodes, nodes_of
from zoo_sparse_reco.grouping.stages import CLASSES, Stage
from zoo_sparse_reco.points.fragments import places_of

__all__ = ["Scene", "scene_of", "unit"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_RADIUS, _POINT_DISTANCE = 5.0, 5.0


@dataclass(frozen=True, eq=False)
class Scene:
    """Nodes of a stage in all events of a table, and all pairs of one event.

    Attributes:
        nodes: n of them.
        start, end: (n, 3), voxels.
        middle: Mean place, (n, 3).
        axis: Unit vectors from the start to the mean place, (n, 3); 0 of a single voxel.
        energy: MeV, (n,).
        dedx: Within 5 voxels of start and of end, MeV/voxel, (n, 2).
        one, other: Nodes of each pair, ``one`` below ``other``, int64 (p,).
        gap: Distance of their closest voxels, (p,).
        contact: How far these are from the nearer end of their node, (p, 2).
    """

    nodes: Nodes
    start: Floats
    end: Floats
    middle: Floats
    axis: Floats
    energy: Floats
    dedx: Floats
    one: Whole
    other: Whole
    gap: Floats
    contact: Floats


def scene_of(samples: Table, stage: Stage, scheme: str) -> Scene:
    """Of the input clusters of a stage."""
    nodes = nodes_of(samples, stage, scheme=scheme)
    place = places_of(samples)[nodes.voxel]
    energy = samples["deposit"].values.astype(np.float64)[nodes.voxel]
    points = points_of_particles(samples, scheme)
    middle: Floats = place.astype(np.float64) + 0.5
    ends = ends_of(nodes, middle, energy, points, distance=_POINT_DISTANCE, radius=_RADIUS)
    everywhere = np.full((len(CLASSES),) * 2, np.inf)
    pairs = closest_pairs(nodes, place, everywhere)
    at = (middle[pairs.of_one], middle[pairs.of_other])
    contact = [
        np.minimum(
            np.linalg.norm(where - ends.start[node], axis=1),
            np.linalg.norm(where - ends.end[node], axis=1),
        )
        for where, node in zip(at, (pairs.one, pairs.other), strict=True)
    ]
    mean = means(middle, nodes.offsets)
    dedx = [
        local_dedx(where, middle, energy, nodes.offsets, _RADIUS)
        for where in (ends.start, ends.end)
    ]
    return Scene(
        nodes=nodes,
        start=ends.start,
        end=ends.end,
        middle=mean,
        axis=unit(mean - ends.start),
        energy=sums(energy, nodes.offsets),
        dedx=np.stack(dedx, axis=1),
        one=pairs.one,
        other=pairs.other,
        gap=np.linalg.norm(at[0] - at[1], axis=1),
        contact=np.stack(contact, axis=1),
    )


def unit(vectors: Floats) -> Floats:
    """Vectors (n, 3) of length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return found
