"""How much of a track the pads can tell at all: python docs/benchmarks/ha_tpc_readout_limit.py

The oracle knows where the electrons of every slice arrived; pads see sums. For straight tracks this
compares the error of the curvature of the best estimate that is linear in the charges of all pads
with that of the best from the true places, by angle and drift.

Charges are sums over steps of the track. What makes them fluctuate: ionisation (clusters of up to
``LARGEST`` electrons; larger ones are seen as such, and weighed down), avalanches (Polya, theta =
1), diffusion of the steps' means, noise. Pads below the threshold tell nothing. The estimate is
generalised least squares with that covariance (Gauss and Markov: no linear one is better).
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.special import ndtr

from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.eram import TAIL_NS, pulses
from zoo_ha_tpc.physics.ionisation import cluster_sizes
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.sources.config import GunConfig

Array = NDArray[np.float64]

GUN, PLANE = GunConfig(), read_plane("ha-tpc")
PITCHES = (PLANE.z.pitch_mm, PLANE.y.pitch_mm)
LENGTH_MM, STEP_MM, REACH, LARGEST = 350.0, 1.0, 3.0, 100
ANGLES, DRIFTS, PLACES = (5, 20, 37, 52), (50, 100, 300, 500, 800), 4


def largest_pulses(drift_mm: float) -> RectBivariateSpline:
    """The top of a pad's pulse of one electron, by its distances in pitches, ADC."""
    node = np.linspace(-REACH, REACH, 97)
    time = (np.arange(int(TAIL_NS / 20)) + 0.5) * 20
    spread = np.sqrt(2 * time / GUN.modules.rc_ns_mm2 + sigma(drift_mm) ** 2)
    z, y = (
        ndtr((0.5 - node)[:, None] * pitch / spread) - ndtr((-0.5 - node)[:, None] * pitch / spread)
        for pitch in PITCHES
    )
    tops = [pulses(one * y, 20.0, GUN.electronics.peaking_ns).max(1) for one in z]
    unit = GUN.modules.gain * ELECTRON_FC * ADC_PER_FC
    return RectBivariateSpline(node, node, unit * np.stack(tops))


def sigma(drift_mm: float) -> float:
    """Diffusion across the drift, mm."""
    return 1e-3 * GUN.gas.transverse_um_cm * float(np.sqrt(drift_mm / 10))


def errors(phi_deg: float, drift_mm: float, rng: np.random.Generator) -> tuple[float, float]:
    """Error of the curvature from the true places and from the pads."""
    phi, table = np.radians(phi_deg), largest_pulses(drift_mm)
    along = (np.arange(LENGTH_MM / STEP_MM) + 0.5) * STEP_MM - LENGTH_MM / 2
    start = rng.uniform(0, 1, 2) * PITCHES
    z, y = start[0] + along * np.cos(phi), start[1] + along * np.sin(phi)
    pads = [
        np.arange(np.floor(one.min() / pitch) - 3, one.max() / pitch + 4)
        for one, pitch in zip((z, y), PITCHES, strict=True)
    ]
    pad_z, pad_y = (one.ravel() for one in np.meshgrid(*pads, indexing="ij"))
    dz, dy = z[:, None] / PITCHES[0] - pad_z - 0.5, y[:, None] / PITCHES[1] - pad_y - 0.5
    near = (np.abs(dz) < REACH) & (np.abs(dy) < REACH)
    value, by_z, by_y = (
        np.where(near, table.ev(dz.clip(-REACH, REACH), dy.clip(-REACH, REACH), i, j), 0.0)
        for i, j in ((0, 0), (1, 0), (0, 1))
    )
    by_z, by_y = by_z / PITCHES[0], by_y / PITCHES[1]
    sizes = cluster_sizes(LARGEST)
    clusters, number = GUN.gas.clusters_per_mm * STEP_MM, np.arange(len(sizes))
    mean, variance = clusters * (sizes @ number), clusters * (sizes @ number**2)
    keep = mean * value.sum(0) > GUN.electronics.threshold_adc
    value, by_z, by_y = value[:, keep], by_z[:, keep], by_y[:, keep]
    noise = GUN.electronics.noise_electrons * ELECTRON_FC * ADC_PER_FC
    covariance = (variance + mean / 2) * value.T @ value + noise**2 * np.eye(keep.sum())
    covariance += mean * sigma(drift_mm) ** 2 * (by_z.T @ by_z + by_y.T @ by_y)
    shapes = np.stack([np.ones_like(along), along, along**2 / 2])
    design = mean * shapes @ (by_y * np.cos(phi) - by_z * np.sin(phi))
    pads_tell = design @ np.linalg.solve(covariance, design.T)
    places_tell = shapes @ shapes.T * mean / sigma(drift_mm) ** 2
    return tuple(float(np.sqrt(np.linalg.inv(one)[2, 2])) for one in (places_tell, pads_tell))


def main() -> None:
    rng = np.random.default_rng(1)
    sys.stdout.write("| drift [mm] | " + " | ".join(f"{a} degrees" for a in ANGLES) + " |\n")
    sys.stdout.write("|---" * (len(ANGLES) + 1) + "|\n")
    for drift in DRIFTS:
        ratios = []
        for angle in ANGLES:
            pairs = np.array([errors(angle, drift, rng) for _ in range(PLACES)])
            ratios.append((pairs[:, 1] / pairs[:, 0]).mean())
        sys.stdout.write(f"| {drift} | " + " | ".join(f"{one:.2f}" for one in ratios) + " |\n")


if __name__ == "__main__":
    main()
