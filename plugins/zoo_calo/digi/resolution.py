"""Linearity and resolution of measured energies, against the energy of the particle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from zoo_calo.fidelity.binning import ENERGY_EDGES
from zoo_calo.fidelity.robust import Peak, gaussian_core, mean90

__all__ = ["EnergyPoint", "energy_points", "stochastic_term"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EnergyPoint:
    """Measured energy over that of the particle, in a bin.

    Attributes:
        energy: Mean in the bin, GeV.
        showers: In it.
        mean90: Of the shortest 90 %.
        gaussian: Fitted within two widths.
    """

    energy: float
    showers: int
    mean90: Peak
    gaussian: Peak


def energy_points(
    measured: Array, energy_gev: Array, edges: Sequence[float] = ENERGY_EDGES, fewest: int = 20
) -> list[EnergyPoint]:
    """Of every bin with enough showers.

    Args:
        measured: (N,), in any unit.
        energy_gev: (N,), of the particles.
        edges: Of the bins, GeV.
        fewest: Showers of a bin.
    """
    energy = np.asarray(energy_gev, np.float64)
    ratio = np.asarray(measured, np.float64) / np.where(energy > 0, energy, np.nan)
    place = np.searchsorted(edges, energy, side="right")
    found = []
    for one in np.unique(place):
        inside = (place == one) & np.isfinite(ratio)
        if inside.sum() < fewest:
            continue
        values = ratio[inside]
        mean = float(energy[inside].mean())
        found.append(EnergyPoint(mean, len(values), mean90(values), gaussian_core(values)))
    return found


def stochastic_term(points: Sequence[EnergyPoint]) -> tuple[float, float]:
    """Terms a and b of ``(sigma / E)^2 = a^2 / E + b^2``, E in GeV, of the Gaussian widths.

    Least squares in the squares, weighted by their errors; neither is negative. NaN of fewer than
    two points.
    """
    if len(points) < 2:
        return float("nan"), float("nan")
    square = np.array([point.gaussian.resolution**2 for point in points])
    energy = np.array([point.energy for point in points])
    weight = np.sqrt([point.showers / 2 for point in points]) / np.maximum(square, 1e-12)
    design = np.stack([1 / energy, np.ones_like(energy)], axis=1) * weight[:, None]
    scale = design.max(0)
    squares = nnls(design / scale, square * weight)[0] / scale
    return float(squares[0] ** 0.5), float(squares[1] ** 0.5)
