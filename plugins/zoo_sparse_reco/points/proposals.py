"""From what voxels propose to points: cuts, agreement with the classes, merging."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo.api import Ragged, Table
from zoo_sparse_reco.points.components import connected
from zoo_sparse_reco.points.fragments import CLASSES, NEAR, places_of
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["Proposals", "points_of"]


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """One point that each voxel proposes, all events one after another.

    Attributes:
        offset: (V, 3), from the middle of the voxel, in voxels.
        score: (V,), probability that there is a point.
        types: (V, 5), probability of each class of its particle.
        end: (V,), probability that the particle ends there; ``None``: nobody knows.
    """

    offset: NDArray[np.floating]
    score: NDArray[np.floating]
    types: NDArray[np.floating]
    end: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class _Kept:
    """Proposals that passed, with the class that they passed as."""

    voxel: NDArray[np.intp]
    semantic: NDArray[np.int64]


def points_of(
    samples: Table,
    semantic: Ragged,
    proposals: Proposals,
    *,
    score: float = 0.5,
    type_score: float = 0.5,
    near: float = NEAR,
    merge: float = NEAR,
    merge_classes: bool = True,
) -> dict[str, Ragged]:
    """Points of each event, as SPINE finds them (Domine et al., arXiv:2006.14745, section III).

    A proposal is kept if its score and that of one of its classes are above their cuts, and a voxel
    of that class is near. Kept ones that can be reached from each other by steps within ``merge``
    are one point: at their mean, with the largest score and the class of the largest type score.

    Args:
        samples: With ``voxel_x``, ``voxel_y``, ``voxel_z``.
        semantic: Class of each voxel; voxels of classes 5 and -1 propose nothing.
        proposals: Of all voxels.
        score: Cut on the score.
        type_score: Cut on the probability of a class.
        near: How far the middle of a voxel of that class may be, in voxels.
        merge: Longest step between proposals of one point, in voxels.
        merge_classes: Whether proposals of different classes can be one point.

    Returns:
        ``point_x``, ``point_y``, ``point_z`` (voxels), ``point_score``, ``point_semantic`` and, if
        the proposals have ends, ``point_end``: the mean of their probabilities.
    """
    voxels = places_of(samples)
    event = np.repeat(np.arange(len(semantic)), semantic.lengths)
    middle: NDArray[np.float64] = voxels.astype(np.float64) + 0.5
    place: NDArray[np.float64] = middle + proposals.offset.astype(np.float64)
    kept = _agreeing((middle, place), event, semantic.values, proposals, (score, type_score, near))
    group = event[kept.voxel]
    if not merge_classes:
        group = group * (max(CLASSES) + 1) + kept.semantic
    point = connected(place[kept.voxel], group, merge)
    columns = _merged(point, kept, place, proposals)
    # Points are in the order of their first proposals, hence of the events.
    counts = np.bincount(event[_firsts(point, kept.voxel)], minlength=len(semantic))
    offsets = offsets_of(counts)
    return {name: Ragged(values, offsets) for name, values in columns.items()}


def _agreeing(
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    event: NDArray[np.int64],
    semantic: NDArray[np.integer],
    proposals: Proposals,
    cuts: tuple[float, float, float],
) -> _Kept:
    """Proposals above the cuts near to a voxel of their class, in the order of the voxels."""
    middle, place = places
    score, type_score, near = cuts
    proposing = (proposals.score > score) & np.isin(semantic, CLASSES)
    # A fourth coordinate keeps events further apart than any voxel that counts as near.
    apart = event[:, None] * (2 * near + 1)
    voxel: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    for number in CLASSES:
        likely = np.flatnonzero(proposing & (proposals.types[:, number] > type_score))
        like = np.flatnonzero(semantic == number)
        if len(likely) and len(like):
            tree = KDTree(np.hstack([middle[like], apart[like]]))
            asked = np.hstack([place[likely], apart[likely]])
            distance, _ = tree.query(asked, distance_upper_bound=near)
            likely = likely[np.isfinite(distance)]
        else:
            likely = likely[:0]
        voxel.append(likely)
    found = np.concatenate(voxel)
    number_of = np.repeat(np.arange(len(CLASSES)), [len(one) for one in voxel[1:]])
    order = np.argsort(found, kind="stable")
    return _Kept(found[order], number_of[order])


def _firsts(point: NDArray[np.int64], voxel: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first voxel of each point."""
    _, first = np.unique(point, return_index=True)
    return voxel[first]


def _merged(
    point: NDArray[np.int64], kept: _Kept, place: NDArray[np.float64], proposals: Proposals
) -> dict[str, NDArray[np.generic]]:
    count = int(point.max(initial=-1)) + 1
    share = 1 / np.maximum(np.bincount(point, minlength=count), 1)
    columns: dict[str, NDArray[np.generic]] = {}
    for axis, name in enumerate("xyz"):
        total = np.bincount(point, place[kept.voxel, axis], minlength=count)
        columns[f"point_{name}"] = (total * share).astype(np.float32)
    best = np.zeros(count)
    np.maximum.at(best, point, proposals.score[kept.voxel])
    columns["point_score"] = best.astype(np.float32)
    columns["point_semantic"] = _likeliest(point, kept, proposals.types, count)
    if proposals.end is not None:
        total = np.bincount(point, proposals.end[kept.voxel], minlength=count)
        columns["point_end"] = (total * share).astype(np.float32)
    return columns


def _likeliest(
    point: NDArray[np.int64], kept: _Kept, types: NDArray[np.floating], count: int
) -> NDArray[np.int8]:
    """The class whose proposal has the largest type score; of equal ones the lower."""
    best = np.zeros((count, len(CLASSES)))
    np.maximum.at(best, (point, kept.semantic), types[kept.voxel, kept.semantic])
    chosen: NDArray[np.int8] = best.argmax(1).astype(np.int8)
    return chosen
