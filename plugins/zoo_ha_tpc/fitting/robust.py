"""Arcs with and without scattering, and which points lie on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA, Arcs
from zoo_ha_tpc.fitting.least_squares import KINKS, Fit, fit_arcs
from zoo_ha_tpc.fitting.scattering import angle_variance
from zoo_ha_tpc.fitting.times import Drift
from zoo_ha_tpc.physics.constants import MUON_GEV, RADIATION_LENGTH_M

__all__ = ["Matter", "Points", "RobustFit", "robust_fit"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_WIDTHS_MM = (8.0, 6.0)  # of the road of the first two steps: scattering bends within it
_TEMPER = 3.0  # errors from which on a point loses weight
_CUT = 5.0  # errors beyond which it does not count as on the track


@dataclass(frozen=True)
class Matter:
    """Particle and gas.

    Attributes:
        mass_gev: Mass of the particle, GeV/c^2; default: a muon's.
        radiation_length_mm: Of the gas.
        drift: How times of pads tell the drift; none: they do not.
    """

    mass_gev: float = MUON_GEV
    radiation_length_mm: float = 1e3 * RADIATION_LENGTH_M
    drift: Drift | None = None


@dataclass(frozen=True)
class Points:
    """Measured points of N tracks, padded to M.

    Attributes:
        z_mm: Float64 (N, M).
        y_mm: The same.
        error_mm: Standard errors across the track.
        present: Which places are filled, bool.
    """

    z_mm: Array
    y_mm: Array
    error_mm: Array
    present: BoolArray


@dataclass(frozen=True)
class RobustFit:
    """Arcs through N sets of points.

    Attributes:
        scattered: The fit with scattering.
        plain: The fit without, to the points used.
        used: Which points lie on the track, bool (N, M).
    """

    scattered: Fit
    plain: Fit
    used: BoolArray


def robust_fit(
    points: Points, start: Arcs, field_tesla: float, matter: Matter, *, kinks: int = KINKS
) -> RobustFit:
    """Fits in which points far from the others have little weight (Cauchy), then none.

    Args:
        points: At least one track.
        start: Arcs near the answer, in the direction of flight.
        field_tesla: Magnetic field.
        matter: Particle and gas.
        kinks: At how many places a track scatters.
    """
    scattered = partial(_scattered, field_tesla=field_tesla, matter=matter, kinks=kinks)
    z, y = points.z_mm, points.y_mm
    weight = np.where(points.present, points.error_mm**-2.0, 0.0)
    arcs, tempered = start, weight
    for width in _WIDTHS_MM:
        tempered = weight / (1 + (arcs.place(z, y)[1] / width) ** 2)
        arcs = fit_arcs(arcs, z, y, tempered, steps=1).arcs
    for _ in range(2):
        fit = scattered(arcs, points, tempered)
        pull = fit.residual_mm / points.error_mm
        tempered = weight / (1 + (pull / _TEMPER) ** 2)
        arcs = fit.arcs
    used = points.present & (np.abs(pull) < _CUT)
    final = np.where(used, weight, 0.0)
    return RobustFit(
        scattered(arcs, points, final),
        fit_arcs(arcs, z, y, final, steps=2),
        used,
    )


def _scattered(
    arcs: Arcs,
    points: Points,
    weight: Array,
    *,
    field_tesla: float,
    matter: Matter,
    kinks: int,
) -> Fit:
    """One step with the scattering of the momentum so far."""
    z, y = points.z_mm, points.y_mm
    length = np.where(weight > 0, arcs.place(z, y)[0], 0.0).max(1)
    variance = angle_variance(
        arcs.curvature / (CURVATURE_PER_TESLA * field_tesla),
        length,
        matter.mass_gev,
        matter.radiation_length_mm,
    )
    return fit_arcs(arcs, z, y, weight, steps=1, angle_variance=variance, kinks=kinks)
