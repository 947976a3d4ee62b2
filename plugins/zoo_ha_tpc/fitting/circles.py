"""Arcs of circles in the plane of the pads, many at once: distance, path, and how both change.

An arc passes through (z, y) in the direction (cos(phi), sin(phi)) and turns by ``curvature`` per
mm. Its normal is to the left of that direction, so a point on the side to which a positive
curvature bends has a positive distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.constants import GEV_PER_TESLA_METRE

__all__ = ["CURVATURE_PER_TESLA", "Arcs", "shapes"]

Array = NDArray[np.float64]

CURVATURE_PER_TESLA = 1e-3 * GEV_PER_TESLA_METRE
"""Curvature, 1/mm, of a track of q/p_t = 1 c/GeV in 1 T: the speed of light in these units."""

_STRAIGHT = 1e-10  # 1/mm: bends 0.2 nm over two metres


@dataclass(frozen=True)
class Arcs:
    """One arc for each of N tracks, all float64 (N,).

    Attributes:
        z_mm: Where it starts.
        y_mm: Where it starts.
        phi: Its direction there, rad.
        curvature: d(phi)/ds, 1/mm.
    """

    z_mm: Array
    y_mm: Array
    phi: Array
    curvature: Array

    def place(self, z_mm: Array, y_mm: Array) -> tuple[Array, Array]:
        """Path to the nearest point of the arc, and signed distance from it.

        Args:
            z_mm: Points of each track, float64 (N, M).
            y_mm: The same.

        Returns:
            Path along the arc and distance along its normal, mm, (N, M). The distance is exact
            (Karimaki, NIM A 305 (1991) 187, eq. 3 to 6) also where the arc is straight.
        """
        turn = self.bend()[:, None]
        cosine, sine = np.cos(self.phi)[:, None], np.sin(self.phi)[:, None]
        dz, dy = z_mm - self.z_mm[:, None], y_mm - self.y_mm[:, None]
        along, across = dz * cosine + dy * sine, dy * cosine - dz * sine
        excess = 2 * across - turn * (along**2 + across**2)
        distance = excess / (1 + np.sqrt(np.maximum(1 - turn * excess, 0)))
        return np.arctan2(turn * along, 1 - turn * across) / turn, distance

    def bend(self) -> Array:
        """The curvature, never quite zero, 1/mm."""
        flat = np.abs(self.curvature) < _STRAIGHT
        return np.where(flat, _STRAIGHT, self.curvature)

    def at(self, path_mm: Array) -> Arcs:
        """The same arcs, started ``path_mm`` (N,) further on."""
        turn = self.bend()
        middle, angle = self.phi + turn * path_mm / 2, turn * path_mm
        chord = path_mm * np.sinc(angle / 2 / np.pi)
        return Arcs(
            self.z_mm + chord * np.cos(middle),
            self.y_mm + chord * np.sin(middle),
            self.phi + angle,
            self.curvature,
        )

    def reversed(self) -> Arcs:
        """The same arcs in the opposite direction."""
        return Arcs(self.z_mm, self.y_mm, self.phi + np.pi, -self.curvature)

    def moved(self, offset_mm: Array, angle: Array, curvature: Array) -> Arcs:
        """Arcs with the start moved along the normal, turned, and bent more; all (N,)."""
        return Arcs(
            self.z_mm - offset_mm * np.sin(self.phi),
            self.y_mm + offset_mm * np.cos(self.phi),
            self.phi + angle,
            self.curvature + curvature,
        )

    def where(self, chosen: NDArray[np.bool_], other: Arcs) -> Arcs:
        """These arcs where ``chosen`` (N,), else the other's."""
        return Arcs(
            np.where(chosen, self.z_mm, other.z_mm),
            np.where(chosen, self.y_mm, other.y_mm),
            np.where(chosen, self.phi, other.phi),
            np.where(chosen, self.curvature, other.curvature),
        )


def shapes(turn: Array, path_mm: Array) -> tuple[Array, Array, Array]:
    """How far a point of an arc moves along the normal per change of offset, angle and curvature.

    First order in the change, exact in the arc: cos(ks), sin(ks)/k and (1 - cos(ks))/k^2.

    Args:
        turn: Curvature k of each track, 1/mm, nowhere zero; broadcast against ``path_mm``.
        path_mm: Path s, mm.
    """
    angle = turn * path_mm
    half = np.sinc(angle / 2 / np.pi)
    return np.cos(angle), path_mm * np.sinc(angle / np.pi), 0.5 * (path_mm * half) ** 2
