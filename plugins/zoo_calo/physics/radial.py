"""How far from its axis the energy of a shower goes, by depth.

Two functions 2 r R^2 / (r^2 + R^2)^2, one of the core and one of the tail (hep-ex/0001020, sections
2.2 and 3.3), with the numbers for sampling calorimeters; r and R in Moliere radii.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_calo.physics.medium import Medium

__all__ = ["Radial", "drawn_radii", "radial_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Radial:
    """One entry for each shower and layer.

    Attributes:
        core, tail: Their R.
        share: Of the core, 0 to 1.
    """

    core: Array
    tail: Array
    share: Array

    def within(self, r: Array) -> Array:
        """Share of the energy within radius ``r``."""
        square = np.square(r)
        core = square / (square + self.core**2)
        return self.share * core + (1 - self.share) * square / (square + self.tail**2)


def radial_of(medium: Medium, energy_gev: Array, tau: Array) -> Radial:
    """Of showers of ``energy_gev`` at depths ``tau``, in units of each shower's mean depth."""
    log_e = np.log(energy_gev)
    z, f_s, e = medium.z, medium.sampling_frequency, 1 - medium.e_hat
    fading = np.exp(-tau)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
    tail = (0.659 - 0.00309 * z) * (
        np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0412 * log_e) * (tau - 0.645))
    )
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    share = (2.632 - 0.00094 * z) * np.exp(x - np.exp(x))
    share = share + e * (0.348 - 0.642 / f_s * np.exp(-((tau - 1) ** 2)))
    return Radial(
        core=np.maximum(core - 0.0203 * e + 0.0397 / f_s * fading, 0.005),
        tail=np.maximum(tail - 0.14 * e - 0.495 / f_s * fading, 0.02),
        share=np.clip(share, 0, 1),
    )


def drawn_radii(core: Array, tail: Array, share: Array, uniforms: Array) -> Array:
    """Radii of spots (N,), from ``uniforms`` (2, N); each argument is that of the spot."""
    scale = np.where(uniforms[0] < share, core, tail)
    radii: Array = scale * np.sqrt(uniforms[1] / (1 - uniforms[1]))
    return radii
