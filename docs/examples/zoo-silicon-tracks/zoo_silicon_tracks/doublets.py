"""Pairs of hits that may be neighbours on a track, and links between pairs that share a hit.

Two hits and the beam line fix a helix: a circle through the origin with the curvature
2 sin(angle seen from the origin) / distance, and a line in the plane of path and z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_silicon_tracks.helix import RADII, curvature

__all__ = ["CURVATURE", "Doublets", "find_doublets", "true_doublets"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CURVATURE = float(curvature(np.float64(0.4)))
"""Largest that is looked for, 1/mm: of 0.4 GeV, where 0.5 GeV is the lowest that is made."""
_SLOPE = 1.4  # largest cot(theta); particles have 1.175 at most
_ORIGIN = 200.0  # farthest point of origin along the beam, mm
_BEND = 0.25 * CURVATURE  # largest difference of curvature within a link
_TURN = 0.3  # largest difference of cot(theta) within a link


@dataclass(frozen=True)
class Doublets:
    """D pairs of hits of one event and L links.

    Attributes:
        hits: ``(D, 2)``, inner and outer hit.
        curvature: ``(D,)``, 1/mm, signed.
        slope: ``(D,)``, cot(theta).
        origin: ``(D,)``, z at the beam line, mm.
        layer: ``(D,)``, of the inner hit.
        gap: ``(D,)``, layers between the two hits.
        links: ``(L, 2)``, inner and outer doublet: the former's outer hit is the latter's inner.
    """

    hits: Index
    curvature: Array
    slope: Array
    origin: Array
    layer: Index
    gap: Index
    links: Index

    @property
    def bends(self) -> Array:
        """``(L, 3)``: differences of curvature, slope and origin along each link."""
        inner, outer = self.links.T
        columns = (self.curvature, self.slope, self.origin)
        return np.stack([column[outer] - column[inner] for column in columns], axis=1)


def find_doublets(position: NDArray[np.float32], layer: NDArray[np.int32]) -> Doublets:
    """All pairs of hits in neighbouring layers, or with one between them, that may be a track's.

    Args:
        position: ``(H, 3)``, mm.
        layer: ``(H,)``.
    """
    places = [np.flatnonzero(layer == number) for number in range(len(RADII))]
    pairs = [
        _pairs(places[inner], places[inner + step])
        for step in (1, 2)
        for inner in range(len(RADII) - step)
    ]
    hits = np.concatenate(pairs)
    bend, slope, origin = _helices(position.astype(np.float64), hits)
    good = (np.abs(bend) < CURVATURE) & (np.abs(slope) < _SLOPE) & (np.abs(origin) < _ORIGIN)
    hits, bend, slope, origin = hits[good], bend[good], slope[good], origin[good]
    ends = layer[hits].astype(np.int64)
    links = _links(hits, len(layer))
    close = np.abs(bend[links[:, 1]] - bend[links[:, 0]]) < _BEND
    close &= np.abs(slope[links[:, 1]] - slope[links[:, 0]]) < _TURN
    gap = ends[:, 1] - ends[:, 0] - 1
    return Doublets(hits, bend, slope, origin, ends[:, 0], gap, links[close])


def true_doublets(
    doublets: Doublets, particle: NDArray[np.int32], layer: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """``(D,)``: whether the hits are of one particle that has none between them."""
    following = np.full(len(particle), -1)
    order = np.lexsort((layer, particle))
    same = (particle[order[1:]] == particle[order[:-1]]) & (particle[order[:-1]] >= 0)
    following[order[:-1][same]] = order[1:][same]
    true: NDArray[np.bool_] = following[doublets.hits[:, 0]] == doublets.hits[:, 1]
    return true


def _pairs(inner: Index, outer: Index) -> Index:
    first = np.repeat(inner, len(outer))
    return np.stack([first, np.tile(outer, len(inner))], axis=1)


def _helices(position: Array, hits: Index) -> tuple[Array, Array, Array]:
    """Curvature, slope and origin of each pair."""
    one, two = position[hits[:, 0]], position[hits[:, 1]]
    turn = np.arctan2(
        one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0], (one[:, :2] * two[:, :2]).sum(1)
    )
    # A circle through the origin is seen from there under growing azimuth where it curves left.
    bend = 2 * np.sin(turn) / np.hypot(*(two - one)[:, :2].T)
    bend = np.where(np.abs(bend) < 1e-9, 1e-9, bend)
    begin, end = (_path(np.hypot(*hit[:, :2].T), bend) for hit in (one, two))
    slope = (two[:, 2] - one[:, 2]) / (end - begin)
    return bend, slope, one[:, 2] - slope * begin


def _path(radius: Array, bend: Array) -> Array:
    """Length of the arc from the origin to a radius; beyond the far side of the circle: to it."""
    path: Array = 2 / np.abs(bend) * np.arcsin(np.minimum(radius * np.abs(bend) / 2, 1.0))
    return path


def _links(hits: Index, count: int) -> Index:
    """``(L, 2)``: every doublet with every one that begins where it ends."""
    order = np.argsort(hits[:, 0], kind="stable")
    starts = np.searchsorted(hits[order, 0], np.arange(count + 1))
    begin, end = starts[hits[:, 1]], starts[hits[:, 1] + 1]
    number = end - begin
    inner = np.repeat(np.arange(len(hits)), number)
    within = np.arange(len(inner)) - np.repeat(np.cumsum(number) - number, number)
    return np.stack([inner, order[np.repeat(begin, number) + within]], axis=1)
