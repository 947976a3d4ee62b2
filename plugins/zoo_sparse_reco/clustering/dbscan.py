"""Fragments without a network: connected voxels of a class, and tracks broken where they meet.

With one voxel enough for a cluster, DBSCAN (Ester et al., KDD 1996) finds connected components.
Tracks that meet are one of these. As SPINE does, voxels near to points are left out, so that what
remains falls apart; then they go to the nearest of the pieces that they were connected with.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo_sparse_reco.classical.surroundings import neighbours, shape_of
from zoo_sparse_reco.points.components import connected

__all__ = ["bent", "broken", "near_points", "pieces"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_STRAIGHT = 0.6
"""What is less of a line is a bend or a crossing: a right angle has 0.5, a line of half the length
that is looked at 0.8."""


def pieces(place: Whole, event: Whole, semantic: Whole, steps: Mapping[int, float]) -> Whole:
    """Connected voxels of each event and class, (V,); -1: of a class that has no fragments.

    Args:
        place: (V, 3).
        event: (V,).
        semantic: (V,).
        steps: The longest step of each class that has fragments, in voxels.
    """
    label = np.full(len(place), -1, np.int64)
    for number, distance in steps.items():
        chosen = np.flatnonzero(semantic == number)
        found = connected(place[chosen], event[chosen], distance)
        label[chosen] = found + label.max(initial=-1) + 1
    return label


def near_points(
    place: Whole, event: Whole, points: Floats, of: Whole, radius: float
) -> NDArray[np.bool_]:
    """Voxels whose middle lies within a radius of a point of their event, (V,).

    Args:
        place: (V, 3).
        event: (V,).
        points: (P, 3), voxels.
        of: Events of the points, (P,).
        radius: In voxels.
    """
    if not (len(points) and len(place)):
        return np.zeros(len(place), np.bool_)
    # A fourth coordinate keeps events further apart than the radius.
    apart = 2 * radius + 1
    tree = KDTree(np.column_stack([points, apart * of]))
    distance, _ = tree.query(
        np.column_stack([place + 0.5, apart * event]), distance_upper_bound=radius + 1e-9
    )
    return np.isfinite(distance)


def bent(place: Whole, event: Whole, radius: float) -> NDArray[np.bool_]:
    """Voxels around which the others of their event are no line, (V,).

    Args:
        place: Voxels of tracks, (V, 3).
        event: (V,), rising.
        radius: What is looked at, in voxels.
    """
    found = np.zeros(len(place), np.bool_)
    starts = np.flatnonzero(np.diff(event, prepend=-1))
    for rows in np.split(np.arange(len(place)), starts[1:]) if len(starts) else []:
        some = place[rows].astype(np.float64)
        around = neighbours(some, radius)
        found[rows] = shape_of(around, some, np.ones(len(rows))).line < _STRAIGHT
    return found


def broken(
    place: Whole, whole: Whole, left_out: NDArray[np.bool_], step: float, smallest: int
) -> Whole:
    """Pieces of pieces, (V,), numbered anew from 0.

    Args:
        place: (V, 3).
        whole: Number of each voxel's piece, (V,).
        left_out: (V,), voxels that connect nothing.
        step: Longest step, in voxels.
        smallest: What remains of a piece in fewer voxels is left out, too.
    """
    label = np.full(len(place), -1, np.int64)
    inner = np.flatnonzero(~left_out)
    found = connected(place[inner], whole[inner], step)
    large = np.bincount(found, minlength=1)[found] >= smallest if len(inner) else left_out[:0]
    label[inner[large]] = found[large]
    inner, outer = inner[large], np.flatnonzero(label < 0)
    if len(inner) and len(outer):
        # A fourth coordinate keeps pieces further apart than anything within one.
        apart = 4.0 * (np.ptp(place, axis=0).max() + 1)
        tree = KDTree(np.column_stack([place[inner], apart * whole[inner]]))
        asked = np.column_stack([place[outer], apart * whole[outer]])
        distance = np.asarray(tree.query(asked)[0])
        same = np.flatnonzero(distance < apart / 2)
        # Many are as near as each other; the first of them is the same whatever else is there.
        near = tree.query_ball_point(asked[same], distance[same] + 1e-6)
        first = np.array([min(some) for some in near], np.intp)
        label[outer[same]] = label[inner[first]]
    # Of a piece of which nothing remained, all voxels stay together.
    alone = label < 0
    label[alone] = whole[alone] + label.max(initial=-1) + 1
    return label
