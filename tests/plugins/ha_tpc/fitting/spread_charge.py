"""Tracks of known truth for tests of the fit: arcs of charge, a Gaussian spread over pads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from zoo.api import Ragged, Table
from zoo_ha_tpc.physics.pad_plane import PadPlane

Array = NDArray[np.float64]
STEP_MM = 3.0
REACH = 3


@dataclass(frozen=True)
class Truth:
    """Where N tracks start, their direction, and charge over transverse momentum."""

    z_mm: Array
    y_mm: Array
    phi: Array
    q_over_pt: Array


@dataclass(frozen=True)
class Charge:
    """How charge arrives: width in mm, ADC per mm, noise and threshold in ADC."""

    sigma_mm: float = 4.0
    per_mm: float = 55.0
    fluctuates: bool = True
    scatters: bool = True
    noise: float = 4.4
    threshold: float = 25.0


def paths(plane: PadPlane, truth: Truth, charge: Charge, rng: Any, steps: int = 640) -> Any:
    """Places (N, steps) along each track, and which lie on the plane before it first leaves."""
    curvature = 0.299792458e-3 * plane.field_tesla * truth.q_over_pt
    turn = np.zeros((len(curvature), steps))
    if charge.scatters:
        energy_over_p = np.sqrt(1 + (0.1056583755 * truth.q_over_pt) ** 2)
        width = 0.0136 * np.abs(truth.q_over_pt) * energy_over_p * np.sqrt(STEP_MM / 115e3)
        turn = rng.normal(size=turn.shape) * width[:, None]
    phi = truth.phi[:, None] + curvature[:, None] * STEP_MM * (np.arange(steps) + 0.5)
    phi = phi + np.cumsum(turn, 1) - turn
    z = truth.z_mm[:, None] + STEP_MM * (np.cumsum(np.cos(phi), 1) - np.cos(phi) / 2)
    y = truth.y_mm[:, None] + STEP_MM * (np.cumsum(np.sin(phi), 1) - np.sin(phi) / 2)
    inside = (z > 0) & (z < plane.z.length_mm) & (np.abs(y) < plane.y.length_mm / 2)
    return z, y, np.cumprod(inside, 1).astype(bool)


def shares(place: Array, low: Array, pitch: float, sigma: float) -> tuple[Any, Array]:
    """Pads around each place (P,), (P, 2 REACH + 1), and the part of a Gaussian on each."""
    nearest = np.clip(np.searchsorted(low, place) - 1, 0, len(low) - 1)
    pads = nearest[:, None] + np.arange(-REACH, REACH + 1)
    edge = low[np.clip(pads, 0, len(low) - 1)]
    scale = np.sqrt(2) * sigma
    part = erf((edge + pitch - place[:, None]) / scale) - erf((edge - place[:, None]) / scale)
    return pads.clip(0, len(low) - 1), np.where((pads >= 0) & (pads < len(low)), part / 2, 0.0)


def samples(plane: PadPlane, truth: Truth, charge: Charge, seed: int = 1) -> Table:
    """Hits and truth of N tracks."""
    rng = np.random.default_rng(seed)
    z, y, inside = paths(plane, truth, charge, rng)
    track = np.nonzero(inside)[0]
    amount = np.full(len(track), charge.per_mm * STEP_MM)
    if charge.fluctuates:
        amount = amount * rng.gamma(1.5, 1 / 1.5, len(track))
    y_low = plane.y_mm - plane.y.pitch_mm / 2
    z_low = plane.z_mm - plane.z.pitch_mm / 2
    columns, in_z = shares(z[inside], z_low, plane.z.pitch_mm, charge.sigma_mm)
    rows, in_y = shares(y[inside], y_low, plane.y.pitch_mm, charge.sigma_mm)
    cells = (track[:, None, None] * plane.y.pads + rows[:, :, None]) * plane.z.pads
    cells = cells + columns[:, None, :]
    parts = amount[:, None, None] * in_y[:, :, None] * in_z[:, None, :]
    shape = (len(truth.phi), *plane.shape)
    seen = np.bincount(cells.ravel(), parts.ravel(), minlength=int(np.prod(shape))).reshape(shape)
    seen = np.where(seen > 0, seen + rng.normal(size=shape) * charge.noise, 0.0).round()
    event, row, column = np.nonzero(seen >= charge.threshold)
    offsets = np.searchsorted(event, np.arange(shape[0] + 1)).astype(np.int64)
    found = np.minimum(seen[event, row, column], 4095)
    return Table(
        {
            "id": np.arange(shape[0], dtype=np.uint64),
            "hit_row": Ragged(row.astype(np.uint8), offsets),
            "hit_column": Ragged(column.astype(np.uint8), offsets),
            "hit_charge": Ragged(found.astype(np.uint16), offsets),
            "q_over_pt": truth.q_over_pt.astype(np.float32),
            "phi": truth.phi.astype(np.float32),
            "y_ini": truth.y_mm.astype(np.float32),
            "z_ini": truth.z_mm.astype(np.float32),
        }
    )


def tracks(plane: PadPlane, number: int, seed: int, steepest: float = 1.5) -> Truth:
    """Tracks that start inside the plane, log-uniform in p_t from 0.2 to 2 GeV/c, towards +z."""
    rng = np.random.default_rng(seed)
    p_t = 0.2 * 10 ** rng.random(number)
    return Truth(
        rng.uniform(20, 0.8 * plane.z.length_mm, number),
        rng.uniform(-0.45, 0.45, number) * plane.y.length_mm,
        rng.uniform(-steepest, steepest, number),
        np.where(rng.random(number) < 0.5, -1, 1) / p_t,
    )
