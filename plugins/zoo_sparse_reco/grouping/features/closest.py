"""The closest voxels of pairs of nodes, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from zoo_sparse_reco.grouping.features.segments import first_largest
from zoo_sparse_reco.grouping.nodes import Nodes
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["Pairs", "closest_pairs"]

Whole = NDArray[np.int64]

_AT_ONCE = 200_000  # voxels asked for in one search: bounds the memory
_SLACK = 1e-6  # voxels: places are whole numbers, so equal distances are far from all others


@dataclass(frozen=True, eq=False)
class Pairs:
    """Nodes of one event that have an edge, each pair once.

    Attributes:
        one, other: Nodes, ``one`` below ``other``, int64 (p,).
        of_one, of_other: Entries of ``Nodes.voxel``: the closest voxels, int64 (p,).
    """

    one: Whole
    other: Whole
    of_one: Whole
    of_other: Whole

    def __len__(self) -> int:
        return len(self.one)


def closest_pairs(nodes: Nodes, place: NDArray[np.int64], reach: NDArray[np.float64]) -> Pairs:
    """All pairs of nodes of an event whose closest voxels are nearer than their classes may be.

    Of several pairs of voxels at the least distance that one is taken whose voxel of the smaller
    node comes first, and then that of the larger; of nodes of one size, the smaller is the one
    whose first voxel comes later. So nothing depends on how clusters are numbered.

    Args:
        nodes: Of all events.
        place: Of their voxels, node after node, whole numbers (m, 3).
        reach: Longest distance by classes, (classes, classes); 0: never.
    """
    found = [np.zeros((4, 0), np.int64)]
    bounds = np.searchsorted(nodes.event, np.arange(nodes.event.max(initial=-1) + 2))
    for begin, end in pairwise(bounds):
        # The largest first, of equal ones that whose first voxel comes first.
        first = nodes.voxel[nodes.offsets[begin:end]]
        order = begin + np.lexsort((first, -nodes.sizes[begin:end]))
        for rank in range(len(order) - 1):
            smaller = order[rank + 1 :]
            limit = reach[nodes.semantic[order[rank]], nodes.semantic[smaller]]
            found.append(_to_one(nodes, place, order[rank], smaller[limit > 0], limit[limit > 0]))
    larger, smaller, of_larger, of_smaller = np.concatenate(found, axis=1)
    swap = larger > smaller
    one, other = np.where(swap, smaller, larger), np.where(swap, larger, smaller)
    of_one = np.where(swap, of_smaller, of_larger)
    of_other = np.where(swap, of_larger, of_smaller)
    order = np.lexsort((other, one))
    return Pairs(one[order], other[order], of_one[order], of_other[order])


def _to_one(
    nodes: Nodes, place: Whole, larger: int, smaller: Whole, limit: NDArray[np.float64]
) -> Whole:
    """(4, k): the larger node, smaller ones near to it, and the closest voxels of both."""
    begin, end = nodes.offsets[larger], nodes.offsets[larger + 1]
    parts = [np.zeros((4, 0), np.int64)]
    if not len(smaller):
        return parts[0]
    tree = cKDTree(place[begin:end])
    for chosen in _portions(nodes.sizes[smaller]):
        some = smaller[chosen]
        sizes = nodes.sizes[some]
        offsets = offsets_of(sizes)
        entry = np.arange(offsets[-1]) + np.repeat(nodes.offsets[some] - offsets[:-1], sizes)
        distance: NDArray[np.float64] = np.asarray(tree.query(place[entry])[0], np.float64)
        # Distances are rounded alike wherever their squares, whole numbers, are equal.
        nearest = first_largest(-np.round(distance**2), offsets)
        near = distance[nearest] < limit[chosen]
        nearest = nearest[near]
        ball = tree.query_ball_point(
            place[entry[nearest]], distance[nearest] + _SLACK, return_sorted=True
        )
        of_larger = begin + np.array([rows[0] for rows in ball], np.int64)
        parts.append(
            np.stack([np.full(len(nearest), larger), some[near], of_larger, entry[nearest]])
        )
    return np.concatenate(parts, axis=1)


def _portions(sizes: Whole) -> list[slice]:
    """Runs of nodes with at most so many voxels together; one node at least."""
    found, begin, held = [], 0, 0
    for number, size in enumerate(sizes.tolist()):
        if held and held + size > _AT_ONCE:
            found.append(slice(begin, number))
            begin, held = number, 0
        held += size
    return [*found, slice(begin, len(sizes))]
