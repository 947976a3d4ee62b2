"""When the electrons of tracks arrive, to begin with: by the times of the leading pads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["arrivals_of"]

Array = NDArray[np.float64]

_LATE = 0.99  # peaking times: how long after its electrons a leading pad is highest
_ASTRAY_NS, _ASTRAY_MEDIANS = 100.0, 3.0  # a time so far off, the larger of both, says nothing
_ROUNDS = 3
_LEAST = 1e-9


def arrivals_of(tracks: Tracks, length_mm: Array, peaking_ns: float) -> tuple[Array, Array]:
    """Straight lines through the times of leading pads along the tracks.

    Args:
        tracks: Their clusters.
        length_mm: From the first cluster to the last, (N,).
        peaking_ns: Of the electronics.

    Returns:
        When the electrons of the first cluster arrive, ns, and how much later others do, ns/mm,
        (N,) each; NaN and 0 where no time is known.
    """
    time, path = tracks.clusters.time_ns, tracks.fit.scattered.path_mm
    known = tracks.clusters.present & ~np.isnan(time)
    some = known.any(1)
    first = np.where(some, np.where(known, path, np.inf).min(1), 0.0)
    place = (path - first[:, None]) / length_mm[:, None]
    time = np.where(known, time, 0.0)
    weight = known.astype(np.float64)
    for _ in range(_ROUNDS):
        start, turn = _line(place, time, weight)
        off = np.abs(time - start[:, None] - turn[:, None] * place)
        middle = np.zeros(len(off))
        middle[some] = np.nanmedian(np.where(known, off, np.nan)[some], axis=1)
        near = off <= np.maximum(_ASTRAY_NS, _ASTRAY_MEDIANS * middle)[:, None]
        weight = (known & near).astype(np.float64)
    return np.where(some, start - _LATE * peaking_ns, np.nan), turn / length_mm


def _line(place: Array, time: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted least squares: value at 0 and slope, (N,) each."""
    total = np.maximum(weight.sum(1), _LEAST)
    middle, mean = (weight * place).sum(1) / total, (weight * time).sum(1) / total
    off = place - middle[:, None]
    spread = (weight * off**2).sum(1)
    slope = (weight * off * time).sum(1) / np.maximum(spread, _LEAST)
    slope = np.where(spread > _LEAST, slope, 0.0)
    return mean - slope * middle, slope
