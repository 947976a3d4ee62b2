"""Energy of steps in voxels, with what the detector does to it on the way.

Recombination: the share of the charge that escapes, by Birks' law (S. Amoruso et al., ICARUS,
Nucl. Instrum. Meth. A523 (2004) 275) or the modified box model (R. Acciarri et al., ArgoNeuT, JINST
8 (2013) P08005). Their constants are those of larnd-sim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import normal
from zoo_sparse_reco.physics.draws import numbered
from zoo_sparse_reco.physics.liquid_argon import DENSITY, ELECTRONS_PER_MEV
from zoo_sparse_reco.physics.particles import Rows
from zoo_sparse_reco.physics.voxelise import cut_at_walls
from zoo_sparse_reco.physics.walking import Steps

__all__ = [
    "MODELS",
    "Detector",
    "Pieces",
    "birks",
    "electrons_per_mev",
    "modified_box",
    "pieces_of",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_MIP = 2.1
"""MeV/cm that charge is turned back to energy with, where recombination is simulated."""

_CLOUDS = 4  # a step diffuses as so many clouds
_SPREAD = 161  # tag


@dataclass(frozen=True, kw_only=True)
class Detector:
    """What happens to charge before it is recorded.

    Attributes:
        recombination: In :data:`MODELS`, or ``none``: all energy is seen.
        field_kv_cm: Drift field.
        lifetime_us: Of drifting electrons; infinite: none is lost.
        drift_cm_us: Speed of the drift, along x, towards x = 0.
        longitudinal_cm2_us: Diffusion along it.
        transverse_cm2_us: Across it.
    """

    recombination: str
    field_kv_cm: float
    lifetime_us: float
    drift_cm_us: float
    longitudinal_cm2_us: float
    transverse_cm2_us: float


@dataclass(frozen=True)
class Pieces(Rows):
    """Parts of steps, each in one voxel.

    Attributes:
        owner: int64 (n,), node.
        voxel: int64 (n, 3).
        energy: float64 (n,), MeV, as it is seen.
    """

    owner: Whole
    voxel: Whole
    energy: Array


def birks(loss: Array, field: float) -> Array:
    """Share of the charge that escapes, A / (1 + k dE/dx / (E rho)), by dE/dx, MeV/cm."""
    return np.asarray(0.8 / (1 + 0.0486 * loss / (field * DENSITY)))


def modified_box(loss: Array, field: float) -> Array:
    """ln(alpha + beta dE/dx / (E rho)) / (beta dE/dx / (E rho)), by dE/dx, MeV/cm."""
    scaled = np.maximum(0.207 * loss / (field * DENSITY), 1e-3)
    return np.asarray(np.clip(np.log(0.93 + scaled) / scaled, 0, 1))


MODELS: Mapping[str, Callable[[Array, float], Array]] = {"birks": birks, "box": modified_box}
"""Models of recombination."""


def electrons_per_mev(recombination: str, field_kv_cm: float) -> float:
    """Electrons that one MeV of recorded energy stands for."""
    if recombination == "none":
        return ELECTRONS_PER_MEV
    share = MODELS[recombination](np.array([_MIP]), field_kv_cm)
    return float(share[0] * ELECTRONS_PER_MEV)


def pieces_of(steps: Steps, voxel_cm: float, detector: Detector) -> Pieces:
    """Cut steps at the walls of voxels, or let them diffuse.

    Args:
        steps: Straight ones.
        voxel_cm: Edge of a voxel.
        detector: What happens on the way.
    """
    energy = steps.deposit
    if detector.recombination != "none":
        model = MODELS[detector.recombination]
        loss = steps.deposit / np.maximum(steps.length, 1e-6)
        mip = model(np.array([_MIP]), detector.field_kv_cm)
        energy = energy * model(loss, detector.field_kv_cm) / mip
    drift_us = np.maximum(steps.start[:, 0], 0) / detector.drift_cm_us
    if np.isfinite(detector.lifetime_us):
        energy = energy * np.exp(-drift_us / detector.lifetime_us)
    if detector.longitudinal_cm2_us or detector.transverse_cm2_us:
        return _diffused(steps, energy, drift_us, voxel_cm, detector)
    cuts = cut_at_walls(steps.start / voxel_cm, steps.end / voxel_cm)
    return Pieces(steps.owner[cuts.piece], cuts.voxel, energy[cuts.piece] * cuts.share)


def _diffused(
    steps: Steps, energy: Array, drift_us: Array, voxel_cm: float, detector: Detector
) -> Pieces:
    parts = []
    along = np.sqrt(2 * detector.longitudinal_cm2_us * drift_us)
    aside = np.sqrt(2 * detector.transverse_cm2_us * drift_us)
    sigma = np.stack([along, aside, aside], axis=1)
    for cloud in range(_CLOUDS):
        share = (cloud + 0.5) / _CLOUDS
        key = numbered(steps.key, np.full(len(energy), cloud), 2)
        place = steps.start + share * (steps.end - steps.start)
        place = place + sigma * normal(key, 3, tag=_SPREAD)
        voxel = np.floor(place / voxel_cm).astype(np.int64)
        parts.append(Pieces(steps.owner, voxel, energy / _CLOUDS))
    return Pieces.joined(parts)
