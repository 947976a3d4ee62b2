"""Pieces that are no track, and where they touch one: Michel electrons, deltas, showers, blips.

A Michel electron starts at the end of a track that has stopped, where it has lost most energy per
length; a delta starts anywhere along one; both are small. What touches no track and is small is of
low energy, what is large a shower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo_sparse_reco.classical.surroundings import members, shape_of
from zoo_sparse_reco.points.components import connected
from zoo_sparse_reco.points.fragments import NEAR

__all__ = ["COLUMNS", "Pieces", "pieces_of", "without_crumbs"]

Floats = NDArray[np.float64]

COLUMNS = ("energy", "size", "line", "gap", "one_sided", "bragg", "track_length", "alone")
"""What is told of a piece. Logarithms: ``energy``, MeV; ``size``, voxels; ``bragg``, MeV per voxel
of the track where it is touched; ``track_length``; ``alone``, voxels that the piece is connected
with, tracks included. ``line``: 1 for a straight one. ``gap``: voxels to the nearest track.
``one_sided``: 1 where that track ends there, 0 in its middle."""

_AROUND = 10.0  # voxels of the track about a contact tell whether it ends there
_BRAGG = 4.0
_CRUMB, _HOT_STUB = 10.0, 2.0  # voxels; times the median energy of a voxel of all tracks
_FAR = 60.0  # gaps beyond are all the same


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of one event.

    Attributes:
        of_voxel: Number of each voxel's piece, (voxels,); -1: it is of a track.
        columns: (pieces, 8), see :data:`COLUMNS`.
        contact: The voxel of each piece that is nearest to a track, (pieces,); its first without.
    """

    of_voxel: NDArray[np.int64]
    columns: Floats
    contact: NDArray[np.int64]


def pieces_of(place: NDArray[Any], energy: NDArray[Any], is_track: NDArray[np.bool_]) -> Pieces:
    """Connected pieces of the voxels of one event that are of no track.

    Args:
        place: (voxels, 3).
        energy: MeV, (voxels,).
        is_track: (voxels,).
    """
    place, energy = place.astype(np.float64), energy.astype(np.float64)
    others, tracks = np.flatnonzero(~is_track), np.flatnonzero(is_track)
    label = connected(place[others], np.zeros(len(others), np.int64), NEAR)
    of_voxel = np.full(len(place), -1, np.int64)
    of_voxel[others] = label
    if not len(others):
        return Pieces(of_voxel, np.zeros((0, len(COLUMNS))), np.zeros(0, np.int64))
    whole = connected(place, np.zeros(len(place), np.int64), NEAR)
    shape = shape_of(members(label), place[others], energy[others])
    gap, touched = _nearest_track(place, others, tracks)
    first = _first_of_least(label, gap)
    nearness = _contacts(place, energy, tracks, touched[first], gap[first])
    columns = np.column_stack(
        [
            np.log(np.maximum(shape.energy, 1e-6)),
            np.log(shape.count),
            shape.line,
            np.minimum(gap[first], _FAR),
            nearness,
            np.log(np.bincount(whole))[whole[others[first]]],
        ]
    )
    return Pieces(of_voxel, columns, others[first])


def without_crumbs(
    place: NDArray[Any], energy: NDArray[Any], is_track: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tracks without their connected pieces that are short and no hotter than most.

    Inside showers and Michel electrons some voxels look like a track; a stub of a proton is hot.

    Args:
        place: (voxels, 3).
        energy: MeV, (voxels,).
        is_track: (voxels,).
    """
    tracks = np.flatnonzero(is_track)
    if not len(tracks):
        return is_track
    places, charge = place[tracks].astype(np.float64), energy[tracks].astype(np.float64)
    label = connected(places, np.zeros(len(tracks), np.int64), NEAR)
    shape = shape_of(members(label), places, charge)
    usual = float(np.median(charge))
    crumb = (shape.length < _CRUMB) & (shape.energy / shape.count < _HOT_STUB * usual)
    kept = is_track.copy()
    kept[tracks[crumb[label]]] = False
    return kept


def _nearest_track(
    place: Floats, others: NDArray[np.intp], tracks: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.int64]]:
    """Distance of each other voxel to the nearest of a track, and which of these it is."""
    if not len(tracks):
        return np.full(len(others), np.inf), np.zeros(len(others), np.int64)
    gap, touched = KDTree(place[tracks]).query(place[others])
    return np.asarray(gap), np.asarray(touched, np.int64)


def _first_of_least(label: NDArray[np.int64], gap: Floats) -> NDArray[np.intp]:
    """Of each label the entry of the smallest gap."""
    order = np.lexsort((gap, label))
    _, first = np.unique(label[order], return_index=True)
    return order[first]


def _contacts(
    place: Floats,
    energy: Floats,
    tracks: NDArray[np.intp],
    touched: NDArray[np.int64],
    gap: Floats,
) -> Floats:
    """``one_sided``, ``bragg`` and ``track_length`` at each contact, (pieces, 3)."""
    found = np.zeros((len(gap), 3))
    near = np.flatnonzero(gap <= _AROUND)
    if not len(near):
        return found
    points, charge = place[tracks], energy[tracks]
    label = connected(points, np.zeros(len(points), np.int64), NEAR)
    length = shape_of(members(label), points, charge).length
    tree = KDTree(points)
    around = tree.query_ball_point(points[touched[near]], _AROUND)
    for piece, inside in zip(near, around, strict=True):
        contact = touched[piece]
        chosen = np.array(inside)
        chosen = chosen[label[chosen] == label[contact]]
        apart = points[chosen] - points[contact]
        distance = np.linalg.norm(apart, axis=1)
        # Unit vectors to the voxels around: on one side of an end, cancelling in the middle.
        units = apart[distance > 0] / distance[distance > 0][:, None]
        one_sided = float(np.linalg.norm(units.mean(axis=0))) if len(units) else 1.0
        hot = charge[chosen[distance <= _BRAGG]]
        found[piece] = (one_sided, np.log(hot.mean()), np.log(length[label[contact]]))
    return found
