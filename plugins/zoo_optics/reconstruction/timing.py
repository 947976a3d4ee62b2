"""When light arrives: residuals against the straight way, and their densities.

The residual of a hit is its time less that of light which starts at ``t0`` and goes straight. A
direct photon has residual 0 but for the sensor's transit time and size; a scattered or reflected
one comes later, here exponentially so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, erfcx

from zoo_optics.physics.water import C_CM_NS

__all__ = ["core_width", "gaussian", "residual", "tail"]

Array = NDArray[np.float64]


def residual(time_ns: Array, start_ns: Array, distance_cm: Array, group_index: float) -> Array:
    """``t - t0 - d n_g / c``, ns; arguments broadcast."""
    late: Array = time_ns - start_ns - distance_cm * (group_index / C_CM_NS)
    return late


def core_width(
    spread_ns: float,
    radius_cm: float,
    cosine: Array,
    distance_cm: Array,
    index: tuple[float, float],
) -> Array:
    """RMS of the residual of direct light, ns.

    The transit time, the sensor's size and the colours, added in squares. Across a disc of radius
    r a coordinate has the RMS r / 2, of which light that comes at an angle sees the sine.

    Args:
        spread_ns: RMS of the transit time.
        radius_cm: Of the sensors.
        cosine: Of the angle between the sensor's normal and the light.
        distance_cm: Of the same shape.
        index: Mean and RMS of the group index over the light's wavelengths.
    """
    across = index[0] * radius_cm / 2 * np.sqrt(np.clip(1 - cosine**2, 0, 1))
    colours = index[1] * distance_cm
    width: Array = np.sqrt(spread_ns**2 + (across**2 + colours**2) / C_CM_NS**2)
    return width


def gaussian(late_ns: Array, width_ns: Array) -> Array:
    """Density of the residual of direct light, 1/ns."""
    density: Array = np.exp(-0.5 * (late_ns / width_ns) ** 2) / (np.sqrt(2 * np.pi) * width_ns)
    return density


def tail(late_ns: Array, width_ns: Array, decay_ns: Array | float) -> Array:
    """Density of the residual of indirect light, 1/ns: exponential, smeared by a Gaussian."""
    inner = (width_ns / decay_ns - late_ns / width_ns) / np.sqrt(2)
    early = inner > 0
    with np.errstate(over="ignore", under="ignore"):
        near = np.exp(-0.5 * (late_ns / width_ns) ** 2) * erfcx(np.where(early, inner, 0))
        far = np.exp(0.5 * (width_ns / decay_ns) ** 2 - late_ns / decay_ns)
        far = far * erfc(np.where(early, 0, inner))
    density: Array = np.where(early, near, far) / (2 * decay_ns)
    return density
