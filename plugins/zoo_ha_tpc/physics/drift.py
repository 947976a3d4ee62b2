"""Drift of electrons to the plane: when they arrive, and how far from where they started."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gas", "gain_factor"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gas:
    """What drifts, and how.

    Attributes:
        drift_mm_us: Speed.
        transverse_um_cm: Diffusion across the drift, um per square root of cm.
        longitudinal_um_cm: Along it.
    """

    drift_mm_us: float
    transverse_um_cm: float
    longitudinal_um_cm: float

    def time_ns(self, x_mm: Array) -> Array:
        """Of the drift."""
        return np.asarray(1e3 * x_mm / self.drift_mm_us)

    def transverse_mm(self, x_mm: Array) -> Array:
        """RMS of the place of one electron in z and in y."""
        return np.asarray(1e-3 * self.transverse_um_cm * np.sqrt(x_mm / 10))

    def longitudinal_ns(self, x_mm: Array) -> Array:
        """RMS of its time."""
        return self.time_ns(1e-3 * self.longitudinal_um_cm * np.sqrt(x_mm / 10))


def gain_factor(electrons: Array, deviate: Array) -> Array:
    """Mean gain of several electrons over the mean gain: Polya fluctuations of theta = 1.

    The sum of n gains is then a gamma variable of shape 2n. Wilson and Hilferty's cube (Proc. Natl.
    Acad. Sci. 17 (1931) 684) makes it from a normal one.

    Args:
        electrons: n, at least 1.
        deviate: Standard normal numbers, of the same shape.

    Returns:
        Factors of mean 1 and variance 1 / (2n).
    """
    ninth = 1 / (18 * electrons)
    return np.asarray(np.maximum(1 - ninth + deviate * np.sqrt(ninth), 0) ** 3)
