"""Shares that pads have of the electrons of slices.

They are products of a factor of the column and one of the row. A stretch lies over a few of either,
so the factors are looked up once for each of those and not for each pad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.response import Response
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane

__all__ = ["shares_of"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Ints = NDArray[np.intp]


def shares_of(
    plane: PadPlane,
    response: Response,
    stretches: Stretches,
    drift_bin: Ints,
    *,
    z_mm: Array,
    y_mm: Array,
    phi: Array,
    module: Ints,
) -> tuple[Floats, Floats]:
    """Share of an electron of each slice on each pad at the nodes, (B, P, S, nodes), float32.

    And how it changes as the electron moves across the track, 1/mm. The layer of a module ends with
    it: pads of others see nothing.

    Args:
        plane: The pads.
        response: What they show.
        stretches: B stretches with P pads each.
        drift_bin: Of each stretch, (B,).
        z_mm: Where slices are along z, (B, S).
        y_mm: Where they are along y.
        phi: Their direction, rad.
        module: Under each, row by row.
    """
    modules = plane.z.pads // plane.z.pads_of_a_module
    columns = _lines(stretches.column, stretches.present)
    rows = _lines(stretches.row, stretches.present)
    drift_bin = drift_bin[:, None, None]
    places = columns.distances(plane.z, plane.z_mm, z_mm), rows.distances(plane.y, plane.y_mm, y_mm)
    z, by_z = response.share(0, drift_bin, places[0])
    y, by_y = response.share(1, drift_bin, places[1])
    by_z *= _per_mm(np.sin(phi), plane.z)
    by_y *= _per_mm(np.cos(phi), plane.y)
    on_z, on_y = columns.on(plane.z, module % modules), rows.on(plane.y, module // modules)
    share, moved = columns.of_pads(z, on_z), columns.of_pads(by_z, on_z)
    of_y = rows.of_pads(y, on_y)
    moved *= of_y
    np.subtract(share * rows.of_pads(by_y, on_y), moved, out=moved)
    share *= of_y
    return share, moved


def _per_mm(part: Array, axis: Axis) -> Floats:
    return (part / axis.pitch_mm).astype(np.float32)[:, None, :, None]


@dataclass(frozen=True)
class _Lines:
    """Columns, or rows, of the pads of B stretches.

    Attributes:
        index: Of up to C neighbours, (B, C).
        of_pad: Which of them each pad is in; C: the pad is none, (B, P).
    """

    index: Ints
    of_pad: Ints

    def distances(self, axis: Axis, centre_mm: Array, place_mm: Array) -> Array:
        """Of places (B, S) from the lines, pitches, (B, C, S)."""
        centre = centre_mm[self.index]
        return np.asarray((place_mm[:, None] - centre[:, :, None]) / axis.pitch_mm)

    def on(self, axis: Axis, module: Ints) -> BoolArray:
        """Whether lines lie in the modules of slices, (B, C, S)."""
        return np.asarray((self.index // axis.pads_of_a_module)[:, :, None] == module[:, None])

    def of_pads(self, values: Floats, on: BoolArray) -> Floats:
        """Values of lines (B, C, S, nodes), nothing where not ``on``, for pads (B, P, S, nodes)."""
        stretches, lines, slices, nodes = values.shape
        padded = np.zeros((stretches, lines + 1, slices, nodes), np.float32)
        np.multiply(values, on[..., None], out=padded[:, :lines])
        entry = np.arange(stretches)[:, None] * (lines + 1) + self.of_pad
        return np.asarray(np.take(padded.reshape(-1, slices, nodes), entry, axis=0))


def _lines(number: Ints, present: BoolArray) -> _Lines:
    """Of the numbers of columns or rows of pads, (B, P)."""
    last = np.where(present, number, 0).max(1)
    first = np.where(present, number, last[:, None]).min(1)[:, None]
    count = int((last - first[:, 0]).max(initial=0)) + 1
    index = np.minimum(first + np.arange(count), last[:, None])
    return _Lines(index, np.where(present, number - first, count))
