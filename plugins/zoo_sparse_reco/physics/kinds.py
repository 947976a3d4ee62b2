"""Kinds of particles: numbers of the Particle Data Group, and the classes of schemes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.labels import SCHEMES, Pid, Semantic
from zoo_sparse_reco.physics.liquid_argon import MASS

__all__ = ["hip_mip_of", "is_nucleus", "kinetic_mev", "pid_of"]

_PID: Mapping[int, Pid] = {
    22: Pid.PHOTON,
    11: Pid.ELECTRON,
    13: Pid.MUON,
    211: Pid.PION,
    2212: Pid.PROTON,
    321: Pid.KAON,
}


def pid_of(pdg: NDArray[Any]) -> NDArray[np.int8]:
    """:class:`Pid` of particles and antiparticles by their PDG numbers; -1: of no such kind."""
    known = np.abs(np.asarray(pdg, np.int64))
    found = np.full(known.shape, -1, np.int8)
    for number, pid in _PID.items():
        found[known == number] = pid
    return found


def is_nucleus(pdg: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether PDG numbers are those of nuclei, 10LZZZAAAI."""
    found: NDArray[np.bool_] = np.asarray(pdg, np.int64) > 1_000_000_000
    return found


def kinetic_mev(momentum: NDArray[Any], pid: NDArray[Any]) -> NDArray[np.float32]:
    """Kinetic energies (n,) of momenta (n,), MeV/c, by kind; 0 where the mass is not known."""
    table = np.array([*MASS[: len(Pid)], np.inf])  # the last one is that of -1
    mass = table[np.asarray(pid, np.int64)]
    known = np.isfinite(mass)
    held = np.where(known, mass, 0.0)
    total = np.hypot(np.asarray(momentum, np.float64), held)
    return np.where(known, total - held, 0.0).astype(np.float32)


def hip_mip_of(
    semantic: NDArray[Any], pid: NDArray[Any], heavy: NDArray[Any] | None = None
) -> NDArray[np.int8]:
    """Classes of the scheme ``hip-mip`` of those of the scheme ``spine``.

    Tracks of protons are highly ionising, all other tracks are not (arXiv:1903.05663). That scheme
    has no class of low energy: what scatters off showers belongs to them.

    Args:
        semantic: (n,), scheme ``spine``; ghosts and unknown stay.
        pid: (n,), :class:`Pid`.
        heavy: (n,), whether a nucleus or another fragment left the energy; ``None``: nowhere.
    """
    names = SCHEMES["hip-mip"]
    found = np.asarray(semantic, np.int8).copy()
    highly = np.asarray(pid) == Pid.PROTON
    if heavy is not None:
        highly = highly | heavy
    track = semantic == Semantic.TRACK
    low = semantic == Semantic.LOW_ENERGY
    recoil = low & (heavy if heavy is not None else np.zeros(low.shape, bool))
    for name, of in (
        ("hip", (track & highly) | recoil),
        ("mip", track & ~highly),
        (
            "shower",
            (semantic == Semantic.SHOWER) | (low & ~recoil),
        ),
        ("delta", semantic == Semantic.DELTA),
        ("michel", semantic == Semantic.MICHEL),
    ):
        found[of] = names.index(name)
    return found
