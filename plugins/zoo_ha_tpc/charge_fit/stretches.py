"""Stretches of tracks, and the pads that see each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.course import BEYOND_MM, Course
from zoo_ha_tpc.charge_fit.electrons import Electrons
from zoo_ha_tpc.charge_fit.response import Response
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["STRETCH_MM", "Stretches", "stretches_of"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Ints = NDArray[np.intp]

STRETCH_MM = 100.0
"""Length of a stretch: several pads, so that neighbours tell fluctuations from shifts."""

_ENUMERATED_MM = 8.0  # steps along the track at which near pads are looked for
_AROUND = np.arange(-2, 2)  # pads to the left and to the right whose centres are within reach
_LOUD = 1.3


@dataclass(frozen=True)
class Stretches:
    """B stretches with up to P pads each.

    Attributes:
        track: Which track, (B,).
        middle_mm: Path of its middle, (B,).
        length_mm: From end to end, (B,).
        present: Which places are filled, bool (B, P).
        row, column: Of each pad, (B, P).
        path_mm: Of the track beside it, (B, P).
        time_ns: When its pulse should be highest, after the electrons arrive, (B, P).
        height: ADC expected there of one electron per mm, (B, P).
    """

    track: Ints
    middle_mm: Array
    length_mm: Array
    present: BoolArray
    row: Ints
    column: Ints
    path_mm: Array
    time_ns: Array
    height: Array

    def part(self, of: slice) -> Stretches:
        """Some of them, with no more places than they need."""
        most = max(1, int(self.present[of].sum(1).max(initial=0)))
        return Stretches(
            self.track[of],
            self.middle_mm[of],
            self.length_mm[of],
            *(
                getattr(self, name)[of, :most]
                for name in ("present", "row", "column", "path_mm", "time_ns", "height")
            ),
        )


def stretches_of(
    plane: PadPlane, course: Course, response: Response, electrons: Electrons, threshold: float
) -> Stretches:
    """Tracks in stretches of about equal length.

    Args:
        plane: The pads.
        course: Of N tracks.
        response: What pads show.
        electrons: Of the tracks.
        threshold: Below it a pad reports nothing, ADC.
    """
    track, row, column = _near(plane, course)
    z, y = plane.z_mm[column], plane.y_mm[row]
    path, distance, phi = _beside(course, track, z, y)
    drift_bin = response.drift_bin(electrons.drift_mm)[track]
    time, height = response.beside(drift_bin, phi, distance)
    loud = height * electrons.per_mm[track] > _LOUD * threshold
    loud &= (path > -BEYOND_MM) & (path < course.length_mm[track] + BEYOND_MM)
    number = np.maximum(np.rint(course.length_mm / STRETCH_MM), 1).astype(np.intp)
    width = course.length_mm / number
    index = np.clip((path / width[track]).astype(np.intp), 0, number[track] - 1)
    first = np.cumsum(number) - number
    columns = [one[loud] for one in (first[track] + index, row, column, path, time, height)]
    owner = np.repeat(np.arange(len(number)), number)
    middle = (np.arange(len(owner)) - first[owner] + 0.5) * width[owner]
    return _padded(owner, middle, width[owner], columns)


def _near(plane: PadPlane, course: Course) -> tuple[Ints, Ints, Ints]:
    """Track, row and column of all pads near tracks, each once."""
    steps = np.ceil(course.length_mm / _ENUMERATED_MM).astype(np.intp) + 3
    track = np.repeat(np.arange(len(steps)), steps)
    first = np.cumsum(steps) - steps
    path = (np.arange(len(track)) - first[track] - 1) * _ENUMERATED_MM
    z, y, _ = course.at(track, path)
    column = np.searchsorted(plane.z_mm, z)[:, None, None]
    row = np.searchsorted(plane.y_mm, y)[:, None, None]
    column, row = np.broadcast_arrays(column + _AROUND[:, None], row + _AROUND)
    there = (column >= 0) & (column < plane.z.pads) & (row >= 0) & (row < plane.y.pads)
    keys = (track[:, None, None] * plane.y.pads + row) * plane.z.pads + column
    near = np.zeros((len(steps), *plane.shape), np.bool_)
    near.reshape(-1)[keys[there]] = True
    owner, rows, columns = np.nonzero(near)
    return owner, rows, columns


def _beside(course: Course, track: Ints, z: Array, y: Array) -> tuple[Array, Array, Array]:
    """Path, distance and direction of the track where it passes points, (P,) each."""
    arcs = course.arcs
    turn, phi = arcs.bend()[track], arcs.phi[track]
    dz, dy = z - arcs.z_mm[track], y - arcs.y_mm[track]
    along, across = dz * np.cos(phi) + dy * np.sin(phi), dy * np.cos(phi) - dz * np.sin(phi)
    excess = 2 * across - turn * (along**2 + across**2)
    distance = excess / (1 + np.sqrt(np.maximum(1 - turn * excess, 0)))
    path = np.arctan2(turn * along, 1 - turn * across) / turn
    return path, distance - course.off(track, path), phi + turn * path


def _padded(
    owner: Ints, middle: Array, length: Array, columns: Sequence[NDArray[Any]]
) -> Stretches:
    """Flat pads into one row a stretch."""
    stretch = np.asarray(columns[0], np.intp)
    order = np.argsort(stretch, kind="stable")
    count = np.bincount(stretch, minlength=len(owner))
    place = np.arange(len(order)) - (np.cumsum(count) - count)[stretch[order]]
    present = np.arange(max(1, int(count.max(initial=0)))) < count[:, None]
    rows = []
    for column in columns[1:]:
        filled = np.zeros(present.shape, column.dtype)
        filled[stretch[order], place] = column[order]
        rows.append(filled)
    row, col, path, time, height = rows
    return Stretches(
        np.asarray(owner, np.intp),
        middle,
        length,
        present,
        row.astype(np.intp),
        col.astype(np.intp),
        np.asarray(path, np.float64),
        np.asarray(time, np.float64),
        np.asarray(height, np.float64),
    )
