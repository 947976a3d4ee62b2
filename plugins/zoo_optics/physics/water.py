"""Water: how light of a wavelength is refracted, absorbed and scattered.

The table is that of WCSim (``water_optics.csv``, from WCSim at 8cc7f87, MIT licence), before its
two factors: ABWFF on the absorption length and RAYFF on that of Rayleigh scattering, whose
defaults there are 1.30 and 0.75.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError

__all__ = ["C_CM_NS", "FINE_STRUCTURE", "Medium", "cherenkov_photons_per_cm", "water"]

Array = NDArray[np.float64]

C_CM_NS = 29.9792458
"""Speed of light, cm/ns."""

FINE_STRUCTURE = 1 / 137.035999084
"""CODATA 2018."""

ABSORPTION_FACTOR, RAYLEIGH_FACTOR = 1.30, 0.75


@dataclass(frozen=True)
class Medium:
    """What light meets between its source and the wall, by wavelength.

    Attributes:
        wavelength_nm: (n,), ascending.
        index: (n,), refractive index.
        absorption_cm: (n,), mean way to absorption.
        scattering_cm: (n,), mean way to Rayleigh scattering.
    """

    wavelength_nm: Array
    index: Array
    absorption_cm: Array
    scattering_cm: Array

    def at(self, table: Array, wavelength_nm: Array) -> Array:
        """A column of the medium at wavelengths, linearly between the entries."""
        return np.interp(wavelength_nm, self.wavelength_nm, table)

    @property
    def group_index(self) -> Array:
        """(n,), n - lambda dn/dlambda: c over the speed of a pulse."""
        slope = np.gradient(self.index, self.wavelength_nm)
        group: Array = self.index - self.wavelength_nm * slope
        return group

    def check(self, low_nm: float, high_nm: float) -> None:
        """Refuse wavelengths outside of the table.

        Raises:
            ConfigError: Naming both.
        """
        first, last = float(self.wavelength_nm[0]), float(self.wavelength_nm[-1])
        if not first <= low_nm <= high_nm <= last:
            raise ConfigError(
                f"wavelengths from {low_nm:g} to {high_nm:g} nm",
                where="wavelength_nm",
                remedy=f"give least, largest between {first:.0f} and {last:.0f} nm",
            )


def water(
    absorption_factor: float = ABSORPTION_FACTOR, rayleigh_factor: float = RAYLEIGH_FACTOR
) -> Medium:
    """Pure water of WCSim.

    Args:
        absorption_factor: On the absorption length (ABWFF).
        rayleigh_factor: On the scattering length (RAYFF).
    """
    wavelength, index, absorption, rayleigh = _table()
    return Medium(wavelength, index, absorption * absorption_factor, rayleigh * rayleigh_factor)


def cherenkov_photons_per_cm(
    index: Array, beta: float, low_nm: float, high_nm: float
) -> tuple[float, float]:
    """Photons that a unit charge radiates per cm, and the angle of their cone.

    Frank and Tamm: dN/dx = 2 pi alpha sin^2(theta) (1/low - 1/high), cos(theta) = 1/(n beta), for
    an index that is the same over the range.

    Args:
        index: Refractive index.
        beta: Speed of the charge over c.
        low_nm: Least wavelength.
        high_nm: Largest wavelength.

    Returns:
        Photons per cm, and the angle in rad; both 0 below the threshold.
    """
    cosine = 1 / (float(index) * beta)
    if cosine >= 1:
        return 0.0, 0.0
    per_nm = 2 * np.pi * FINE_STRUCTURE * (1 - cosine**2) * (1 / low_nm - 1 / high_nm)
    return float(per_nm * 1e7), float(np.arccos(cosine))


@cache
def _table() -> Array:
    text = files("zoo_optics.physics").joinpath("water_optics.csv").read_text(encoding="utf-8")
    rows = [list(map(float, line.split(","))) for line in text.splitlines()[1:]]
    columns: Array = np.array(rows).T
    columns.setflags(write=False)
    return columns
