"""The semi-analytic model of vacuum-ultraviolet light in liquid argon.

Garcia-Gamez, Green and Szelc, Eur. Phys. J. C 81 (2021) 349 (arXiv:2010.00324): a sensor sees the
solid angle that it covers over 4 pi, times absorption, times a Gaisser-Hillas function of the
distance that was fitted to a full simulation of Rayleigh scattering. Its parameters depend on the
angle to the sensor's normal, in bins of ten degrees, and linearly on how far the point is from the
axis of the volume, since scattered light is lost at its borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GaisserHillas", "scattering_correction"]

Array = NDArray[np.float64]

_LARGEST = 10.0  # a correction above it is a fit outside of its range
_FARTHEST_CM = 1000.0
_DEGREES = 10.0


@dataclass(frozen=True)
class GaisserHillas:
    """Parameters by angle and border.

    Attributes:
        table: (4, bins): N, peak M, width L, start X0 (the last three in cm), for angles from 0 to
            10 degrees, 10 to 20, and so on.
        slopes: (3, border angles): changes of N, M and L per cm from the axis.
        border_deg: (border angles,), where they hold; linear in between, and held outside.
    """

    table: Array
    slopes: Array
    border_deg: Array

    def at(self, angle_deg: Array, from_axis_cm: Array, *, smooth: bool) -> tuple[Array, ...]:
        """N, M, L and X0 of angles, broadcast with the distances from the axis.

        Args:
            angle_deg: 0 to 90.
            from_axis_cm: Of the point.
            smooth: Linear in the angle between the middles of the bins, instead of steps.
        """
        bins = self.table.shape[1]
        if smooth:
            middle = _DEGREES * (np.arange(bins) + 0.5)
            values = [np.interp(angle_deg, middle, row) for row in self.table]
        else:
            index = np.clip((angle_deg / _DEGREES).astype(int), 0, bins - 1)
            values = [row[index] for row in self.table]
        slopes = [np.interp(angle_deg, self.border_deg, row) for row in self.slopes]
        moved = [v + s * from_axis_cm for v, s in zip(values, slopes, strict=False)]
        return (*moved, values[3])


def scattering_correction(
    parameters: GaisserHillas,
    distance_cm: Array,
    cosine: Array,
    from_axis_cm: Array,
    *,
    smooth: bool,
) -> Array:
    """Factor on the geometric visibility.

    ``GH(d) = N ((d - X0)/(M - X0))^((M - X0)/L) exp((M - d)/L)`` over the cosine; 0 where that is
    not finite, above 10, or farther than 10 m, as LArSoft does.

    Args:
        parameters: Of the kind of sensor.
        distance_cm: Point to sensor.
        cosine: Of the angle to the sensor's normal.
        from_axis_cm: Point to the axis of the volume; all broadcast.
        smooth: See :meth:`GaisserHillas.at`.
    """
    angle = np.rad2deg(np.arccos(np.clip(cosine, 0, 1)))
    norm, peak, width, start = parameters.at(angle, from_axis_cm, smooth=smooth)
    with np.errstate(all="ignore"):
        power = (peak - start) / width
        rise = ((distance_cm - start) / (peak - start)) ** power
        correction = norm * rise * np.exp((peak - distance_cm) / width) / cosine
        good = np.isfinite(correction) & (correction >= 0) & (correction * cosine <= _LARGEST)
    return np.where(good & (distance_cm <= _FARTHEST_CM) & (cosine > 0), correction, 0.0)
