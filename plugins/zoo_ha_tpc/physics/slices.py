"""Where the electrons of a track arrive, slice by slice: what a perfect readout would see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Slices", "true_slices"]

Array = NDArray[np.float64]


class Arrived(Protocol):
    """Electrons that arrive together, (N,) each, in the order of tracks and along them."""

    @property
    def event(self) -> NDArray[np.intp]:
        """Which track."""
        ...

    @property
    def z_mm(self) -> Array:
        """Mean place."""
        ...

    @property
    def y_mm(self) -> Array:
        """Mean place."""
        ...


@dataclass(frozen=True)
class Slices:
    """Slices of tracks, (slices,) each, in their order.

    Attributes:
        event: Which track.
        z, y: Mean place of the electrons that arrive on modules, mm.
        electrons: How many.
    """

    event: NDArray[np.intp]
    z: Array
    y: Array
    electrons: Array


def true_slices(
    plane: PadPlane, arrived: Arrived, z_mm: Array, y_mm: Array, electrons: Array
) -> Slices:
    """Means over slices of one pad pitch along the direction in which a track crosses more pads.

    Args:
        plane: The pads. What arrives over a gap does not count; dead pads do.
        arrived: Electrons of N steps.
        z_mm: Where they were freed, which decides the slice.
        y_mm: The same.
        electrons: How many of each step.
    """
    event = arrived.event
    first = np.flatnonzero(np.diff(event, prepend=-1) != 0)
    last = np.concatenate([first[1:], [len(event)]])[: len(first)] - 1
    columns, rows = z_mm / plane.z.pitch_mm, y_mm / plane.y.pitch_mm
    by_column = np.abs(columns[last] - columns[first]) >= np.abs(rows[last] - rows[first])
    by_column = np.repeat(by_column, last - first + 1)
    place = np.floor(np.where(by_column, columns, rows))
    begins = np.diff(place, prepend=np.nan) != 0
    begins[first] = True
    which = np.cumsum(begins) - 1
    on = Modules(plane).under(arrived.z_mm, arrived.y_mm).on_pad
    weight = np.where(on, electrons, 0.0)
    arrived_in = np.asarray(np.bincount(which, weight), np.float64)
    some = arrived_in > 0
    total = arrived_in[some]
    z, y = (
        np.bincount(which, weight * column)[some] / total for column in (arrived.z_mm, arrived.y_mm)
    )
    return Slices(event[begins][some], z, y, total)
