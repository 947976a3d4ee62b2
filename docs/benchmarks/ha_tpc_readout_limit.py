"""How much of a track the pads can tell at all: python docs/benchmarks/ha_tpc_readout_limit.py

The oracle knows where the electrons of every slice arrived; pads see sums. For straight tracks this
compares the error of the curvature of the best estimate that is linear in what all pads report, by
their charges alone and by charges, times and widths, with that of the best from the true places.

Pads see sums over steps of the track. What makes them fluctuate: ionisation (clusters of up to
``LARGEST`` electrons; larger ones are seen as such, and weighed down), avalanches (Polya, theta =
1), diffusion of the steps' means across the track, noise. Pads below the threshold tell nothing.
The estimate is generalised least squares with that covariance (Gauss and Markov: no linear one is
better). The equations of pads are those of the fit (``zoo_ha_tpc.charge_fit.pads``).
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.electrons import Electrons
from zoo_ha_tpc.charge_fit.pads import Reports, equations_of
from zoo_ha_tpc.charge_fit.response import Layer, response_of
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.ionisation import cluster_sizes
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.sources.config import GunConfig

Array = NDArray[np.float64]

GUN, PLANE = GunConfig(), read_plane("ha-tpc")
PITCHES = (PLANE.z.pitch_mm, PLANE.y.pitch_mm)
LENGTH_MM, STEP_MM, LARGEST = 350.0, 1.0, 100
ANGLES, DRIFTS, PLACES = (5, 20, 37, 52), (50, 100, 300, 500, 800), 4
FINE_NS = np.arange(100, 2300, 1.0)
CHARGES = Charges(
    GUN.electronics.noise_electrons * ELECTRON_FC * ADC_PER_FC,
    GUN.electronics.threshold_adc,
    float(GUN.electronics.largest_adc),
)
RESPONSE = response_of(
    Layer(
        GUN.modules.rc_ns_mm2,
        GUN.modules.gain,
        GUN.gas.transverse_um_cm,
        GUN.electronics.peaking_ns,
    ),
    PITCHES,
    PLANE.drift_mm,
)


def ionisation() -> tuple[float, float]:
    """Mean and variance of the number of electrons of a step."""
    sizes, clusters = cluster_sizes(LARGEST), GUN.gas.clusters_per_mm * STEP_MM
    number = np.arange(len(sizes))
    return clusters * float(sizes @ number), clusters * float(sizes @ number**2)


def shares(z: Array, y: Array, phi: float, drift_mm: float) -> tuple[Array, Array]:
    """Of an electron of each step on each pad near the track, and derivatives across, 1/mm."""
    pads = [
        np.arange(np.floor(one.min() / pitch) - 3, one.max() / pitch + 4)
        for one, pitch in zip((z, y), PITCHES, strict=True)
    ]
    pad_z, pad_y = (one.ravel()[:, None] + 0.5 for one in np.meshgrid(*pads, indexing="ij"))
    drift = RESPONSE.drift_bin(np.array(drift_mm))
    of_z, by_z = RESPONSE.share(0, drift, z / PITCHES[0] - pad_z)
    of_y, by_y = RESPONSE.share(1, drift, y / PITCHES[1] - pad_y)
    across = of_z * by_y / PITCHES[1] * np.cos(phi) - by_z * of_y / PITCHES[0] * np.sin(phi)
    return (of_z * of_y).astype(np.float64), across.astype(np.float64)


def weights_of(nodes: Array, timed: bool) -> tuple[Array, NDArray[np.bool_]]:
    """Weights of the equations of loud pads (pads, equations, nodes), and which pads those are."""
    wave = nodes @ RESPONSE.pulse(0, FINE_NS).T
    loud = wave.max(1) > CHARGES.threshold
    wave, nodes = wave[loud], nodes[loud]
    high = wave > wave.max(1)[:, None] / 2
    width = FINE_NS[len(FINE_NS) - 1 - high[:, ::-1].argmax(1)] - FINE_NS[high.argmax(1)]
    time, nothing = FINE_NS[wave.argmax(1)][None], np.full((1, len(wave)), np.nan)
    rows = np.zeros((1, len(wave)), int)
    stretches = Stretches(
        track=np.zeros(1, int),
        middle_mm=np.zeros(1),
        length_mm=np.array([LENGTH_MM]),
        present=np.ones((1, len(wave)), bool),
        row=rows,
        column=rows,
        path_mm=np.zeros((1, len(wave))),
        time_ns=time,
        height=np.ones((1, len(wave))),
    )
    found = equations_of(
        RESPONSE,
        CHARGES,
        stretches,
        Electrons(*(np.zeros(1) for _ in range(4))),
        Reports(wave.max(1)[None], time if timed else nothing, width[None] if timed else nothing),
        mean=nodes[None],
        relative=0.0,
    )
    return found.weights[0], loud


def errors(phi_deg: float, drift_mm: float, start_mm: Array) -> tuple[float, float, float]:
    """Error of the curvature from the true places, from charges, and from times and widths too."""
    phi = np.radians(phi_deg)
    spread = (1e-3 * GUN.gas.transverse_um_cm) ** 2 * drift_mm / 10
    along = (np.arange(LENGTH_MM / STEP_MM) + 0.5) * STEP_MM - LENGTH_MM / 2
    share, across = shares(
        start_mm[0] + along * np.cos(phi), start_mm[1] + along * np.sin(phi), phi, drift_mm
    )
    mean, variance = ionisation()
    shapes = np.stack([np.ones_like(along), along, along**2 / 2])
    told = [shapes @ shapes.T * mean / spread]
    for timed in (False, True):
        weights, loud = weights_of(mean * share.sum(1), timed)
        value, move = (
            np.einsum("prk,psk->spr", weights, one[loud]).reshape(len(along), -1)
            for one in (share, across)
        )
        covariance = (variance + mean / 2) * value.T @ value + np.eye(value.shape[1])
        covariance += mean * spread * move.T @ move
        design = mean * shapes @ move
        told.append(design @ np.linalg.solve(covariance, design.T))
    return tuple(float(np.sqrt(np.linalg.inv(one)[2, 2])) for one in told)


def main() -> None:
    """The table: charges alone, then with times and widths."""
    rng = np.random.default_rng(1)
    sys.stdout.write("| drift [mm] | " + " | ".join(f"{a} degrees" for a in ANGLES) + " |\n")
    sys.stdout.write("|---" * (len(ANGLES) + 1) + "|\n")
    for drift in DRIFTS:
        cells = []
        for angle in ANGLES:
            starts = rng.uniform(0, 1, (PLACES, 2)) * PITCHES
            places, charges, times = np.array([errors(angle, drift, one) for one in starts]).T
            cells.append(f"{(charges / places).mean():.2f} / {(times / places).mean():.2f}")
        sys.stdout.write(f"| {drift} | " + " | ".join(cells) + " |\n")


if __name__ == "__main__":
    main()
