"""Numbers of hit times: the likelihood of a hit, and whether the distribution is the right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, xlogy

from zoo.api import Number, Table
from zoo_optics.physics.detector import Detector
from zoo_optics.times.hits import HIT_FIELDS, Hits, clock_of, hits_of
from zoo_optics.times.shapes import COLUMNS, Shape, shape_in

__all__ = ["EDGES_NS", "ZONES", "time_numbers", "time_sums", "zone_edges"]

Array = NDArray[np.float64]

_EARLY = (-1000.0, -300, -100, -30, -10, -5, -4)
_LATE = (6.0, 7, 8, 10, 12, 14, 17, 20, 24, 28, 34, 40, 48, 56, 68, 80, 110, 150, 200, 300, 1000)
EDGES_NS = np.concatenate([_EARLY, np.linspace(-3, 5, 33), _LATE])
"""Edges of the bins of residuals; what is outside counts in the first or last one."""

ZONES = 3
"""Bins of distance: to a quarter, to a half of the longest way in the volume, and beyond."""

_PAIRS = 1 << 13  # that are worked on at a time
_LEAST = 1e-12
_TINY = 1e-300


def zone_edges(detector: Detector) -> Array:
    """Edges of the bins of distance, cm, float64 (4,)."""
    longest = float(np.linalg.norm(detector.volume.high - detector.volume.low))
    return longest * np.array([0, 0.25, 0.5, 1])


def time_sums(
    samples: Table, predictions: Table, detector: Detector, facts: Mapping[str, Any]
) -> dict[str, Array]:
    """Sums over the hits of every flash; none where the data tell no times.

    Returns:
        ``time_hits`` (N,); ``time_seen`` (N, zones * bins), hits by distance and residual. Where
        the model tells times also ``time_nll`` (N,), nats; ``time_pull`` and ``time_pull_square``
        (N,), of normal deviates whose probability is that of the time; and ``time_told``
        (N, zones * bins), what the model expects of these hits.
    """
    if not (set(samples) >= HIT_FIELDS and "group_index" in facts):
        return {}
    hits = hits_of(samples, facts, clock_of(facts))
    zone = np.searchsorted(zone_edges(detector)[1:-1], hits.distance_cm)
    bins = np.searchsorted(EDGES_NS[1:-1], hits.late_ns, side="right")
    cells = (hits.flash * ZONES + zone) * _bins() + bins
    seen = np.bincount(cells, minlength=samples.rows * ZONES * _bins()).astype(np.float64)
    sums: dict[str, Array] = {
        "time_hits": samples["hit_sensor"].lengths.astype(np.float64),
        "time_seen": seen.reshape(samples.rows, -1),
    }
    if set(COLUMNS) <= set(predictions):
        sums |= _told(samples.rows, hits, zone, predictions)
    return sums


def time_numbers(rows: Table, total: Mapping[str, float]) -> list[Number]:
    """Numbers of the sums above; none where data tell no times, undefined of other models."""
    if "time_hits" not in rows:
        return []
    hits = total["time_hits"] or float("nan")
    known = "time_nll" in total
    nll, mean, square = (
        total[name] / hits if known else float("nan")
        for name in ("time_nll", "time_pull", "time_pull_square")
    )
    width = float(np.sqrt(max(square - mean**2, 0))) if known else float("nan")
    signed = {"better": "zero", "margin": 0.05, "absolute": True}
    return [
        Number(name="time NLL", value=nll, margin=0.05, absolute=True),
        Number(
            name="time gain",
            value=_constant_nll(rows) - nll,
            better="higher",
            margin=0.05,
            absolute=True,
        ),
        Number(name="time pull bias", value=mean, **signed),  # type: ignore[arg-type]
        Number(name="time pull width - 1", value=width - 1, **signed),  # type: ignore[arg-type]
    ]


def _constant_nll(rows: Table) -> float:
    """Of the best distribution that is the same for all hits, in the bins, nats a hit."""
    seen = rows["time_seen"].sum(axis=0).reshape(ZONES, -1).sum(axis=0)
    count = seen.sum()
    if not count:
        return float("nan")
    return float(-(xlogy(seen, seen / count) - seen * np.log(np.diff(EDGES_NS))).sum() / count)


def _told(rows: int, hits: Hits, zone: NDArray[np.int64], predictions: Table) -> dict[str, Array]:
    model = _Model(predictions)
    nll, pull = np.empty(len(hits.flash)), np.empty(len(hits.flash))
    told = np.zeros((rows, ZONES * _bins()))
    for part in _parts(len(hits.flash)):
        flash, sensor, late = hits.flash[part], hits.sensor[part], hits.late_ns[part]
        direct = hits.time_ns[part] - late
        nll[part] = -np.log(np.maximum(model.density(flash, sensor, late, direct), _TINY))
        below = model.cumulative(flash, sensor, late[:, None], direct)[:, 0]
        pull[part] = ndtri(np.clip(below, _LEAST, 1 - _LEAST))
        edges = np.broadcast_to(EDGES_NS[1:-1], (len(flash), _bins() - 1))
        inner = model.cumulative(flash, sensor, edges, direct)
        share = np.diff(inner, axis=1, prepend=0.0, append=1.0)
        told += _summed(rows, flash, zone[part], share)
    sums = {"time_nll": nll, "time_pull": pull, "time_pull_square": pull**2}
    by_flash: dict[str, Array] = {
        name: np.bincount(hits.flash, values, rows).astype(np.float64)
        for name, values in sums.items()
    }
    return by_flash | {"time_told": told}


class _Model:
    """The distribution of hits of a prediction: light, and what is spread evenly."""

    def __init__(self, predictions: Table) -> None:
        self.shape: Shape = shape_in(predictions)
        self.flat = predictions["time_flat"].astype(np.float64)
        self.window = predictions["time_window"].astype(np.float64)

    def density(
        self, flash: NDArray[np.int64], sensor: NDArray[np.int64], late: Array, direct: Array
    ) -> Array:
        """(H,), 1/ns, at residuals (H,) of pairs whose direct light takes ``direct`` ns."""
        low, high = self.window[flash].T
        inside = (late + direct >= low) & (late + direct <= high)
        even = np.where(inside, 1 / np.maximum(high - low, 1e-9), 0)
        flat = self.flat[flash, sensor]
        light: Array = self.shape.at((flash, sensor)).density(late)
        density: Array = (1 - flat) * light + flat * even
        return density

    def cumulative(
        self, flash: NDArray[np.int64], sensor: NDArray[np.int64], late: Array, direct: Array
    ) -> Array:
        """(H, K) of residuals (H, K)."""
        low, high = self.window[flash].T[..., None]
        even = np.clip((late + direct[:, None] - low) / np.maximum(high - low, 1e-9), 0, 1)
        flat = self.flat[flash, sensor][:, None]
        light: Array = self.shape.at((flash[:, None], sensor[:, None])).cumulative(late)
        below: Array = (1 - flat) * light + flat * even
        return below


def _summed(rows: int, flash: NDArray[np.int64], zone: NDArray[np.int64], values: Array) -> Array:
    """Sums (rows, zones * bins) of values (H, bins) of hits."""
    sums = np.zeros((rows * ZONES, values.shape[1]))
    np.add.at(sums, flash * ZONES + zone, values)
    return sums.reshape(rows, -1)


def _bins() -> int:
    return len(EDGES_NS) - 1


def _parts(count: int) -> Iterator[slice]:
    return (slice(first, first + _PAIRS) for first in range(0, count, _PAIRS))
