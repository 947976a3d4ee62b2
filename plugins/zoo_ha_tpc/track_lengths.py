"""How long a track is on the pad plane, and how many clusters that makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo_ha_tpc.physics.constants import GEV_PER_TESLA_METRE
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Extent", "extent_of", "positions"]

Array = NDArray[np.float64]

STEPS = 512
"""Of a track, about 5 mm long; its length is known to half of one."""

_TRUTH = ("q_over_pt", "phi", "z_ini", "y_ini")
_TRACKS = 4096  # at once: 16 MB an array


@dataclass(frozen=True, eq=False)
class Extent:
    """Of every track.

    Attributes:
        length_mm: ``(N,)``, its length on the plane.
        clusters: ``(N,)``, columns or rows that it crosses, whichever are more.
    """

    length_mm: Array
    clusters: Array


def positions(
    track: Mapping[str, Any], along_mm: ArrayLike, field_tesla: float
) -> tuple[Array, Array]:
    """Places (z, y) on tracks, mm.

    Args:
        track: ``q_over_pt`` c/GeV, ``phi`` rad, ``z_ini`` and ``y_ini`` mm, each ``(...)``.
        along_mm: Lengths from the start, of a shape that broadcasts with ``(...)``.
        field_tesla: Along +x.
    """
    q, phi, z, y = (np.asarray(track[name], np.float64) for name in _TRUTH)
    turned = GEV_PER_TESLA_METRE * field_tesla / 1e3 * q * np.asarray(along_mm, np.float64)
    # Along the chord: no difference of nearly equal sines where the track is almost straight.
    chord = np.asarray(along_mm) * np.sinc(turned / 2 / np.pi)
    return z + chord * np.cos(phi + turned / 2), y + chord * np.sin(phi + turned / 2)


def extent_of(samples: Mapping[str, Any], plane: PadPlane) -> Extent:
    """Length of the true tracks inside the plane and the drift volume; without truth of the hits.

    Scattering and energy loss do not matter to it. The hits' length is that of a uniform line of
    the same variance along their main axis, weighted with the charge, so that a hit of noise far
    away does not count.

    Args:
        samples: ``q_over_pt``, ``phi``, ``z_ini``, ``y_ini`` and, where they have them, ``x_ini``
            and ``tan_lambda``; or ``hit_row``, ``hit_column``, ``hit_charge``.
        plane: Where they were measured.
    """
    if not all(name in samples for name in _TRUTH):
        return _of_hits(samples, plane)
    names = [*_TRUTH, *(name for name in ("x_ini", "tan_lambda") if name in samples)]
    truth = {name: np.asarray(samples[name], np.float64) for name in names}
    count = len(truth["phi"])
    parts = [
        _of_tracks({name: value[first : first + _TRACKS] for name, value in truth.items()}, plane)
        for first in range(0, max(count, 1), _TRACKS)
    ]
    length, z, y = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Extent(length, _clusters(z, y, plane))


def _of_tracks(truth: Mapping[str, Array], plane: PadPlane) -> tuple[Array, Array, Array]:
    """Lengths inside, and how far they reach along z and y."""
    longest = 1.5 * np.hypot(plane.z.length_mm, plane.y.length_mm)
    bend = (
        GEV_PER_TESLA_METRE * plane.field_tesla / 1e3 * np.maximum(np.abs(truth["q_over_pt"]), 1e-9)
    )
    whole = np.minimum(longest, 2 * np.pi / bend)  # one turn at most
    step = (whole / STEPS)[:, None]
    along = step * (np.arange(STEPS) + 0.5)
    columns = {name: value[:, None] for name, value in truth.items()}
    z, y = positions(columns, along, plane.field_tesla)
    inside = (z >= 0) & (z <= plane.z.length_mm) & (np.abs(y) <= plane.y.length_mm / 2)
    if "x_ini" in columns:
        x = columns["x_ini"] + columns.get("tan_lambda", 0.0) * along
        inside &= (x >= 0) & (x <= plane.drift_mm)
    length: Array = inside.sum(1) * step[:, 0]
    return length, _reach(z, inside), _reach(y, inside)


def _reach(values: Array, inside: NDArray[np.bool_]) -> Array:
    low = np.min(values, axis=1, where=inside, initial=np.inf)
    high = np.max(values, axis=1, where=inside, initial=-np.inf)
    return np.asarray(np.maximum(high - low, 0.0))


def _clusters(z_mm: Array, y_mm: Array, plane: PadPlane) -> Array:
    """How many columns or rows a track of this extent crosses; gaps are not counted."""
    shares = [
        extent * axis.pads / axis.length_mm for extent, axis in ((z_mm, plane.z), (y_mm, plane.y))
    ]
    return np.maximum(*shares)


def _of_hits(samples: Mapping[str, Any], plane: PadPlane) -> Extent:
    rows, columns, charges = (samples[f"hit_{name}"] for name in ("row", "column", "charge"))
    event = np.repeat(np.arange(len(rows)), rows.lengths)
    weight = charges.values.astype(np.float64)
    total = np.maximum(np.bincount(event, weight, len(rows)), 1e-9)

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(event, weight * values, len(rows)) / total)

    z, y = plane.z_mm[columns.values], plane.y_mm[rows.values]
    z, y = z - mean(z)[event], y - mean(y)[event]
    zz, yy, zy = mean(z * z), mean(y * y), mean(z * y)
    largest = (zz + yy) / 2 + np.hypot((zz - yy) / 2, zy)
    length = np.sqrt(12 * largest)
    angle = np.arctan2(2 * zy, zz - yy) / 2
    reach = length * np.abs(np.cos(angle)), length * np.abs(np.sin(angle))
    return Extent(length, _clusters(*reach, plane))
