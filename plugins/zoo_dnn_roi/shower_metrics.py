"""The start and the direction of a shower: reconstructed charge against the true one.

Both are taken from the charge near the shower: in the plane of wires and drift, in mm, ahead of its
vertex and at most ``REACH_MM`` beside its axis, within the windows of true charge (``metrics.py``).

The profile is the charge on each of the first ``PROFILE_WIRES`` wires, counted from the vertex on
in the direction in which the shower develops, as in the DNN-ROI talk. The direction is the
principal axis of the charge about the vertex: the eigenvector of the larger eigenvalue of the
charge-weighted second moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_dnn_roi.physics.runs import BoolArray, FloatArray
from zoo_dnn_roi.physics.showers import MOLIERE_MM

__all__ = [
    "NO_SHOWER",
    "PROFILE_WIRES",
    "REACH_MM",
    "SHOWER_FIELDS",
    "ShowerFrame",
    "ShowerSums",
    "measure_shower",
    "shower_frames",
]

Float64Array = NDArray[np.float64]

PROFILE_WIRES = 42
"""Wires of the profile: 20 cm, 1.4 radiation lengths."""

REACH_MM = 2 * MOLIERE_MM
"""Distance from the axis up to which charge is the shower's."""

LOST_DEG = 90.0
"""The angle of a shower of which nothing was found."""

SHOWER_FIELDS = frozenset({"shower_energy", "vertex_wire", "vertex_tick", "direction", "plane"})


@dataclass(frozen=True, slots=True)
class ShowerFrame:
    """Where a shower lies in a plane.

    Attributes:
        wire, tick: Of the vertex; wire i reaches from i to i + 1.
        across, along: Direction across the wires and along the drift, of any length.
        pitch_mm, tick_mm: Size of a cell, mm.
    """

    wire: float
    tick: float
    across: float
    along: float
    pitch_mm: float
    tick_mm: float

    def offsets(self, wires: int, ticks: int) -> tuple[Float64Array, Float64Array]:
        """Positions of the middles of cells from the vertex, (wires, 1) and (1, ticks), mm."""
        wire: Float64Array = (np.arange(wires, dtype=np.float64) + 0.5 - self.wire) * self.pitch_mm
        tick: Float64Array = (np.arange(ticks, dtype=np.float64) + 0.5 - self.tick) * self.tick_mm
        return wire[:, None], tick[None]

    def near(self, wires: int, ticks: int) -> BoolArray:
        """Bool (wires, ticks): ahead of the vertex and within ``REACH_MM`` of the axis."""
        length = float(np.hypot(self.across, self.along))
        wire, tick = self.offsets(wires, ticks)
        ahead = wire * self.across + tick * self.along
        beside = wire * self.along - tick * self.across
        # The vertex's own cell counts: its middle may lie just behind.
        behind = -float(np.hypot(self.pitch_mm, self.tick_mm)) * length
        found: BoolArray = (ahead >= behind) & (np.abs(beside) <= REACH_MM * length)
        return found


class ShowerSums(NamedTuple):
    """What is measured of one shower in one plane.

    Attributes:
        profile_true, profile_found: ``(PROFILE_WIRES,)``, electrons; zero beyond the plane.
        angle: Between the directions of true and reconstructed charge, 0 to 90 degrees.
    """

    profile_true: Float64Array
    profile_found: Float64Array
    angle: float


NO_SHOWER = ShowerSums(np.zeros(PROFILE_WIRES), np.zeros(PROFILE_WIRES), float("nan"))


def shower_frames(samples: Table, facts: Mapping[str, Any]) -> list[ShowerFrame | None]:
    """The shower of each row; None where it has none.

    Args:
        samples: With ``SHOWER_FIELDS``.
        facts: ``geometry`` and ``drift`` of the detector, and ``planes``, their names, where they
            are not U, V and W.

    Raises:
        DataError: The facts do not tell the size of a cell.
    """
    try:
        geometry = facts["geometry"]
        tick_mm = facts["drift"]["speed_mm_us"] * geometry["tick_ns"] * 1e-3
        names = facts.get("planes", "UVW")
        pitches = [geometry["pitch_mm"][names[int(plane)]] for plane in samples["plane"]]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"showers of a detector whose facts lack {error}",
            where="shower metrics",
            remedy="give 'geometry' (pitch_mm, tick_ns) and 'drift' (speed_mm_us) as facts",
        ) from error
    vertices = zip(samples["vertex_wire"], samples["vertex_tick"], strict=True)
    return [
        ShowerFrame(float(wire), float(tick), float(across), float(along), pitch, tick_mm)
        if np.isfinite([wire, tick, across, along]).all() and (across or along)
        else None
        for (wire, tick), (across, along), pitch in zip(
            vertices, samples["direction"], pitches, strict=True
        )
    ]


def measure_shower(
    truth: FloatArray, charge: FloatArray, window: BoolArray, frame: ShowerFrame
) -> ShowerSums:
    """Profile and direction of one plane.

    Args:
        truth: float32 (wires, ticks), electrons per tick.
        charge: Likewise, reconstructed.
        window: Bool (wires, ticks), near true charge.
        frame: Where the shower lies.
    """
    near = window & frame.near(*truth.shape)
    true, found = (np.where(near, values, 0) for values in (truth, charge))
    axes = _principal_axis(true, frame), _principal_axis(found, frame)
    return ShowerSums(_profile(true, frame), _profile(found, frame), _between(*axes))


def _profile(charge: FloatArray, frame: ShowerFrame) -> Float64Array:
    """Charge by wire from the vertex on, (PROFILE_WIRES,)."""
    by_wire = charge.sum(axis=1, dtype=np.float64)
    step = -1 if frame.across < 0 else 1
    wires = int(np.floor(frame.wire)) + step * np.arange(PROFILE_WIRES)
    inside = (wires >= 0) & (wires < len(by_wire))
    return np.where(inside, by_wire[np.where(inside, wires, 0)], 0.0)


def _principal_axis(charge: FloatArray, frame: ShowerFrame) -> float:
    """Angle of the axis to the direction across the wires, degrees; NaN without charge."""
    positive = np.maximum(charge, 0).astype(np.float64)
    if not positive.any():
        return float("nan")
    wire, tick = frame.offsets(*charge.shape)
    across = float(positive.sum(axis=1) @ wire[:, 0] ** 2)
    along = float(positive.sum(axis=0) @ tick[0] ** 2)
    mixed = float(wire[:, 0] @ positive @ tick[0])
    return float(np.rad2deg(0.5 * np.arctan2(2 * mixed, across - along)))


def _between(true: float, found: float) -> float:
    """Angle between two axes, which have no sign, 0 to 90 degrees."""
    if np.isnan(true):
        return float("nan")
    if np.isnan(found):
        return LOST_DEG
    difference = abs(true - found) % 180
    return min(difference, 180 - difference)
