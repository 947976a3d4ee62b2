"""Clusters: pads in a line across the track, one leading pad each.

Where a track runs within 30 deg of z they are columns, beyond 60 deg rows, and between them
diagonals of the pads: lines that cross the track about at right angles, so that the fluctuation of
the charge along the track hardly moves them. The choice is made pad by pad, as a track may bend
from one to another. A cluster belongs to one module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.images import MARGIN, Images

__all__ = ["COLUMN", "DIAGONAL", "ROW", "Clusters", "clusters_of"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COLUMN, ROW, DIAGONAL = 0, 1, 2

_TAN_30, _TAN_60 = np.tan(np.pi / 6), np.tan(np.pi / 3)


@dataclass(frozen=True)
class Clusters:
    """Clusters of N tracks in the order of flight, padded to the M of the longest.

    "Across" is the direction in which the pads of a cluster follow one another, turned to the left
    of the direction of flight.

    Attributes:
        present: Which places are filled, bool (N, M); all others hold any value.
        kind: COLUMN, ROW or DIAGONAL, int64 (N, M).
        z_mm: Centre of the leading pad, float64 (N, M).
        y_mm: The same, y.
        charges: ADC of the leading pad and two on each side, from right to left, (N, M, 5).
        is_pad: Whether there are such pads in the module, bool (N, M, 5).
        pitch_mm: Distance of the pads across, (N, M).
        across: Direction across, angle in (z, y), rad, (N, M).
        phi: Direction of the track by the arc that they were made with, rad, (N, M).
        time_ns: Time of the leading pad, NaN where unknown, (N, M).
        at_gap: Whether it is the first or last of its module along the track, bool (N, M).
    """

    present: BoolArray
    kind: IntArray
    z_mm: Array
    y_mm: Array
    charges: Array
    is_pad: BoolArray
    pitch_mm: Array
    across: Array
    phi: Array
    time_ns: Array
    at_gap: BoolArray

    @property
    def slant(self) -> Array:
        """Sine of the angle between the cluster and the normal of the track, (N, M).

        Positive where a step across is a step forward.
        """
        return np.cos(self.across - self.phi)

    @property
    def squareness(self) -> Array:
        """Its cosine: what a step across moves along the normal, (N, M)."""
        return np.sin(self.across - self.phi)


def clusters_of(images: Images, arcs: Arcs, near: BoolArray) -> Clusters:
    """Clusters of the hits near the arcs.

    Args:
        images: The hits, (N, H).
        arcs: First arcs, in the direction of flight.
        near: Which hits lie on their road, (N, H).
    """
    path = arcs.place(images.z_mm, images.y_mm)[0]
    phi = arcs.phi[:, None] + arcs.curvature[:, None] * path
    kind, falling = _kinds(phi)
    event, hit = _leading(images, kind, falling, near)
    order = np.lexsort((path[event, hit], event))
    event, hit = event[order], hit[order]
    present, place = _places(event, len(path))
    chosen = (np.arange(len(path))[:, None], _filled(hit, event, place, present.shape))
    return _windows(
        images, present, chosen, kind=kind[chosen], falling=falling[chosen], phi=phi[chosen]
    )


def _kinds(phi: Array) -> tuple[IntArray, BoolArray]:
    """Kind by direction, and whether y falls where z rises."""
    cosine, sine = np.cos(phi), np.sin(phi)
    steep, flat = np.abs(sine) > _TAN_60 * np.abs(cosine), np.abs(sine) < _TAN_30 * np.abs(cosine)
    return np.where(flat, COLUMN, np.where(steep, ROW, DIAGONAL)), sine * cosine < 0


def _leading(
    images: Images, kind: IntArray, falling: BoolArray, near: BoolArray
) -> tuple[IntArray, IntArray]:
    """Event and hit of the largest charge of each line of pads of a module."""
    grid, plane = images.grid, images.grid.plane
    row, column = grid.row_cells[images.row], grid.column_cells[images.column]
    lines = sum(grid.shape)
    line = np.choose(
        kind, [column, row, np.where(falling, column - row + grid.shape[0], column + row)]
    )
    module = (images.row // plane.y.pads_of_a_module) * plane.z.pads + (
        images.column // plane.z.pads_of_a_module
    )
    # Rising and falling diagonals are different lines: a track that turns over has both.
    family = np.where((kind == DIAGONAL) & falling, DIAGONAL + 1, kind)
    event, hit = np.nonzero(near)
    key = (module * 4 + family)[near] * lines + line[near]
    order = np.lexsort((hit, -images.charge[near], key, event))
    same = (np.diff(key[order]) == 0) & (np.diff(event[order]) == 0)
    first = order[np.concatenate([[True], ~same])] if len(order) else order
    return event[first], hit[first]


def _places(event: IntArray, events: int) -> tuple[BoolArray, IntArray]:
    """Which places of (events, longest) are filled, and the place of each of sorted events."""
    number = np.bincount(event, minlength=events)
    longest = max(1, int(number.max(initial=0)))
    start = np.cumsum(number) - number
    return np.arange(longest) < number[:, None], np.arange(len(event)) - start[event]


def _filled(values: IntArray, event: IntArray, place: IntArray, shape: tuple[int, ...]) -> IntArray:
    found = np.zeros(shape, np.int64)
    found[event, place] = values
    return found


def _windows(
    images: Images,
    present: BoolArray,
    chosen: tuple[IntArray, IntArray],
    *,
    kind: IntArray,
    falling: BoolArray,
    phi: Array,
) -> Clusters:
    """Five pads around each leading pad, from the right of the track to its left."""
    grid, plane = images.grid, images.grid.plane
    # Steps in (row, column) from one pad to the next: up, back in z, or both.
    rows = np.choose(kind, [1, 0, 1])
    columns = np.choose(kind, [0, -1, np.where(falling, 1, -1)])
    height, width = rows * plane.y.pitch_mm, columns * plane.z.pitch_mm
    to_left = height * np.cos(phi) - width * np.sin(phi) >= 0
    turn = np.where(to_left, 1, -1)
    step = turn * (rows * grid.shape[1] + columns)
    cells = images.cell[chosen][:, :, None] + step[:, :, None] * np.arange(-MARGIN, MARGIN + 1)
    charges = images.charges[np.arange(len(present))[:, None, None], cells].astype(np.float64)
    row, column = images.row[chosen], images.column[chosen]
    return Clusters(
        present=present,
        kind=kind,
        z_mm=plane.z_mm[column],
        y_mm=plane.y_mm[row],
        charges=charges,
        is_pad=grid.is_pad[cells],
        pitch_mm=np.hypot(height, width),
        across=np.arctan2(turn * height, turn * width),
        phi=phi,
        time_ns=images.time_ns[chosen],
        at_gap=np.choose(
            kind,
            [
                _is_border(column, plane.z.pads_of_a_module),
                _is_border(row, plane.y.pads_of_a_module),
                _is_border(column, plane.z.pads_of_a_module)
                | _is_border(row, plane.y.pads_of_a_module),
            ],
        ),
    )


def _is_border(index: IntArray, pads_of_a_module: int) -> BoolArray:
    within = index % pads_of_a_module
    return np.asarray((within == 0) | (within == pads_of_a_module - 1))
