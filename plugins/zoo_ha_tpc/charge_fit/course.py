"""The course of a track: an arc, and how far scattering takes it off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs, shapes
from zoo_ha_tpc.fitting.least_squares import KINKS, Fit
from zoo_ha_tpc.fitting.scattering import kink_paths

__all__ = ["BEYOND_MM", "Course", "course_of"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Ints = NDArray[np.intp]

BEYOND_MM = 8.0
"""A track may begin and end that far from its first and last cluster."""

_NODES = 65


@dataclass(frozen=True)
class Course:
    """Courses of N tracks.

    Attributes:
        arcs: Arcs, started at the first cluster.
        length_mm: From there to the last, (N,).
        off_mm: Distance of the track from its arc at equal steps of the length, (N, nodes).
        kinks_mm: Paths at which it scatters, (N, kinks).
    """

    arcs: Arcs
    length_mm: Array
    off_mm: Array
    kinks_mm: Array

    def off(self, track: Ints, path_mm: Array) -> Array:
        """Distance from the arc of ``track``, at any path; beyond the ends that of the end."""
        nodes = self.off_mm.shape[1] - 1
        part = np.clip(path_mm / self.length_mm[track] * nodes, 0, nodes)
        low = np.minimum(part.astype(np.intp), nodes - 1)
        left, right = self.off_mm[track, low], self.off_mm[track, low + 1]
        return np.asarray(left + (part - low) * (right - left))

    def at(self, track: Ints, path_mm: Array) -> tuple[Array, Array, Array]:
        """Place and direction of the track: z, y, phi, each of the shape of ``path_mm``."""
        turn = self.arcs.bend()[track]
        start, angle = self.arcs.phi[track], turn * path_mm
        chord = path_mm * np.sinc(angle / (2 * np.pi))
        phi, off = start + angle, self.off(track, path_mm)
        z = self.arcs.z_mm[track] + chord * np.cos(start + angle / 2) - off * np.sin(phi)
        y = self.arcs.y_mm[track] + chord * np.sin(start + angle / 2) + off * np.cos(phi)
        return z, y, phi

    def shapes(self, track: Ints, path_mm: Array) -> Array:
        """How far parameters move the tracks of B stretches along their normals at paths (B, S).

        Offset, angle and curvature where the arc starts, and the angle of every kink, each in units
        of the length, so that all are of one size: (B, 3 + kinks, S).
        """
        turn, unit = self.arcs.bend()[track][:, None], self.length_mm[track][:, None]
        offset, angle, curvature = shapes(turn, path_mm)
        columns = np.stack([offset, angle / unit, curvature / unit**2], 1)
        behind = np.maximum(path_mm[:, None] - self.kinks_mm[track][:, :, None], 0)
        after = np.sin(turn[:, :, None] * behind) / turn[:, :, None]
        return np.concatenate([columns, after / unit[:, :, None]], 1)

    def moved(self, change: Array) -> Course:
        """The course of other parameters.

        Args:
            change: Of offset, angle and curvature, and the angles of the kinks, in units of the
                length, (N, 3 + kinks).
        """
        length = self.length_mm
        angle, curvature = change[:, 1] / length, change[:, 2] / length**2
        arcs = self.arcs.moved(change[:, 0], angle.clip(-1, 1), curvature)
        most = np.pi / length  # a track does not come back
        arcs = Arcs(arcs.z_mm, arcs.y_mm, arcs.phi, arcs.curvature.clip(-most, most))
        nodes = np.linspace(0, 1, self.off_mm.shape[1]) * length[:, None]
        after = self.shapes(np.arange(len(length)), nodes)[:, 3:]
        return Course(arcs, length, np.einsum("nk,nkm->nm", change[:, 3:], after), self.kinks_mm)


def course_of(fit: Fit, used: BoolArray, first_mm: Array, last_mm: Array) -> Course:
    """The course of fitted tracks.

    Args:
        fit: Arcs with kinks through points, (N, M).
        used: Which points tell where the track is, (N, M).
        first_mm: Path of the first cluster, (N,).
        last_mm: Path of the last one, (N,).
    """
    length = np.maximum(last_mm - first_mm, 1.0)
    path = fit.path_mm - first_mm[:, None]
    off = fit.distance_mm - fit.residual_mm
    grid = np.linspace(0, 1, _NODES)
    nodes = np.zeros((len(length), _NODES))
    for track in range(len(length)):
        some = np.flatnonzero(used[track])
        if len(some):
            order = some[np.argsort(path[track, some], kind="stable")]
            nodes[track] = np.interp(grid * length[track], path[track, order], off[track, order])
    return Course(fit.arcs.at(first_mm), length, nodes, kink_paths(length, KINKS))
