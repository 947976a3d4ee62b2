"""What one particle of a shower leaves in a plate that it crosses.

The spectrum is that of single tracks in the silicon of the detector ``ild-ecal``, in Geant4 showers
of 2 to 20 GeV photons (41,000 crossings, by ``tests/plugins/calo/crossings.py``). Most tracks leave
what a minimum ionising particle does; some stop, some are slow electrons that stay in the plate. Its
second moment alone makes the resolution of that calorimeter, sqrt(<e2>/<e> / visible energy).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEAN_CROSSING", "crossing", "moyal"]

Array = NDArray[np.float64]

_SHARE = np.array(
    [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1]
)  # fmt: skip
_ENERGY = np.array(
    [
        0.007, 0.012, 0.019, 0.132, 0.565, 0.975, 1.07, 1.171, 1.312, 1.538, 1.984, 2.854, 4.598,
        6.731, 10.05, 13.19, 16.69, 26.9, 40.0,
    ]
)  # fmt: skip


def crossing(uniforms: Array) -> Array:
    """Energies of tracks that cross a plate, in most probable losses, from numbers in [0, 1)."""
    return np.interp(uniforms, _SHARE, _ENERGY)


MEAN_CROSSING = float(np.sum(np.diff(_SHARE) * (_ENERGY[1:] + _ENERGY[:-1]) / 2))
"""Mean of :func:`crossing`."""


def moyal(normals: Array, width: float) -> Array:
    """Losses of a minimum ionising particle, in most probable ones, from standard normal numbers.

    Moyal's approximation to Landau's distribution: 1 - width ln(normal^2).
    """
    return 1 - width * np.log(np.maximum(np.square(normals), 1e-12))
