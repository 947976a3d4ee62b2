"""What the losses compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EACH_EDGE", "edge_targets", "edges_of", "member_targets"]

Targets = dict[str, Any]

EACH_EDGE = slice(14, 27)
"""Columns of a table of 27 offsets, 13 being the voxel itself, that have each edge once."""


def member_targets(group: NDArray[np.int64], fragment: NDArray[np.integer], fewest: int) -> Targets:
    """Members of the clusters of each event and class, one after another.

    Args:
        group: Event and class of each voxel, (V,); -1: it is not clustered.
        fragment: True fragment of each, (V,); -1: unknown.
        fewest: Groups of fewer voxels teach nothing.

    Returns:
        ``chosen`` int64 (S,), rows of voxels in the order of group and fragment; ``sizes``, for
        each group the sizes of its fragments.
    """
    known = np.flatnonzero((group >= 0) & (fragment >= 0))
    order = known[np.lexsort((fragment[known], group[known]))]
    starts = _starts(group[order])
    sizes: list[tuple[int, ...]] = []
    rows: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    for some in np.split(order, starts[1:]) if len(order) else []:
        if len(some) >= fewest:
            cuts = np.append(_starts(fragment[some]), len(some))
            sizes.append(tuple(np.diff(cuts).tolist()))
            rows.append(some)
    return {"chosen": np.concatenate(rows).astype(np.int64), "sizes": tuple(sizes)}


def edge_targets(
    table: NDArray[np.integer],
    group: NDArray[np.int64],
    fragment: NDArray[np.integer],
    offsets: NDArray[np.integer],
) -> Targets:
    """Edges within a class whose ends belong to known fragments, and whether these differ.

    Args:
        table: Neighbours of each voxel, (V, 27).
        group: Event and class of each voxel, (V,); -1: it is not clustered.
        fragment: True fragment of each, (V,); -1: unknown.
        offsets: Where the voxels of events begin and end, (N + 1,).

    Returns:
        ``edge`` int64 (E,), places in the flattened scores (V, 13), rising; ``cut`` float32 (E,),
        1 where the ends are of different fragments; ``lengths`` int64 (N,), edges of each event;
        ``events``, how many have any.
    """
    one, other, place = edges_of(table, group)
    known = (fragment[one] >= 0) & (fragment[other] >= 0)
    one, other, place = one[known], other[known], place[known]
    cut = (fragment[one] != fragment[other]).astype(np.float32)
    lengths = np.diff(np.searchsorted(one, offsets))
    return {
        "edge": place,
        "cut": cut,
        "lengths": lengths.astype(np.int64),
        "events": int(np.count_nonzero(lengths)),
    }


def edges_of(
    table: NDArray[np.integer], group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each edge between neighbours of one group once: both ends, and its place in (V, 13) scores.

    Args:
        table: Neighbours of each voxel, (V, 27).
        group: (V,); -1: of none, and without edges.
    """
    half = np.ascontiguousarray(table[:, EACH_EDGE], np.int64)
    place = np.flatnonzero(half.ravel() >= 0)
    one, other = place // half.shape[1], half.ravel()[place]
    same = (group[one] == group[other]) & (group[one] >= 0)
    return one[same], other[same], place[same].astype(np.int64)


def _starts(values: NDArray[Any]) -> NDArray[np.intp]:
    """Where runs of equal values begin."""
    if not len(values):
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
