"""Errors of the expected charges by distance to the sensor and by visibility, as sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Detector

__all__ = ["VISIBILITY_EDGES", "distance_edges", "probe_of", "profile_sums"]

Array = NDArray[np.float64]

VISIBILITY_EDGES = 10 ** np.linspace(-7, 0, 15)
"""Edges of the bins of visibility, two a decade."""

_DISTANCES = 16
_PAIRS = 1 << 20  # pairs of flash and sensor whose distance is computed at a time


def distance_edges(detector: Detector) -> Array:
    """Edges of the bins of distance, cm, float64 (17,): up to the longest in the volume."""
    volume = detector.volume
    longest = float(np.linalg.norm(volume.high - volume.low))
    return np.linspace(0, longest, _DISTANCES + 1)


def probe_of(detector: Detector, alive: NDArray[np.bool_] | None = None) -> int:
    """The sensor whose map is drawn: nearest to the middle of the side of largest x, not dead."""
    volume = detector.volume
    side = (volume.low + volume.high) / 2
    side[0] = volume.high[0]
    away = np.linalg.norm(detector.sensors.position_cm - side, axis=1)
    return int((away if alive is None else np.where(alive, away, np.inf)).argmin())


def profile_sums(
    detector: Detector,
    position_cm: Array,
    *,
    found: Array,
    truth: Array | None,
    deviance: Array,
    floor: Array,
    alive: NDArray[np.bool_] | None = None,
) -> dict[str, Array]:
    """Sums over the sensors of every flash, by distance and, with the truth, by visibility.

    Args:
        detector: The sensors.
        position_cm: (N, 3), of the flashes.
        found: (N, sensors), visibilities that are judged.
        truth: (N, sensors), true visibilities, or none.
        deviance: (N, sensors), of the charges about what is expected.
        floor: (N, sensors), what counting leaves of it.
        alive: (N, sensors), which sensors count (none: all); of others deviance and floor are 0.

    Returns:
        ``distance_deviance`` and ``distance_floor`` (N, 16); with the truth also ``pairs``,
        ``error`` and ``signed`` of both axes: how many sensors, and the sums of
        ``2 |p - t| / (p + t)`` and of ``2 (p - t) / (p + t)``. A sensor farther than the last edge
        counts in the last bin, one of a visibility outside of all bins in none.
    """
    apart = _distance_bins(detector, position_cm)
    sums = {
        "distance_deviance": _by_bin(apart, deviance, _DISTANCES),
        "distance_floor": _by_bin(apart, floor, _DISTANCES),
    }
    if truth is None:
        return sums
    signed = 2 * (found - truth) / (found + truth)
    alive = np.ones(found.shape, dtype=bool) if alive is None else alive
    signed = np.where(alive, signed, 0)
    bright = np.searchsorted(VISIBILITY_EDGES, truth, side="right") - 1
    for axis, bins, count in (
        ("distance", apart, _DISTANCES),
        ("visibility", bright, len(VISIBILITY_EDGES) - 1),
    ):
        sums[f"{axis}_pairs"] = _by_bin(bins, alive.astype(np.float64), count)
        sums[f"{axis}_error"] = _by_bin(bins, np.abs(signed), count)
        sums[f"{axis}_signed"] = _by_bin(bins, signed, count)
    return sums


def _distance_bins(detector: Detector, position_cm: Array) -> NDArray[np.int64]:
    sensors = detector.sensors.position_cm
    step = float(distance_edges(detector)[1])
    bins = np.empty((len(position_cm), len(sensors)), dtype=np.int64)
    rows = max(1, _PAIRS // len(sensors))
    for first in range(0, len(position_cm), rows):
        part = position_cm[first : first + rows]
        way = np.linalg.norm(part[:, None] - sensors, axis=2)
        bins[first : first + rows] = np.minimum(way / step, _DISTANCES - 1)
    return bins


def _by_bin(bins: NDArray[np.int64], values: Array, count: int) -> Array:
    """Sums of the values of every row by bin, float64 (N, count)."""
    rows = np.arange(len(bins))[:, None]
    inside = (bins >= 0) & (bins < count)
    flat = (rows * count + bins)[inside]
    total = np.bincount(flat, weights=values[inside], minlength=len(bins) * count)
    return total.reshape(len(bins), count).astype(np.float64)
