"""Electron showers in liquid argon: a parametrisation of their shape, not a Geant4 simulation.

A primary electron runs one radiation length straight on; the rest of its energy is spread over
short electron tracks, whose depths, distances from the axis and directions are drawn:

* depth: the Gamma density dE/dt ~ (b t)^(a - 1) exp(-b t) with b = 0.5 and its maximum at
  ln(E / Ec) - 0.5 radiation lengths (Particle Data Group, Passage of particles through matter,
  section on electromagnetic cascades);
* distance: a core and a halo, both of charge densities that fall exponentially, on the widths of
  ``CORE`` and ``HALO`` Moliere radii, narrower near the vertex. 90 % of the energy lies within one
  Moliere radius, as the Particle Data Group has it (92 % at 300 MeV, and 96 % at 100 MeV, of which
  little gets far from the vertex);
* direction: within some 40 degrees of the axis, more rarely further away.

Tracks lose energy, and electrons recombine, like those of muons (``tracks.py``). What a real shower
has beside: photons that convert far away, fluctuations of the depth from shower to shower, positron
annihilation, delta rays. Resolutions of energy or of particles cannot be learnt here; blobs, stubs
and gaps as they look to a finder of regions of interest can.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.tracks import MIP_MEV_CM, energy_loss, ionisation

__all__ = [
    "CRITICAL_ENERGY_MEV",
    "LOWEST_MEV",
    "MOLIERE_MM",
    "RADIATION_LENGTH_MM",
    "electron_shower",
    "longitudinal_shape",
]

Float64Array = NDArray[np.float64]

# Liquid argon, Particle Data Group, Atomic and nuclear properties of materials.
RADIATION_LENGTH_MM = 140.0
CRITICAL_ENERGY_MEV = 32.84
MOLIERE_MM = 90.4

LOWEST_MEV = 60.0
"""Below this energy the maximum of an electron's shower would lie before its vertex."""

CORE, HALO, IN_CORE = 0.215, 1.0, 0.92
"""Widths of core and halo, Moliere radii, and the share of the energy in the core."""

_B = 0.5
_ELECTRON = -0.5  # the maximum of a photon's shower lies one radiation length deeper
_TRUNK_MM = RADIATION_LENGTH_MM
_STEP_MM = 1.0
_STEPS = (10, 30)  # of a track, both included
_SPREAD = 0.2  # mean of 1 - cos(angle) of a track to the axis


def longitudinal_shape(energy_mev: float) -> tuple[float, float]:
    """Parameters (a, b) of the Gamma density of the depth in radiation lengths.

    Args:
        energy_mev: Energy of the electron, MeV.

    Raises:
        ConfigError: The energy is below ``LOWEST_MEV``.
    """
    if not energy_mev >= LOWEST_MEV:
        raise ConfigError(
            f"a shower of {energy_mev:g} MeV",
            where="electron shower",
            remedy=f"give at least {LOWEST_MEV:g} MeV: below that an electron makes no cascade",
        )
    return 1 + _B * (float(np.log(energy_mev / CRITICAL_ENERGY_MEV)) + _ELECTRON), _B


def electron_shower(
    energy_mev: float,
    direction: tuple[float, float, float],
    vertex_mm: tuple[float, float, float],
    rng: np.random.Generator,
    *,
    time_ns: float = 0.0,
) -> Depos:
    """The depositions of an electron and its shower, in steps of one millimetre.

    Args:
        energy_mev: Energy of the electron, MeV.
        direction: Its direction (x, y, z), of any length but zero.
        vertex_mm: Where it starts (x, y, z), mm.
        rng: The only source of randomness.
        time_ns: When, ns.

    Returns:
        Depositions without borders: the volume of a detector is for the caller to cut.

    Raises:
        ConfigError: The energy is below ``LOWEST_MEV``, or the direction is zero.
    """
    a, b = longitudinal_shape(energy_mev)
    axes = _axes(direction)
    # The trunk takes at most half: an electron of low energy does not run that far.
    trunk = _trunk(min(_TRUNK_MM, 5 * energy_mev / MIP_MEV_CM))
    rest = energy_mev - len(trunk) * _STEP_MM / 10 * MIP_MEV_CM
    tracks = round(rest / (MIP_MEV_CM * _STEP_MM / 10 * sum(_STEPS) / 2))
    depth = rng.gamma(a, 1 / b, tracks)
    points = np.concatenate([trunk, _tracks(depth, rng)])
    x, y, z = (np.asarray(vertex_mm) + points @ axes).T
    energy = energy_loss(len(points), _STEP_MM, rng)
    return Depos(x, y, z, np.full(len(points), time_ns), ionisation(energy, _STEP_MM))


def _axes(direction: tuple[float, float, float]) -> Float64Array:
    """Unit vectors along the shower and across it, rows of (3, 3)."""
    along = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(along))
    if not length > 0:
        raise ConfigError("the direction has no length", where="electron shower")
    along = along / length
    helper = np.eye(3)[np.argmin(np.abs(along))]
    across = np.cross(along, helper)
    across /= np.linalg.norm(across)
    return np.stack([along, across, np.cross(along, across)])


def _trunk(length_mm: float) -> Float64Array:
    """Steps of the primary electron, (steps, 3), in the frame of the shower, mm."""
    along = (np.arange(int(length_mm / _STEP_MM)) + 0.5) * _STEP_MM
    return np.stack([along, np.zeros_like(along), np.zeros_like(along)], axis=1)


def _tracks(depth: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Steps of short tracks around points of the shower, (steps, 3), in its frame, mm.

    Args:
        depth: Of the middle of each track, radiation lengths.
        rng: Draws distances, directions and lengths.
    """
    count = len(depth)
    radius, azimuth = _distance(depth, rng), rng.uniform(0, 2 * np.pi, count)
    middle = np.stack(
        [depth * RADIATION_LENGTH_MM, radius * np.cos(azimuth), radius * np.sin(azimuth)], axis=1
    )
    steps = rng.integers(_STEPS[0], _STEPS[1] + 1, count)
    track = np.repeat(np.arange(count), steps)
    index = np.arange(len(track)) - np.repeat(np.cumsum(steps) - steps, steps)
    along = (index - (steps[track] - 1) / 2) * _STEP_MM
    points: Float64Array = middle[track] + along[:, None] * _directions(count, rng)[track]
    return points


def _distance(depth: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Distance of each track from the axis, mm.

    A charge density that falls as exp(-r / w) has the distances of a Gamma density of shape 2. A
    shower widens from its vertex on; the width is reached after one or two radiation lengths.
    """
    width = np.where(rng.random(len(depth)) < IN_CORE, CORE, HALO) * MOLIERE_MM
    return rng.gamma(2.0, 1.0, len(depth)) * width * -np.expm1(-depth)


def _directions(count: int, rng: np.random.Generator) -> Float64Array:
    """Unit vectors (count, 3) about the first axis: density exp(cos / spread) on the sphere."""
    uniform = rng.random(count)
    cosine = 1 + _SPREAD * np.log(uniform + (1 - uniform) * np.exp(-2 / _SPREAD))
    sine, azimuth = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi, count)
    return np.stack([cosine, sine * np.cos(azimuth), sine * np.sin(azimuth)], axis=1)
