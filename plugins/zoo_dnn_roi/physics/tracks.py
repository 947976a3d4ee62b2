"""Muon tracks in liquid argon: straight lines of fluctuating energy loss, and cosmic-ray events.

Energy loss: a step of length d deposits on average 2.1 MeV/cm (a minimum-ionising muon; Particle
Data Group, Passage of particles through matter). Its fluctuation is drawn from the Moyal density,
the closed approximation of Landau's (J. E. Moyal, Phil. Mag. 46 (1955) 263), of scale
xi = 0.1535 MeV cm2/g (Z/A) density d. A Moyal variate is -ln(g^2) for a standard normal g, with
mean gamma + ln 2. Its tail is shorter than Landau's, and delta rays stay in the step that made
them.

Electrons: a step's energy over 23.6 eV per ion pair, times the recombination factor of the modified
box model at 0.5 kV/cm (R. Acciarri et al. (ArgoNeuT), JINST 8 (2013) P08005).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.geometry import Detector

__all__ = [
    "MIP_MEV_CM",
    "box_recombination",
    "cosmic_muons",
    "energy_loss",
    "ionisation",
    "muon_track",
    "visible_energy",
]

Float64Array = NDArray[np.float64]

MIP_MEV_CM = 2.1
"""Mean energy loss of a minimum-ionising muon in liquid argon, MeV/cm."""

_DENSITY = 1.396  # g/cm3
_XI_MEV_CM = 0.1535 * 18 / 39.948 * _DENSITY
_ION_PAIR_MEV = 23.6e-6
_MOYAL_MEAN = float(np.euler_gamma + np.log(2))


def box_recombination(mev_cm: Float64Array, field_kv_cm: float = 0.5) -> Float64Array:
    """Fraction of the electrons that escape recombination (modified box model).

    Args:
        mev_cm: Energy loss dE/dx, MeV/cm.
        field_kv_cm: Electric field, kV/cm.
    """
    alpha, beta = 0.930, 0.212  # 1 and (kV/cm)(g/cm2)/MeV: ArgoNeuT
    strength = beta * np.maximum(mev_cm, 1e-3) / (_DENSITY * field_kv_cm)
    # Below about 1 MeV/cm the fitted form leaves its validity; a fraction stays within 0 and 1.
    return np.clip(np.log(alpha + strength) / strength, 0.0, 1.0)


def energy_loss(steps: int, step_mm: float, rng: np.random.Generator | None) -> Float64Array:
    """Energy loss of a minimum-ionising muon, MeV, float64 (steps,).

    Args:
        steps: Number of steps.
        step_mm: Their length, mm.
        rng: Draws the fluctuations; None gives the mean in each step.
    """
    length_cm = step_mm / 10
    mean = np.full(steps, MIP_MEV_CM * length_cm)
    if rng is None:
        return mean
    moyal = -np.log(np.maximum(rng.standard_normal(steps) ** 2, 1e-12))
    return np.maximum(mean + _XI_MEV_CM * length_cm * (moyal - _MOYAL_MEAN), 0.0)


def ionisation(energy_mev: Float64Array, step_mm: float) -> Float64Array:
    """Electrons that escape recombination from steps of one length.

    Args:
        energy_mev: Energy loss in each step, MeV.
        step_mm: Length of the steps, mm.
    """
    return energy_mev / _ION_PAIR_MEV * box_recombination(energy_mev / (step_mm / 10))


def visible_energy(electrons: Float64Array) -> Float64Array:
    """Energy that minimum-ionising muons lose to leave these electrons, MeV.

    Args:
        electrons: Numbers of electrons after recombination, any shape.
    """
    escaped = box_recombination(np.array(MIP_MEV_CM))
    return electrons * _ION_PAIR_MEV / escaped


def muon_track(
    length_mm: float,
    theta_xz_deg: float,
    *,
    theta_y_deg: float = 0.0,
    centre_mm: tuple[float, float, float] = (1000.0, 0.0, 0.0),
    time_ns: float = 0.0,
    step_mm: float = 0.5,
    rng: np.random.Generator | None = None,
) -> Depos:
    """A straight muon.

    Along the track (s, theta_xz, theta_y) the coordinates are x = s cos(theta_y) sin(theta_xz),
    y = s sin(theta_y), z = s cos(theta_y) cos(theta_xz): theta_xz = 0 runs along the beam, parallel
    to the wire planes, and 90 degrees along the drift.

    Args:
        length_mm: Length, mm.
        theta_xz_deg: Angle in the plane of drift and beam, degrees.
        theta_y_deg: Elevation, degrees.
        centre_mm: (x, y, z) of the middle, mm.
        time_ns: When it passes, ns.
        step_mm: Distance of the depositions, mm.
        rng: Draws the energy loss; None gives every step the mean.

    Returns:
        One deposition in the middle of each step.

    Raises:
        ConfigError: The track is shorter than a step.
    """
    steps = round(length_mm / step_mm)
    if steps < 1:
        raise ConfigError(f"a track of {length_mm} mm in steps of {step_mm} mm", where="muon track")
    along = (np.arange(steps) - (steps - 1) / 2) * step_mm
    in_plane, up = np.deg2rad(theta_xz_deg), np.deg2rad(theta_y_deg)
    return Depos(
        x=centre_mm[0] + along * np.cos(up) * np.sin(in_plane),
        y=centre_mm[1] + along * np.sin(up),
        z=centre_mm[2] + along * np.cos(up) * np.cos(in_plane),
        time=np.full(steps, time_ns),
        electrons=ionisation(energy_loss(steps, step_mm, rng), step_mm),
    )


def cosmic_muons(
    detector: Detector,
    rng: np.random.Generator,
    *,
    muons: tuple[int, int] = (5, 20),
    step_mm: float = 1.0,
) -> Depos:
    """An event of cosmic-ray muons that cross the volume during and around the readout.

    Intensity goes as the squared cosine of the zenith angle. Each muon passes a point drawn
    uniformly in the volume, at a time drawn uniformly from one full drift before the readout to
    its end, so that some are cut by the borders of the readout.

    Args:
        detector: Gives the volume: what all planes see (of ProtoDUNE-HD a rhombus) times the drift
            length.
        rng: The only source of randomness.
        muons: Least and largest number of muons, both included.
        step_mm: Distance of the depositions, mm.

    Returns:
        The depositions over wires of all planes.

    Raises:
        ConfigError: The range of numbers is empty.
    """
    if not 0 <= muons[0] <= muons[1]:
        raise ConfigError(f"{muons[0]} to {muons[1]} muons", where="cosmic muons")
    count = int(rng.integers(muons[0], muons[1] + 1))
    half = np.array([detector.drift_length_mm / 2, *detector.half_size_mm])
    origin = rng.uniform(-half, half, (count, 3))
    direction = _cosmic_directions(count, rng)
    drift_ns = detector.drift_length_mm / detector.drift_speed_mm_us * 1e3
    time = rng.uniform(-drift_ns, detector.ticks * detector.tick_ns, count)
    # Distances along each line to the walls of the box around the volume, ahead and behind.
    with np.errstate(divide="ignore"):
        to_walls = (np.copysign(half, direction) - origin) / direction
        from_walls = (-np.copysign(half, direction) - origin) / direction
    start, stop = from_walls.max(axis=1), to_walls.min(axis=1)
    steps = np.floor((stop - start) / step_mm).astype(np.int64)
    muon = np.repeat(np.arange(count), steps)
    index = np.arange(steps.sum()) - np.repeat(np.cumsum(steps) - steps, steps)
    along = start[muon] + (index + 0.5) * step_mm
    x, y, z = (origin[muon] + along[:, None] * direction[muon]).T
    energy = energy_loss(len(muon), step_mm, rng)
    depos = Depos(x + half[0], y, z, time[muon], ionisation(energy, step_mm))
    return depos.take(detector.seen(y, z))


def _cosmic_directions(count: int, rng: np.random.Generator) -> Float64Array:
    """Downward unit vectors (count, 3) of an intensity that goes as cos^2 of the zenith angle."""
    cosine = rng.uniform(0, 1, count) ** (1 / 3)  # inverse of the cumulative cos^3
    sine = np.sqrt(1 - cosine**2)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    return np.stack([sine * np.cos(azimuth), -cosine, sine * np.sin(azimuth)], axis=1)
