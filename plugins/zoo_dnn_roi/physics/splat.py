"""Depositing electron clouds on the (wire, tick) plane: vectorised Gaussian patches.

Each cloud becomes a small patch whose cells hold the integrals of a two-dimensional Gaussian, the
product of two differences of normal distribution functions. A patch reaches at least ``REACH``
standard deviations (as far as the widest of its chunk) and is normalised to the charge of its
cloud; what lies outside the window is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_dnn_roi.physics.drift import Drifted
from zoo_dnn_roi.physics.geometry import Plane

__all__ = ["REACH", "Spots", "Window", "bounding_window", "deposit", "project"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

REACH = 3.0
"""Half-width of a patch in standard deviations."""

_CELLS_PER_CHUNK = 1 << 20  # bounds the memory of the patches in flight
_SIGMA_FLOOR = 1e-3  # a point charge lands in one cell


@dataclass(frozen=True, eq=False, slots=True)
class Spots:
    """Clouds projected on a plane, float64 (clouds,): centres and widths in wires and ticks."""

    wire: Float64Array
    tick: Float64Array
    sigma_wires: Float64Array
    sigma_ticks: Float64Array
    electrons: Float64Array


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the (wire, tick) plane; ``first_tick`` may be negative."""

    first_wire: int
    wires: int
    first_tick: int
    ticks: int


def project(
    clouds: Drifted, plane: Plane, smear_wires: float = 0.0, smear_ticks: float = 0.0
) -> Spots:
    """Project clouds on a plane.

    Args:
        clouds: Electron clouds on the response plane.
        plane: The plane.
        smear_wires: Further transverse smearing, added in quadrature, wires.
        smear_ticks: Further longitudinal smearing, added in quadrature, ticks.
    """
    return Spots(
        wire=plane.wire(clouds.y, clouds.z),
        tick=clouds.tick,
        sigma_wires=np.hypot(clouds.sigma_mm / plane.pitch_mm, smear_wires),
        sigma_ticks=np.hypot(clouds.sigma_ticks, smear_ticks),
        electrons=clouds.electrons,
    )


def bounding_window(spots: Spots, limit: Window) -> Window | None:
    """Smallest window that holds all patches inside the limit; None when there are none."""
    wire_reach = REACH * spots.sigma_wires + 1
    tick_reach = REACH * spots.sigma_ticks + 1
    last_wire, last_tick = limit.first_wire + limit.wires, limit.first_tick + limit.ticks
    inside = (spots.wire + wire_reach > limit.first_wire) & (spots.wire - wire_reach < last_wire)
    inside &= (spots.tick + tick_reach > limit.first_tick) & (spots.tick - tick_reach < last_tick)
    if not inside.any():
        return None
    low_wire = max(limit.first_wire, int((spots.wire - wire_reach)[inside].min()))
    high_wire = min(last_wire, int((spots.wire + wire_reach)[inside].max()) + 1)
    low_tick = max(limit.first_tick, int(np.floor((spots.tick - tick_reach)[inside].min())))
    high_tick = min(last_tick, int((spots.tick + tick_reach)[inside].max()) + 1)
    return Window(low_wire, high_wire - low_wire, low_tick, high_tick - low_tick)


def deposit(spots: Spots, window: Window, bins_per_wire: int = 1) -> Float32Array:
    """Electrons per cell of a window.

    Args:
        spots: Projected clouds.
        window: The rectangle to fill.
        bins_per_wire: Cells per wire.

    Returns:
        float32 (bins_per_wire, wires, ticks), electrons; bin b of wire w covers the wire
        coordinates [w + b / bins_per_wire, w + (b + 1) / bins_per_wire).
    """
    grid = np.zeros((bins_per_wire, window.wires, window.ticks), dtype=np.float32)
    row = (spots.wire - window.first_wire) * bins_per_wire
    sigma_row = np.maximum(spots.sigma_wires * bins_per_wire, _SIGMA_FLOOR)
    tick = spots.tick - window.first_tick
    sigma_tick = np.maximum(spots.sigma_ticks, _SIGMA_FLOOR)
    # Clouds of like width share a chunk, whose patches all have the size of the widest.
    order = np.argsort(sigma_row * sigma_tick)
    if not order.size:
        return grid
    patch = (_cells(sigma_row.max()) + 1) * (_cells(sigma_tick.max()) + 1)
    for chunk in np.array_split(order, -(-order.size * patch // _CELLS_PER_CHUNK)):
        rows, weights = _gaussian(row[chunk], sigma_row[chunk], window.wires * bins_per_wire)
        ticks, charge = _gaussian(tick[chunk], sigma_tick[chunk], window.ticks)
        charge *= spots.electrons[chunk, None].astype(np.float32)
        lines = (rows % bins_per_wire * window.wires + rows // bins_per_wire) * window.ticks
        cells = lines[:, :, None] + ticks[:, None, :]
        values = weights[:, :, None] * charge[:, None, :]
        np.add.at(grid.reshape(-1), cells.reshape(-1), values.reshape(-1))
    return grid


def _cells(sigma: float) -> int:
    """Cells of a patch that reaches REACH sigma to both sides of any point of a cell."""
    return int(np.ceil(2 * REACH * sigma)) + 1


def _gaussian(
    centre: Float64Array, sigma: Float64Array, length: int
) -> tuple[IntArray, Float32Array]:
    """Cells and weights of one-dimensional patches.

    Returns:
        Cell indices int64 (clouds, width), clipped to the axis, and float32 weights, 0 where the
        cell is off the axis; before that they sum to 1 for each cloud.
    """
    width = _cells(float(sigma.max()))
    start = np.floor(centre - width / 2 + 0.5).astype(np.int64)
    edges = start[:, None] + np.arange(width + 1)
    weights = np.diff(ndtr((edges - centre[:, None]) / sigma[:, None]), axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    cells = edges[:, :-1]
    weights[(cells < 0) | (cells >= length)] = 0
    return np.clip(cells, 0, length - 1), weights.astype(np.float32)
