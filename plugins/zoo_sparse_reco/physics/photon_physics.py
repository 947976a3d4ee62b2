"""How photons interact with liquid argon: pairs, Compton scattering, the photoelectric effect.

Compton scattering is Klein and Nishina's. What pairs and the photoelectric effect add is the rest
of NIST's tables of attenuation in argon (X-Ray Mass Attenuation Coefficients, NISTIR 5632, from
memory) up to 20 MeV; beyond, pairs rise to 7/9 of a radiation length (Particle Data Group, Review
of Particle Physics 2022, section 34.4.5; the points in between are from memory). Coherent
scattering turns photons of low energy a little and is left out.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.liquid_argon import DENSITY, ELECTRON_MASS, RADIATION_CM, Z_OVER_A

__all__ = ["compton_per_cm", "pair_per_cm", "photoelectric_per_cm", "scattered_energy"]

Array = NDArray[np.float64]

_BARNS = 0.602214 * Z_OVER_A * DENSITY  # electrons per barn and cm
_RADIUS2 = 0.0794078  # squared classical radius of the electron, barn

# Pairs, in the field of nuclei and of electrons, as a share of 7 / (9 X0), by MeV.
_PAIR_MEV = np.array([1.022, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 100, 300, 1000, 1e4, 1e5])
_PAIR_SHARE = np.array(
    [
        *(0, 0.009, 0.025, 0.066, 0.104, 0.14, 0.171, 0.224, 0.268),
        *(0.351, 0.41, 0.60, 0.72, 0.84, 0.92, 0.985, 1.0),
    ]
)

_PHOTO_AT_100_KEV = 0.052 * DENSITY  # per cm; falls with the energy to the power of 3.2

_ENERGIES, _SHARES, _FINE = 96, 65, 400
_LEAST, _MOST = np.log(0.005), np.log(1e5)


def compton_per_cm(energy: Array) -> Array:
    """Compton scatterings per cm at energies, MeV (Klein and Nishina)."""
    k = np.maximum(energy / ELECTRON_MASS, 1e-3)
    log = np.log1p(2 * k)
    part = (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - log / k)
    part = part + log / (2 * k) - (1 + 3 * k) / (1 + 2 * k) ** 2
    return np.asarray(2 * np.pi * _RADIUS2 * _BARNS * part)


def pair_per_cm(energy: Array) -> Array:
    """Pairs of electron and positron per cm."""
    share = np.interp(np.log(energy), np.log(_PAIR_MEV), _PAIR_SHARE)
    return np.asarray(7 / 9 / RADIATION_CM * share)


def photoelectric_per_cm(energy: Array) -> Array:
    """Absorptions per cm, above 5 keV."""
    return np.asarray(_PHOTO_AT_100_KEV * (0.1 / np.maximum(energy, 0.005)) ** 3.2)


def scattered_energy(energy: Array, draw: Array) -> Array:
    """Energies (n,), MeV, of photons after Compton scattering, by quantiles (n,) in [0, 1)."""
    table = _quantiles()
    row = (np.log(energy) - _LEAST) / (_MOST - _LEAST) * (_ENERGIES - 1)
    row = np.clip(row, 0, _ENERGIES - 1.000001)
    column = draw * (_SHARES - 1)
    i, j = row.astype(np.intp), column.astype(np.intp)
    a, b = row - i, column - j
    low = table[i, j] * (1 - b) + table[i, j + 1] * b
    high = table[i + 1, j] * (1 - b) + table[i + 1, j + 1] * b
    least = 1 / (1 + 2 * energy / ELECTRON_MASS)
    return np.asarray(energy * least ** (1 - low * (1 - a) - high * a))


@lru_cache(maxsize=1)
def _quantiles() -> Array:
    """Quantiles of t, where a share e = e_min^(1 - t) of the energy is left, by log energy."""
    energy = np.exp(np.linspace(_LEAST, _MOST, _ENERGIES))
    least = 1 / (1 + 2 * energy / ELECTRON_MASS)
    t = np.linspace(0, 1, _FINE)
    share = least[:, None] ** (1 - t)
    versine = np.clip((1 / share - 1) * (ELECTRON_MASS / energy)[:, None], 0, 2)
    # d sigma / d e = 1/e + e - sin^2(theta), and de = e dt.
    density = (1 / share + share - versine * (2 - versine)) * share
    below = np.cumsum((density[:, 1:] + density[:, :-1]) / 2, axis=1)
    below = np.concatenate([np.zeros((_ENERGIES, 1)), below], axis=1)
    below /= below[:, -1:]
    even = np.linspace(0, 1, _SHARES)
    return np.stack([np.interp(even, one, t) for one in below])
