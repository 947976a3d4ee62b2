"""Hard events along the way of charged particles: photons that electrons radiate, delta rays.

Electrons radiate the spectrum of complete screening, dN/dk dx = (4/3 - 4/3 y + y^2) / (X0 k) with
y = k/E (Particle Data Group, Review of Particle Physics 2022, eq. 34.29), which is scaled below
about 25 MeV, where screening is not complete, as the whole cross section without it goes, ln(2
gamma) - 1/3 (Koch and Motz, Rev. Mod. Phys. 31 (1959) 920, formula 3BN's integral, from memory).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, MASS, RADIATION_CM, XI_CM
from zoo_sparse_reco.physics.stopping import HEAVIEST_DELTA, beta2, largest_delta

__all__ = ["SOFTEST_PHOTON", "hard_rate", "hard_size", "screening"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

SOFTEST_PHOTON = 0.05
"""MeV: what is radiated below stays with the electron."""

_COMPLETE = 4.30  # ln(183 / Z^(1/3)) + 1/18 for argon


def screening(kinetic: Array) -> Array:
    """Share of the radiation of complete screening that electrons emit, 0 to 1."""
    gamma = 1 + kinetic / ELECTRON_MASS
    return np.clip((np.log(2 * gamma) - 1 / 3) / _COMPLETE, 0, 1)


def hard_rate(kinetic: Array, pid: Whole) -> Array:
    """Hard events per cm, not fewer than there are: :func:`hard_size` rejects some.

    Args:
        kinetic: (n,), MeV.
        pid: (n,), kinds of charged particles.
    """
    electron = pid == Pid.ELECTRON
    radiated = np.log(np.maximum(kinetic / SOFTEST_PHOTON, 1))
    radiated = radiated * (4 / 3 / RADIATION_CM) * screening(kinetic)
    mass = MASS[pid]
    room = 1 / HEAVIEST_DELTA - 1 / np.maximum(largest_delta(kinetic, mass), 1e-9)
    knocked = XI_CM / beta2(np.maximum(kinetic, 1e-4), mass) * np.maximum(room, 0)
    return np.where(electron, radiated, knocked)


def hard_size(kinetic: Array, pid: Whole, draw: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Energies given away in hard events, and which of these happen.

    Args:
        kinetic: (n,), MeV, at the event.
        pid: (n,).
        draw: (n, 2), in [0, 1).
    """
    electron = pid == Pid.ELECTRON
    mass = MASS[pid]
    photon = SOFTEST_PHOTON * np.maximum(kinetic / SOFTEST_PHOTON, 1) ** draw[:, 0]
    share = photon / (kinetic + mass)
    most = np.maximum(largest_delta(kinetic, mass), 1e-9)
    delta = 1 / (1 / HEAVIEST_DELTA - draw[:, 0] * np.maximum(1 / HEAVIEST_DELTA - 1 / most, 0))
    taken = np.where(
        electron,
        (kinetic > SOFTEST_PHOTON) & (draw[:, 1] < 1 - share + 0.75 * share**2),
        (most > HEAVIEST_DELTA) & (draw[:, 1] < 1 - beta2(kinetic, mass) * delta / most),
    )
    return np.where(electron, photon, delta), taken
