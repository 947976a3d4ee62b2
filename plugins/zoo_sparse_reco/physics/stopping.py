"""Mean energy loss of charged particles in liquid argon, and how far they come.

Heavy particles lose energy by the Bethe equation, whole or restricted to collisions below a cut
(Particle Data Group, Review of Particle Physics 2022, eqs. 34.5 and 34.24) with Sternheimer's
density effect (eq. 34.7); electrons by collisions as Berger and Seltzer have it (ICRU report 37,
from memory). Shell, Barkas and Bloch corrections, and radiation of muons, are left out: below
beta gamma = 0.05 the loss is taken proportional to the speed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, EXCITATION_MEV, MASS, XI_CM

__all__ = [
    "HEAVIEST_DELTA",
    "Ranges",
    "beta2",
    "delta_effect",
    "electron_loss",
    "heavy_loss",
    "largest_delta",
    "ranges",
]

Array = NDArray[np.float64]

HEAVIEST_DELTA = 1.0
"""MeV: electrons that get more in a collision are tracks of their own."""

_A, _K, _X0, _X1, _C = 0.19559, 3.0, 0.2, 3.0, 5.2146  # Sternheimer's parameters, liquid argon
_SLOW = 0.05  # beta gamma below which the Bethe equation does not hold


def beta2(kinetic: Array, mass: Array | float) -> Array:
    """Squared speed of particles of this kinetic energy and mass, MeV."""
    return np.asarray(kinetic * (kinetic + 2 * mass) / (kinetic + mass) ** 2)


def largest_delta(kinetic: Array, mass: Array | float) -> Array:
    """Most that a heavy particle gives to an electron, MeV (eq. 34.4)."""
    gamma = 1 + kinetic / mass
    ratio = ELECTRON_MASS / mass
    return np.asarray(2 * ELECTRON_MASS * (gamma**2 - 1) / (1 + 2 * gamma * ratio + ratio**2))


def delta_effect(beta_gamma: Array) -> Array:
    """Sternheimer's density effect, delta (eq. 34.7)."""
    x = np.log10(beta_gamma)
    high = 2 * np.log(10) * x - _C
    return np.where(
        x >= _X1, high, np.where(x >= _X0, high + _A * np.maximum(_X1 - x, 0) ** _K, 0.0)
    )


def heavy_loss(kinetic: Array, mass: float, cut: float = np.inf) -> Array:
    """Energy that a heavy particle of unit charge loses in collisions.

    Args:
        kinetic: MeV.
        mass: MeV.
        cut: Collisions that give more are left out, MeV.

    Returns:
        MeV/cm.
    """
    slow = mass * (np.sqrt(1 + _SLOW**2) - 1)
    at = np.maximum(kinetic, slow)
    beta_gamma2 = (at / mass) * (at / mass + 2)
    speed2 = beta2(at, mass)
    most = largest_delta(at, mass)
    least = np.minimum(cut, most)
    bracket = (
        np.log(2 * ELECTRON_MASS * beta_gamma2 * least / EXCITATION_MEV**2)
        - speed2 * (1 + least / most)
        - delta_effect(np.sqrt(beta_gamma2))
    )
    return np.asarray(XI_CM / speed2 * bracket * np.sqrt(beta2(kinetic, mass) / speed2))


def electron_loss(kinetic: Array) -> Array:
    """Energy that an electron loses in collisions, MeV/cm, of any that it gives away."""
    slow = 0.002  # MeV; a micrometre and a half
    at = np.maximum(kinetic, slow)
    tau = at / ELECTRON_MASS
    speed2 = beta2(at, ELECTRON_MASS)
    part = 1 - speed2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
    bracket = (
        np.log(tau**2 * (tau + 2) / (2 * (EXCITATION_MEV / ELECTRON_MASS) ** 2))
        + part
        - delta_effect(np.sqrt(tau * (tau + 2)))
    )
    return np.asarray(XI_CM / speed2 * bracket * np.sqrt(kinetic / at))


class Ranges:
    """Ranges of all kinds of charged particles, and the energies that belong to them.

    Energy and range are power laws over wide ranges: both tables are even in logarithms and read
    linearly there.

    Args:
        cut: Collisions of heavy particles that give more are left out, MeV.
    """

    def __init__(self, cut: float = np.inf) -> None:
        self._low, self._high, self._points = np.log(1e-3), np.log(1e5), 1200
        kinetic = np.exp(np.linspace(self._low, self._high, self._points))
        tables = [np.zeros_like(kinetic)] + [
            _ranges(kinetic, MASS[pid], pid == Pid.ELECTRON, cut) for pid in list(Pid)[1:]
        ]
        tables[0] = tables[1]  # photons have none; never read
        log_range = np.log(np.stack(tables))
        self._log_range = log_range
        self._near, self._far = log_range.min(), log_range.max()
        even = np.linspace(self._near, self._far, 3 * self._points)
        self._log_kinetic = np.stack([np.interp(even, one, np.log(kinetic)) for one in log_range])

    def range_cm(self, kinetic: Array, pid: NDArray[np.integer]) -> Array:
        """How far particles of kinetic energies (n,), MeV, and kinds (n,) come, cm."""
        return _read(self._log_range, pid, kinetic, self._low, self._high)

    def kinetic(self, range_cm: Array, pid: NDArray[np.integer]) -> Array:
        """Kinetic energies, MeV, of particles that come this far; 0 where that is nothing."""
        found = _read(self._log_kinetic, pid, range_cm, self._near, self._far)
        return np.where(range_cm > np.exp(self._near), found, 0.0)


@lru_cache(maxsize=1)
def ranges() -> Ranges:
    """Those restricted to collisions below :data:`HEAVIEST_DELTA`."""
    return Ranges(HEAVIEST_DELTA)


def _ranges(kinetic: Array, mass: float, electron: bool, cut: float) -> Array:
    loss = electron_loss(kinetic) if electron else heavy_loss(kinetic, mass, cut)
    step = np.diff(np.log(kinetic))
    rate = kinetic / loss
    # Below the table the loss goes with the square root of the energy.
    first = 2 * kinetic[0] / loss[0]
    return np.concatenate([[first], first + np.cumsum((rate[1:] + rate[:-1]) / 2 * step)])


def _read(table: Array, row: NDArray[np.integer], at: Array, low: float, high: float) -> Array:
    points = table.shape[1]
    place = (np.log(np.maximum(at, 1e-30)) - low) * ((points - 1) / (high - low))
    place = np.clip(place, 0, points - 1.000001)
    left = place.astype(np.intp)
    flat, start = table.ravel(), row * points + left
    value = flat[start]
    return np.asarray(np.exp(value + (flat[start + 1] - value) * (place - left)))
