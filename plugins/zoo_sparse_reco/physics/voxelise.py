"""Straight pieces of tracks cut at the walls of voxels, and their energy shared by length.

The walls along one axis are the whole numbers, so a piece from a to b crosses those between its
ends, at (wall - a) / (b - a) of its length. All crossings of all pieces, sorted along each piece,
are the cuts; the middle of what lies between two cuts tells the voxel. This is exact, whatever the
length: no step is chosen. It is the traversal of Amanatides and Woo (Eurographics 1987) without its
loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cuts", "cut_at_walls"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Cuts:
    """What lies of each piece in one voxel.

    Attributes:
        piece: int64 (n,), rising: which piece.
        voxel: int64 (n, 3), in order along the piece; may lie outside of a grid.
        share: float64 (n,), of the piece's length; the shares of a piece add up to 1.
    """

    piece: Whole
    voxel: Whole
    share: Array


def cut_at_walls(start: NDArray[Any], end: NDArray[Any]) -> Cuts:
    """Cut straight pieces at the walls of voxels.

    Args:
        start: (N, 3), in voxels; finite.
        end: (N, 3). A piece without length is one part, in the voxel of its place.
    """
    begin, until = np.asarray(start, np.float64), np.asarray(end, np.float64)
    count = len(begin)
    pieces, places = [np.arange(count), np.arange(count)], [np.zeros(count), np.ones(count)]
    for axis in range(3):
        piece, place = _crossings(begin[:, axis], until[:, axis])
        pieces.append(piece)
        places.append(place)
    piece, place = np.concatenate(pieces), np.concatenate(places)
    order = np.lexsort((place, piece))
    piece, place = piece[order], place[order]
    share = np.diff(place)
    # Between the end of one piece and the start of the next there is nothing; nor between two walls
    # that are crossed at once. A piece without length is kept whole.
    kept = (piece[1:] == piece[:-1]) & (share > 0)
    piece, share, low = piece[:-1][kept], share[kept], place[:-1][kept]
    middle = (low + share / 2)[:, None]
    voxel = np.floor(begin[piece] * (1 - middle) + until[piece] * middle).astype(np.int64)
    return Cuts(piece, voxel, share)


def _crossings(start: Array, end: Array) -> tuple[Whole, Array]:
    """Pieces and places, 0 to 1 along them, of the walls strictly between their ends."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    first = np.floor(low) + 1
    number = np.maximum(np.ceil(high) - first, 0).astype(np.int64)
    piece = np.repeat(np.arange(len(start)), number)
    before = np.repeat(np.cumsum(number) - number, number)
    wall = first[piece] + (np.arange(len(piece)) - before)
    return piece, (wall - start[piece]) / (end[piece] - start[piece])
