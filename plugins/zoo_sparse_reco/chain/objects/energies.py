"""Kinetic energies: of range, and of range and energy together which particle it was.

Ranges are those of the continuous slowing down approximation, with the whole energy loss
(:class:`~zoo_sparse_reco.physics.stopping.Ranges`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.stopping import Ranges

__all__ = [
    "energy_by_range",
    "kind_of_shower",
    "kind_of_track",
    "one_kind",
]

Array = NDArray[np.float64]

_TRACKS = (Pid.MUON, Pid.PROTON)
_SPREAD = 0.15
_CONVERSION = 0.3  # relative spread of dE/dx at the start of a shower
_ELECTRON, _PAIR = 2.1, 4.2  # MeV/cm: one and two particles of least ionisation


@lru_cache(maxsize=1)
def _ranges() -> Ranges:
    return Ranges()


def energy_by_range(length_cm: float, pid: int) -> float:
    """Kinetic energy of a particle that stops after this length, MeV; NaN of a photon or none."""
    if pid <= Pid.PHOTON or length_cm <= 0:
        return float("nan")
    return float(_ranges().kinetic(np.array([length_cm]), np.array([pid]))[0])


def kind_of_track(energy_mev: float, length_cm: float, *, contained: bool) -> Array:
    """Probabilities (6,) of the kinds of a track, from its energy and its range alone.

    Muons and protons are told apart by the ratio of the energy that was left to the one that the
    range asks for, normally distributed in its logarithm with a width of 0.15. Pions look like
    muons, kaons are rare: neither is ever named. A track that leaves is a muon.
    """
    if not contained or length_cm <= 0 or energy_mev <= 0:
        return one_kind(Pid.MUON)
    ratio = np.array([energy_mev / energy_by_range(length_cm, kind) for kind in _TRACKS])
    return _shares(_TRACKS, np.log(ratio) / _SPREAD)


def kind_of_shower(semantic: int, dedx_mev_cm: float) -> Array:
    """Probabilities (6,) of photon and electron, from the energy loss where a shower starts.

    A photon makes a pair, twice the loss of one electron. Michel electrons and delta rays are
    electrons.

    Args:
        semantic: Class of the particle.
        dedx_mev_cm: Loss over the first centimetres; NaN: unknown.
    """
    if semantic in (Semantic.MICHEL, Semantic.DELTA):
        return one_kind(Pid.ELECTRON)
    if not dedx_mev_cm > 0:
        return _shares((Pid.PHOTON, Pid.ELECTRON), np.zeros(2))
    ratio = np.log(dedx_mev_cm / np.array([_PAIR, _ELECTRON]))
    return _shares((Pid.PHOTON, Pid.ELECTRON), ratio / _CONVERSION)


def one_kind(kind: int) -> Array:
    """Certainty."""
    found = np.zeros(len(Pid))
    found[kind] = 1.0
    return found


def _shares(kinds: tuple[Pid, ...], pull: Array) -> Array:
    """Of normal distributions with these pulls."""
    weight = np.exp(-(pull**2 - (pull**2).min()) / 2)
    found = np.zeros(len(Pid))
    found[list(kinds)] = weight / weight.sum()
    return found
