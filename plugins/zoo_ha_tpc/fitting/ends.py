"""Which end of a track is its start.

A magnetic field tells charge times direction only, and nothing that pads see tells a muon's direction.
The convention: a track that begins inside the plane and leaves at its border began where it lies
inside. All others (both ends at the border, or both inside) are taken to fly along +z, as muons from
upstream do. A wrong choice turns the sign of q/p_t, phi by pi, and names the other end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["at_border", "oriented"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def at_border(plane: PadPlane, row: NDArray[np.int64], column: NDArray[np.int64]) -> BoolArray:
    """Whether a pad is one of the outermost of the plane."""
    rows, columns = plane.shape
    return (row == 0) | (row == rows - 1) | (column == 0) | (column == columns - 1)


def oriented(
    arcs: Arcs, length_mm: Array, first_at_border: BoolArray, last_at_border: BoolArray
) -> Arcs:
    """Arcs from the start of the track, in the direction of flight.

    Args:
        arcs: From the end of lower z to the other.
        length_mm: Their lengths, (N,).
        first_at_border: Whether the end where they start is at the border of the plane, (N,).
        last_at_border: Whether the other one is.
    """
    return arcs.at(length_mm).reversed().where(first_at_border & ~last_at_border, arcs)
