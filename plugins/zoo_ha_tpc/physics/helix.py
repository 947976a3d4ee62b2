"""Charged tracks in a uniform field along x, the direction of the drift."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.constants import GEV_PER_TESLA_METRE
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Tracks", "helix", "inside", "length_inside"]

Array = NDArray[np.float64]

_NODE_MM = 20.0  # at which a track is looked at to find where it leaves


@dataclass(frozen=True)
class Tracks:
    """Tracks where they start, float64 (N,) each; signs and frame as in the specs.

    Attributes:
        q_over_pt: c/GeV.
        phi: Radians, in (z, y).
        tan_lambda: dx over length in (z, y).
        x_mm, y_mm, z_mm: Place.
    """

    q_over_pt: Array
    phi: Array
    tan_lambda: Array
    x_mm: Array
    y_mm: Array
    z_mm: Array

    def __len__(self) -> int:
        return len(self.phi)

    @property
    def momentum(self) -> Array:
        """Its magnitude, (N,), GeV/c."""
        return np.asarray(np.sqrt(1 + self.tan_lambda**2) / np.abs(self.q_over_pt))

    def curvature(self, field_tesla: float) -> Array:
        """d(phi) per length in (z, y), (N,), 1/mm."""
        return 1e-3 * GEV_PER_TESLA_METRE * field_tesla * self.q_over_pt

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Tracks:
        """Some of them."""
        return Tracks(*(getattr(self, one.name)[index] for one in fields(self)))

    def replaced(self, index: NDArray[np.intp], by: Tracks) -> Tracks:
        """These tracks, with ``by`` in the places ``index``."""
        columns = [getattr(self, one.name).copy() for one in fields(self)]
        for column, one in zip(columns, fields(self), strict=True):
            column[index] = getattr(by, one.name)
        return Tracks(*columns)


def helix(tracks: Tracks, field_tesla: float, length_mm: Array) -> tuple[Array, Array, Array]:
    """Where tracks without scattering are.

    Args:
        tracks: N tracks.
        field_tesla: Along +x.
        length_mm: (S,) or (N, S), from the start, in (z, y).

    Returns:
        x, y and z, each (N, S), mm.
    """
    half = tracks.curvature(field_tesla)[:, None] * length_mm / 2
    chord = length_mm * np.sinc(half / np.pi)
    angle = tracks.phi[:, None] + half
    return (
        tracks.x_mm[:, None] + tracks.tan_lambda[:, None] * length_mm,
        tracks.y_mm[:, None] + chord * np.sin(angle),
        tracks.z_mm[:, None] + chord * np.cos(angle),
    )


def length_inside(tracks: Tracks, plane: PadPlane) -> Array:
    """Length in (z, y) until tracks without scattering leave the volume over the plane.

    Args:
        tracks: N tracks that start inside.
        plane: What they cross. One and a half diagonals are the most that is told.

    Returns:
        (N,), mm, up to 20 mm too long.
    """
    longest = 1.5 * np.hypot(plane.z.length_mm, plane.y.length_mm)
    nodes = np.asarray(np.arange(1, int(longest / _NODE_MM) + 2) * _NODE_MM, np.float64)
    outside = ~inside(plane, *helix(tracks, plane.field_tesla, nodes))
    outside[:, -1] = True
    return np.asarray(nodes[outside.argmax(axis=1)])


def inside(plane: PadPlane, x_mm: Array, y_mm: Array, z_mm: Array) -> NDArray[np.bool_]:
    """Whether points lie between the plane, the end of the drift and the outermost pads' edges."""
    return np.asarray(
        (x_mm >= 0)
        & (x_mm <= plane.drift_mm)
        & (np.abs(y_mm) <= plane.y.length_mm / 2)
        & (z_mm >= 0)
        & (z_mm <= plane.z.length_mm)
    )
