"""What one particle of a shower leaves in a cell that it crosses.

Two spectra, of tracks on the axis of a shower and far from it: near it most are minimum ionising,
far from it many are slow electrons, which stay in the plate or cross it at an angle. Both are
quantiles of what single tracks leave in single cells of the detector ``ild-ecal``, in Geant4
showers of photons of 2 to 20 GeV (``tests/plugins/calo/crossings.py``, about 50,000 entries). Their
second moment makes most of that calorimeter's resolution: sigma^2 = <e2> / <e> times the visible
energy, for independent entries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEAN_FAR", "MEAN_NEAR", "SHARES", "crossing", "far_share", "moyal"]

Array = NDArray[np.float64]

SHARES = np.array(
    [
        0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995,
        0.999, 1,
    ]
)  # fmt: skip
_NEAR = np.array(
    [
        0.007, 0.012, 0.059, 0.618, 0.908, 0.99, 1.047, 1.109, 1.179, 1.277, 1.434, 1.728, 2.501,
        3.368, 4.644, 5.815, 7.151, 9.791, 15.0,
    ]
)  # fmt: skip
_FAR = np.array(
    [
        0.007, 0.012, 0.012, 0.069, 0.193, 0.567, 0.968, 1.214, 1.494, 1.86, 2.378, 3.134, 4.456,
        5.855, 8.036, 9.95, 12.49, 16.31, 27.0,
    ]
)  # fmt: skip
_HALF_FAR_MM = 3.0
"""Radius at which the spectrum is half of each; means are 1.7 at 1 to 3.5 mm, 2.0 from 5 mm on."""


def far_share(r_mm: Array) -> Array:
    """Share of the far spectrum at a radius."""
    square = np.square(r_mm)
    return square / (square + _HALF_FAR_MM**2)


def crossing(uniforms: Array, far: Array, slant: Array) -> Array:
    """Energies of tracks that cross a cell, in most probable losses.

    Args:
        uniforms: Numbers in [0, 1).
        far: Share of the far spectrum's quantile; the mean goes from :data:`MEAN_NEAR` times the
            slant to :data:`MEAN_FAR` linearly in it.
        slant: Length of the shower's way through a plate of unit thickness. Tracks near the axis go
            along it; those far from it go any way.
    """
    near = slant * np.interp(uniforms, SHARES, _NEAR)
    energy: Array = near + far * (np.interp(uniforms, SHARES, _FAR) - near)
    return energy


def moyal(normals: Array, width: float) -> Array:
    """Losses of a minimum ionising particle, in most probable ones, from standard normal numbers.

    Moyal's approximation to Landau's distribution: 1 - width ln(normal^2).
    """
    return 1 - width * np.log(np.maximum(np.square(normals), 1e-12))


def _mean(energy: Array) -> float:
    return float(np.sum(np.diff(SHARES) * (energy[1:] + energy[:-1]) / 2))


MEAN_NEAR, MEAN_FAR = _mean(_NEAR), _mean(_FAR)
