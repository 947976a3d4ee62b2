"""Where nodes start and end, and what they look like there.

Points of particles tell it where they are given, else the shape alone:

- The two *geometric ends* of a node are the voxel farthest from its centre, and the voxel farthest
  from that one.
- A track has the geometric ends, each moved to the nearest point of a track within a distance, if
  there is one. Where the probabilities differ that the two points are ends, it starts at the less
  likely one; else where the dE/dx is lower, for particles that stop ionise most at their end.
- Anything else starts at one of the points of its class near to one of its voxels, else at one of
  its geometric ends: at the one from which its voxels lie most in one direction, that is, whose
  mean unit vector to them is the longest. It ends at the voxel farthest from its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo_sparse_reco.grouping.features.segments import first_largest, means, sums
from zoo_sparse_reco.grouping.nodes import Nodes
from zoo_sparse_reco.grouping.stages import CLASSES

__all__ = ["Ends", "Points", "directions", "ends_of", "local_dedx"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_TRACK = CLASSES.index("track")


@dataclass(frozen=True, eq=False)
class Points:
    """Points of particles of all events.

    Attributes:
        event: int64 (p,).
        place: (p, 3), voxels.
        semantic: In :data:`~zoo_sparse_reco.grouping.stages.CLASSES`, or -1, int64 (p,).
        end: Probability of an end, (p,); NaN: nobody knows.
    """

    event: Whole
    place: Floats
    semantic: Whole
    end: Floats


@dataclass(frozen=True, eq=False)
class Ends:
    """Of all nodes, (n, 3), voxels."""

    start: Floats
    end: Floats


def ends_of(
    nodes: Nodes,
    place: Floats,
    energy: Floats,
    points: Points | None,
    *,
    distance: float,
    radius: float,
) -> Ends:
    """Start and end of each node.

    Args:
        nodes: n of them.
        place: Middles of their voxels, node after node, (m, 3).
        energy: Of these, (m,).
        points: Of particles; ``None``: not given.
        distance: A point belongs to nodes that are this near.
        radius: Of the voxels whose dE/dx is compared.
    """
    start, end = _geometric(place, nodes.offsets)
    pairs = _near(nodes, place, points, distance)
    tracks = nodes.semantic == _TRACK
    if tracks.any():
        moved = _moved((start, end), points, pairs, distance)
        dedx = [local_dedx(one, place, energy, nodes.offsets, radius) for one in moved.places]
        found = _in_order(moved, dedx)
        start[tracks], end[tracks] = found[0][tracks], found[1][tracks]
    bounds = np.searchsorted(pairs[:, 0], np.arange(len(nodes) + 1))
    for node in np.flatnonzero(~tracks):
        own = place[nodes.offsets[node] : nodes.offsets[node + 1]]
        near = pairs[bounds[node] : bounds[node + 1], 1]
        candidates = np.stack([start[node], end[node]])
        if points is not None and len(near):
            candidates = points.place[near]
        start[node] = _most_collimated(candidates, own)
        end[node] = own[np.argmax(np.linalg.norm(own - start[node], axis=1))]
    return Ends(start, end)


def directions(from_: Floats, place: Floats, offsets: Whole, radius: float) -> Floats:
    """Mean direction from a place of each node to its voxels within a radius, (n, 3).

    A unit vector; 0 where there is no voxel, or their mean is that place.
    """
    sizes = np.diff(offsets)
    relative = place - np.repeat(from_, sizes, axis=0)
    near = np.linalg.norm(relative, axis=1) <= radius
    mean = sums(relative * near[:, None], offsets)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    found: Floats = np.divide(mean, length, out=np.zeros_like(mean), where=length > 0)
    return found


def local_dedx(
    from_: Floats, place: Floats, energy: Floats, offsets: Whole, radius: float
) -> Floats:
    """Energy within a radius of a place of each node over the longest distance there, (n,).

    MeV/voxel; 0 with fewer than two voxels.
    """
    sizes = np.diff(offsets)
    apart = np.linalg.norm(place - np.repeat(from_, sizes, axis=0), axis=1)
    near = apart <= radius
    count, total = sums(near, offsets), sums(energy * near, offsets)
    longest = np.zeros(len(sizes))
    if len(sizes):
        longest = np.maximum.reduceat(np.where(near, apart, 0.0), offsets[:-1])
    told = (count >= 2) & (longest > 0)
    return np.divide(total, longest, out=np.zeros_like(total), where=told)


def _geometric(place: Floats, offsets: Whole) -> tuple[Floats, Floats]:
    sizes = np.diff(offsets)

    def farthest(from_: Floats) -> Floats:
        apart = np.linalg.norm(place - np.repeat(from_, sizes, axis=0), axis=1)
        return place[first_largest(apart, offsets)]

    start = farthest(means(place, offsets))
    return start, farthest(start)


def _near(nodes: Nodes, place: Floats, points: Points | None, distance: float) -> Whole:
    """Pairs (k, 2) of a node and a point of its class within the distance of one of its voxels."""
    if points is None or not len(points.event) or not len(nodes):
        return np.zeros((0, 2), np.int64)
    # A fourth coordinate keeps events and classes further apart than the distance.
    step, kinds = 2 * distance + 1, len(CLASSES) + 1
    of_points = step * (kinds * points.event + points.semantic)
    owner = nodes.owner
    of_voxels = step * (kinds * nodes.event + nodes.semantic)[owner]
    found = KDTree(np.column_stack([place, of_voxels])).sparse_distance_matrix(
        KDTree(np.column_stack([points.place, of_points])), distance, output_type="ndarray"
    )
    return np.unique(np.stack([owner[found["i"]], found["j"]], axis=1), axis=0)


def _most_collimated(candidates: Floats, place: Floats) -> Floats:
    """That with the longest mean unit vector to all places; of equal ones the first."""
    lengths = []
    for one in candidates:
        relative = place - one
        apart = np.linalg.norm(relative, axis=1, keepdims=True)
        unit = np.divide(relative, apart, out=np.zeros_like(relative), where=apart > 0)
        lengths.append(np.linalg.norm(unit.sum(axis=0)))
    # Candidates that rounding alone tells apart are equal.
    best: Floats = candidates[int(np.argmax(np.round(lengths, 9)))]
    return best


class _Moved(NamedTuple):
    """Both ends of each node, and the probability that the point there is an end; NaN: unknown."""

    places: list[Floats]
    probability: Floats


def _moved(
    geometric: tuple[Floats, Floats], points: Points | None, pairs: Whole, distance: float
) -> _Moved:
    """Geometric ends, each at the nearest point within the distance, if there is one."""
    places = [one.copy() for one in geometric]
    probability = np.full((2, len(places[0])), np.nan)
    if points is not None:
        for side in range(2):
            rows, chosen = _nearest(geometric[side], points.place, pairs, distance)
            places[side][rows] = points.place[chosen]
            probability[side, rows] = points.end[chosen]
    return _Moved(places, probability)


def _in_order(moved: _Moved, dedx: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Starts and ends of tracks."""
    one, other = moved.places
    first, second = moved.probability
    told = np.isfinite(first) & np.isfinite(second) & (first != second)
    swap = np.where(told, first > second, dedx[0] > dedx[1])[:, None]
    return np.where(swap, other, one), np.where(swap, one, other)


def _nearest(from_: Floats, place: Floats, pairs: Whole, distance: float) -> tuple[Whole, Whole]:
    """Nodes that have a point within the distance of a place of theirs, and the nearest one."""
    node, point = pairs.T
    apart = np.linalg.norm(from_[node] - place[point], axis=1)
    near = apart <= distance
    node, point, apart = node[near], point[near], apart[near]
    order = np.lexsort((point, apart, node))
    rows, first = np.unique(node[order], return_index=True)
    return rows, point[order][first]
