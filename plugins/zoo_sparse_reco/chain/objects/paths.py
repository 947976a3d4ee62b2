"""The way along a cluster: distances over neighbouring voxels, ends, lengths.

The way goes from voxel to voxel that share a face, an edge or a corner; gaps are crossed where they
are narrowest. Steps between voxels of a lattice zigzag, so a length is measured between the means
of sections of the way instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

__all__ = ["SECTION_VOXELS", "Way", "length_along"]

Array = NDArray[np.float64]

SECTION_VOXELS = 10.0
"""Length of a section, 3 cm with voxels of 3 mm: longer than the zigzag, shorter than a bend."""

_NEAR = 1.999  # reaches the 26 neighbours


class Way:
    """Distances within one cluster.

    Args:
        place: Middles of its voxels (n, 3), n > 0.
    """

    def __init__(self, place: Array) -> None:
        self.place = place
        pairs = KDTree(place).query_pairs(_NEAR, output_type="ndarray")
        apart = np.linalg.norm(place[pairs[:, 0]] - place[pairs[:, 1]], axis=1)
        shape = (len(place), len(place))
        self._graph: Any = csr_array((apart, (pairs[:, 0], pairs[:, 1])), shape=shape)

    def from_voxel(self, row: int) -> Array:
        """Distance (n,) of each voxel from one of them."""
        distance = self._reached(row)
        open_ = ~np.isfinite(distance)
        while open_.any():
            inside = np.flatnonzero(~open_)
            outside = np.flatnonzero(open_)
            gap, near = map(np.asarray, KDTree(self.place[inside]).query(self.place[outside]))
            first = int(np.argmin(gap))
            beyond = self._reached(int(outside[first]))
            beyond = beyond + gap[first] + distance[inside[near[first]]]
            distance = np.minimum(distance, beyond)
            open_ = ~np.isfinite(distance)
        return distance

    def ends(self) -> tuple[int, int]:
        """The voxels that are farthest from each other along the way, about.

        From the farthest of any voxel to the farthest of that one: exact on a tree.
        """
        one = int(np.argmax(self.from_voxel(0)))
        return one, int(np.argmax(self.from_voxel(one)))

    def _reached(self, row: int) -> Array:
        found: Array = dijkstra(self._graph, directed=False, indices=np.array([row]))[0]
        return found


def length_along(
    place: Array, distance: Array, start: Array, end: Array, section: float = SECTION_VOXELS
) -> float:
    """Length of a track from its start over the means of its sections to its end, in voxels.

    Args:
        place: Middles of its voxels (n, 3).
        distance: Of each along the way from the start (n,).
        start: (3,).
        end: (3,).
        section: Length of one.
    """
    whole = float(distance.max(initial=0.0))
    count = max(round(whole / section), 1)
    number = np.minimum((distance * (count / max(whole, 1e-9))).astype(np.int64), count - 1)
    held = np.bincount(number, minlength=count)
    sums = [np.bincount(number, place[:, axis], minlength=count) for axis in range(3)]
    middle = (np.stack(sums, axis=1) / np.maximum(held, 1)[:, None])[held > 0]
    # The first and last sections are replaced by the ends: their means lie on the way, not at it.
    inner = middle[1:-1] if len(middle) > 2 else middle[:0]
    corners = np.concatenate([start[None], inner, end[None]])
    return float(np.linalg.norm(np.diff(corners, axis=0), axis=1).sum())
