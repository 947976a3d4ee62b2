"""When the electrons of tracks arrive, by the times of leading pads, and so how far they drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drift", "arrival_lines", "drift_of"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_LATE = 0.99  # peaking times: how long after its electrons a leading pad is highest
_ASTRAY_NS, _ASTRAY_MEDIANS = 100.0, 3.0  # a time so far off, the larger of both, says nothing
_ROUNDS = 3
_LEAST = 1e-9
_PEAKING_NS = 412.0  # of the detector's chips, where the facts do not say


def arrival_lines(
    place: Array, time_ns: Array, leading: BoolArray, peaking_ns: float
) -> tuple[Array, Array]:
    """Straight lines through the times of leading pads along N tracks.

    Args:
        place: Of each pad along its track, of the order of one, (N, M).
        time_ns: When its pulse is highest, NaN where unknown.
        leading: Which of them count.
        peaking_ns: Of the electronics.

    Returns:
        When the electrons at place 0 arrive, ns, and how much later those at 1 do, (N,) each; NaN
        and 0 where no time is known.
    """
    known = leading & ~np.isnan(time_ns)
    some, time = known.any(1), np.where(known, time_ns, 0.0)
    weight = known.astype(np.float64)
    for _ in range(_ROUNDS):
        start, turn = _line(place, time, weight)
        off = np.abs(time - start[:, None] - turn[:, None] * place)
        middle = np.zeros(len(off))
        middle[some] = np.nanmedian(np.where(known, off, np.nan)[some], axis=1)
        near = off <= np.maximum(_ASTRAY_NS, _ASTRAY_MEDIANS * middle)[:, None]
        weight = (known & near).astype(np.float64)
    return np.where(some, start - _LATE * peaking_ns, np.nan), turn


def _line(place: Array, time: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted least squares: value at 0 and slope, (N,) each."""
    total = np.maximum(weight.sum(1), _LEAST)
    middle, mean = (weight * place).sum(1) / total, (weight * time).sum(1) / total
    off = place - middle[:, None]
    spread = (weight * off**2).sum(1)
    slope = (weight * off * time).sum(1) / np.maximum(spread, _LEAST)
    slope = np.where(spread > _LEAST, slope, 0.0)
    return mean - slope * middle, slope


@dataclass(frozen=True)
class Drift:
    """How times tell the drift, where they count from the crossing of the track.

    Attributes:
        mm_us: Speed.
        peaking_ns: Of the electronics.
    """

    mm_us: float
    peaking_ns: float = _PEAKING_NS

    def along(
        self, path_mm: Array, time_ns: Array, leading: BoolArray, length_mm: Array
    ) -> tuple[Array, Array]:
        """Drift at the start of N tracks, mm, NaN where unknown, and how much it grows per mm.

        Args:
            path_mm: Of each pad along its track, (N, M).
            time_ns: When its pulse is highest.
            leading: Which of them count.
            length_mm: Of the tracks, (N,).
        """
        length = np.maximum(length_mm, 1.0)
        place = path_mm / length[:, None]
        start, later = arrival_lines(place, time_ns, leading, self.peaking_ns)
        return 1e-3 * self.mm_us * start, 1e-3 * self.mm_us * later / length


def drift_of(facts: Mapping[str, Any]) -> Drift | None:
    """What the facts of data say: ``gas`` and ``electronics``, as the gun has them."""
    speed = facts.get("gas", {}).get("drift_mm_us")
    if not speed:
        return None
    return Drift(float(speed), float(facts.get("electronics", {}).get("peaking_ns", _PEAKING_NS)))
