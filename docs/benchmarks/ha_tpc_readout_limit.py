"""How much of short tracks the pads can tell at all: python docs/benchmarks/ha_tpc_readout_limit.py

The oracle knows where the electrons of every slice arrived; pads see sums. For tracks of the gun
shorter than 400 mm this works out the error of the curvature of the best estimate that is linear in
what all pads report, by their charges alone and by charges, times and widths, and that of the best
from the true places; beside them, what the fits reach on the same tracks. That no estimate at all
could be better is not said: one that is not linear might guess better how the track ionised. If it
knew, it would have the error of the column "ionisation known".

Pads see sums over steps of the track. What makes them fluctuate: ionisation (clusters of up to
``LARGEST`` electrons; larger ones are seen as such, and weighed down), avalanches (Polya, theta =
1), diffusion of the steps' means across the track, noise. Pads below the threshold tell nothing.
The estimate is generalised least squares with that covariance (Gauss and Markov: no linear one is
better), about the true track, of known length, drift and time. The equations of pads are those of
the fit (``zoo_ha_tpc.charge_fit.pads``). Scattering is in all three.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from zoo.api import Predictor, Table
from zoo_ha_tpc.baselines import ChargeFit, OracleFit, TrackFit
from zoo_ha_tpc.charge_fit import ChargeFitConfig
from zoo_ha_tpc.charge_fit.electrons import Electrons
from zoo_ha_tpc.charge_fit.pads import Reports, equations_of
from zoo_ha_tpc.charge_fit.response import REACH, Layer, response_of
from zoo_ha_tpc.charge_fit.sampling import sampling_of
from zoo_ha_tpc.charge_fit.shares import shares_of
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA
from zoo_ha_tpc.fitting.config import OracleFitConfig, TrackFitConfig
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.scattering import angle_variance, kink_paths
from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.ionisation import cluster_sizes
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.specs import SAMPLE
from zoo_ha_tpc.track_lengths import extent_of, positions

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TRACKS, LONGEST_MM, SEED, CALIBRATING = 2500, 400.0, 1 << 40, 3000
STEP_MM, LARGEST, KINKS = 1.0, 100, 8
P_T = (0.2, 0.4, 0.7, 1.0, 1.5)
DRIFTS, ANGLES = (0, 50, 100, 250, 500, 1100), (0, 30, 45, 61)
TRUTH = frozenset({"q_over_pt", "phi", "tan_lambda", "x_ini", "y_ini", "z_ini"})
FINE_NS = np.arange(100, 2300, 1.0)

GUN = Gun(GunConfig(start="face"))
CONFIG, PLANE, MODULES = GUN.config, GUN.plane, Modules(GUN.plane)
CHARGES = Charges(
    CONFIG.electronics.noise_electrons * ELECTRON_FC * ADC_PER_FC,
    CONFIG.electronics.threshold_adc,
    float(CONFIG.electronics.largest_adc),
)
SAMPLING = sampling_of(
    CONFIG.electronics.noise, CONFIG.electronics.sampling_ns, CONFIG.electronics.peaking_ns
)
RESPONSE = response_of(
    Layer(
        CONFIG.modules.rc_ns_mm2,
        CONFIG.modules.gain,
        CONFIG.gas.transverse_um_cm,
        CONFIG.electronics.peaking_ns,
    ),
    (PLANE.z.pitch_mm, PLANE.y.pitch_mm),
    PLANE.drift_mm,
)


def short_tracks() -> tuple[Table, Array]:
    """Tracks of the gun, and their lengths on the plane."""
    keys = np.arange(40 * TRACKS, dtype=np.uint64) + np.uint64(SEED)
    truth = GUN.simulate(keys, TRUTH)
    length = extent_of({name: truth[name] for name in TRUTH}, PLANE).length_mm
    short = np.flatnonzero(length < LONGEST_MM)[:TRACKS]
    return GUN.simulate(keys[short], frozenset(SAMPLE)), length[short]


def ionisation() -> tuple[float, float]:
    """Mean and variance of the number of electrons of a step."""
    sizes, clusters = cluster_sizes(LARGEST), CONFIG.gas.clusters_per_mm * STEP_MM
    number = np.arange(len(sizes))
    return clusters * float(sizes @ number), clusters * float(sizes @ number**2)


def stretch(z: Array, y: Array) -> Stretches:
    """All pads that see a track, as one stretch."""
    near = [
        np.abs(place - centre[:, None]).min(1) < REACH * axis.pitch_mm
        for place, centre, axis in ((y, PLANE.y_mm, PLANE.y), (z, PLANE.z_mm, PLANE.z))
    ]
    row, column = (one.ravel()[None] for one in np.meshgrid(*map(np.flatnonzero, near)))
    nothing = np.zeros(row.shape)
    return Stretches(
        track=np.zeros(1, int),
        middle_mm=np.zeros(1),
        length_mm=np.ones(1),
        present=np.ones(row.shape, bool),
        row=row,
        column=column,
        path_mm=nothing,
        time_ns=nothing,
        height=nothing,
    )


def weights_of(pads: Stretches, nodes: Array, timed: bool) -> tuple[Array, BoolArray]:
    """Weights of the equations of loud pads (pads, equations, nodes), and which pads those are."""
    wave = nodes @ RESPONSE.pulse(0, FINE_NS).T
    loud = wave.max(1) > CHARGES.threshold
    wave, nodes = wave[loud], nodes[loud]
    high = wave > wave.max(1)[:, None] / 2
    width = FINE_NS[len(FINE_NS) - 1 - high[:, ::-1].argmax(1)] - FINE_NS[high.argmax(1)]
    time, nothing = FINE_NS[wave.argmax(1)][None], np.full((1, len(wave)), np.nan)
    columns = {
        name: getattr(pads, name)[:, loud]
        for name in ("present", "row", "column", "path_mm", "height")
    }
    found = equations_of(
        RESPONSE,
        CHARGES,
        Stretches(pads.track, pads.middle_mm, pads.length_mm, time_ns=time, **columns),
        Electrons(*(np.zeros(1) for _ in range(4))),
        Reports(wave.max(1)[None], time if timed else nothing, width[None] if timed else nothing),
        sampling=SAMPLING,
        mean=nodes[None],
        relative=0.0,
    )
    return found.weights[0], loud


def errors(track: dict[str, float], length_mm: float) -> tuple[float, ...]:
    """Relative errors of 1/p_t.

    From the true places, from charges, from times and widths too, and if the ionisation were known.
    """
    bend = CURVATURE_PER_TESLA * PLANE.field_tesla * track["q_over_pt"]
    along = (np.arange(length_mm / STEP_MM) + 0.5) * STEP_MM
    z, y = positions(track, along, PLANE.field_tesla)
    under = MODULES.under(z, y)
    on = under.on_pad
    z, y, along = z[on], y[on], along[on]
    pads, drift = stretch(z, y), np.array([track["x_ini"]])
    share, across = (
        one[0].astype(np.float64)
        for one in shares_of(
            PLANE,
            RESPONSE,
            pads,
            RESPONSE.drift_bin(drift),
            z_mm=z[None],
            y_mm=y[None],
            phi=(track["phi"] + bend * along)[None],
            module=under.module[on][None],
        )
    )
    mean, variance = ionisation()
    spread = float(RESPONSE.spread(np.maximum(drift, 1e-3))[0])
    kinks = kink_paths(np.array([length_mm]), KINKS)[0][:, None]
    shapes = np.stack([np.ones_like(along), along, along**2 / 2, *np.maximum(along - kinks, 0)])
    told = [shapes @ shapes.T * mean / spread]
    for timed, uneven in ((False, variance), (True, variance), (True, 0.0)):
        weights, loud = weights_of(pads, mean * share.sum(1), timed)
        value, move = (
            np.einsum("prk,psk->spr", weights, one[loud]).reshape(len(along), -1)
            for one in (share, across)
        )
        covariance = (uneven + mean / 2) * value.T @ value + np.eye(value.shape[1])
        covariance += mean * spread * move.T @ move
        design = mean * shapes @ move
        told.append(design @ np.linalg.solve(covariance, design.T))
    prior = np.diag(np.r_[0, 0, 0, np.full(KINKS, KINKS / scattering(track, length_mm))])
    curvature = [np.sqrt(np.linalg.inv(one + prior)[2, 2]) for one in told]
    return tuple(float(one / abs(bend)) for one in curvature)


def scattering(track: dict[str, float], length_mm: float) -> float:
    """Variance of the angle over a track."""
    variance = angle_variance(
        np.array([track["q_over_pt"]]),
        np.array([length_mm]),
        TrackFitConfig().mass_gev,
        1e3 * CONFIG.gas.radiation_length_m,
    )
    return float(variance[0]) * length_mm


def s68_of(sigma: Array) -> float:
    """Half the width that holds 68.27 % of Gaussian residuals of these errors together."""
    return float(brentq(lambda half: (2 * ndtr(half / sigma) - 1).mean() - 0.6827, 1e-6, 100.0))


def reached(tracks: Table) -> dict[str, Array]:
    """Relative residuals of 1/p_t of the fits, (N,)."""
    keys = np.arange(CALIBRATING, dtype=np.uint64)
    calibrating = GUN.simulate(keys, frozenset(SAMPLE))
    fits: dict[str, Predictor] = {
        "`oracle-fit`": OracleFit(OracleFitConfig(), GUN.facts),
        "`charge-fit`": ChargeFit(ChargeFitConfig(), GUN.facts),
        "`track-fit`": TrackFit(TrackFitConfig(), GUN.facts),
    }
    found = {}
    for name, fit in fits.items():
        fit.fit(iter([calibrating]))
        told = fit.predict(tracks)["q_over_pt"].astype(np.float64)
        found[name] = told / tracks["q_over_pt"] - 1
    return found


def main() -> None:
    """Two tables: by p_t, with what the fits reach; and by drift and angle."""
    tracks, length = short_tracks()
    rows = [{name: float(tracks[name][i]) for name in TRUTH} for i in range(tracks.rows)]
    best = np.array([errors(row, float(one)) for row, one in zip(rows, length, strict=True)])
    fits, p_t = reached(tracks), 1 / np.abs(tracks["q_over_pt"].astype(np.float64))
    table(
        "p_t [GeV/c]",
        ["tracks", "places", "charges", "and times and widths", "ionisation known", *fits],
    )
    for low, high in itertools.pairwise(P_T):
        some = (p_t >= low) & (p_t < high)
        limits = [100 * s68_of(one[some]) for one in best.T]
        fitted = [100 * np.quantile(np.abs(one[some]), 0.6827) for one in fits.values()]
        line(f"{low:g} to {high:g}", [str(some.sum()), *(f"{one:.1f}" for one in limits + fitted)])
    angle, drift = np.degrees(np.abs(tracks["phi"])), tracks["x_ini"]
    bins = list(itertools.pairwise(ANGLES))
    table("drift [mm]", [f"{low} to {high} degrees" for low, high in bins])
    for low, high in itertools.pairwise(DRIFTS):
        cells = []
        for first, last in bins:
            some = (drift >= low) & (drift < high) & (angle >= first) & (angle < last)
            places, charges, times, _ = (s68_of(one) for one in (best[some] / p_t[some, None]).T)
            cells.append(f"{charges / places:.2f} / {times / places:.2f}")
        line(f"{low} to {high}", cells)


def table(first: str, columns: list[str]) -> None:
    """Begin a table."""
    line(first, columns)
    sys.stdout.write("|---" * (len(columns) + 1) + "|\n")


def line(first: str, cells: list[str]) -> None:
    """A line of it."""
    sys.stdout.write(f"| {first} | " + " | ".join(cells) + " |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
