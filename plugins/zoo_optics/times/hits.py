"""Hits of flashes as a network learns from them, and which data are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged, Table
from zoo_optics.physics.detector import detector_of
from zoo_optics.reconstruction.timing import residual

__all__ = ["HIT_FIELDS", "Clock", "Hits", "clock_of", "fit_clock", "hit_targets", "hits_of"]

Array = NDArray[np.float64]

HIT_FIELDS = frozenset({"hit_sensor", "hit_time"})


@dataclass(frozen=True)
class Clock:
    """What is known of the times of a data set.

    Attributes:
        group_index: c over the speed of a pulse of light.
        window_ns: First and last time at which hits are recorded, from the start of the light.
        dark: Dark hits expected of a sensor in it.
    """

    group_index: float
    window_ns: tuple[float, float]
    dark: float


@dataclass(frozen=True)
class Hits:
    """All hits of some flashes, one after another.

    Attributes:
        flash: int64 (H,), row of the flash.
        sensor: int64 (H,).
        time_ns: float64 (H,), from the start of the light.
        late_ns: float64 (H,), ``t - R n_g / c``.
        distance_cm: float64 (H,), R.
    """

    flash: NDArray[np.int64]
    sensor: NDArray[np.int64]
    time_ns: Array
    late_ns: Array
    distance_cm: Array


def clock_of(facts: Mapping[str, Any], constants: Mapping[str, Any] | None = None) -> Clock:
    """Of the facts of the data, and of constants that were fitted.

    The window is that of the facts, else the one of :func:`fit_clock`. Dark hits are known only
    where the facts tell their rate.

    Raises:
        DataError: If the facts do not tell the speed of light.
    """
    if "group_index" not in facts:
        raise DataError(
            str(facts.get("note", "the data tell no hit times, or not how fast light is")),
            where="model.time: the fact group_index",
            remedy="set model.time = false; or take flashes of cherenkov, or files of hits with "
            "data.options.start_ns and data.options.group_index",
        )
    fitted = (constants or {}).get("time_window_ns", (0.0, 0.0))
    low, high = (0.0, float(facts["window_ns"])) if "window_ns" in facts else map(float, fitted)
    dark = float(facts.get("dark_khz", 0.0)) * 1e-6 * (high - low)
    return Clock(float(facts["group_index"]), (low, high), dark)


def fit_clock(facts: Mapping[str, Any], training: Iterable[Table]) -> dict[str, Any]:
    """Constants of the training split: the window, where the facts do not tell it.

    Reads no more than it needs.

    Raises:
        DataError: If there are no hits, or the times of every flash are all the same.
    """
    clock_of(facts)
    low, high, differ = np.inf, -np.inf, False
    for samples in training:
        _require_fields(samples)
        times: Ragged = samples["hit_time"]
        if len(times.values):
            low = min(low, float(times.values.min()))
            high = max(high, float(times.values.max()))
        several = np.flatnonzero(times.lengths > 1).tolist()
        differ = differ or any(np.ptp(times[row]) > 0 for row in several)
        if differ and "window_ns" in facts:
            return {}
    if low > high or not (differ or high > low):
        raise DataError(
            "no flash has a hit" if low > high else "the hit times of each flash are all the same",
            where="model.time: hit_time of the training split",
            remedy="set model.time = false, or take data whose times were recorded",
        )
    return {} if "window_ns" in facts else {"time_window_ns": [low, high]}


def hits_of(samples: Table, facts: Mapping[str, Any], clock: Clock) -> Hits:
    """The hits of samples with ``position`` and the fields of hits.

    Raises:
        DataError: If a hit is of no sensor of the detector.
    """
    sensor = samples["hit_sensor"].values.astype(np.int64)
    place = detector_of(facts).sensors.position_cm
    if len(sensor) and not 0 <= sensor.min() <= sensor.max() < len(place):
        raise DataError(
            f"hits of sensors {sensor.min()} to {sensor.max()}, the detector has 0 to "
            f"{len(place) - 1}",
            where="hit_sensor",
            remedy="give the geometry that the data were made with",
        )
    flash = np.repeat(np.arange(samples.rows), samples["hit_sensor"].lengths)
    time = samples["hit_time"].values.astype(np.float64)
    distance = np.linalg.norm(place[sensor] - samples["position"][flash].astype(np.float64), axis=1)
    late = residual(time, np.zeros(1), distance, clock.group_index)
    return Hits(flash, sensor, time, late, distance)


def hit_targets(samples: Table, facts: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    """What the loss compares with.

    Returns:
        ``pair_flash`` and ``pair_sensor`` int64 (P,), the pairs that have hits, each once;
        ``hit_pair`` int64 (H,), the pair of each hit; ``hit_late`` float32 (H,), its residual, ns;
        ``hit_flat`` float32 (H,), density of what is spread evenly, 1/ns, 0 outside of the window.
    """
    hits = hits_of(samples, facts, clock)
    sensors = len(detector_of(facts).sensors)
    pairs, hit_pair = np.unique(hits.flash * sensors + hits.sensor, return_inverse=True)
    return {
        "pair_flash": pairs // sensors,
        "pair_sensor": pairs % sensors,
        "hit_pair": hit_pair.reshape(-1),
        "hit_late": hits.late_ns.astype(np.float32),
        "hit_flat": flat_density(hits.time_ns, clock).astype(np.float32),
    }


def flat_density(time_ns: Array, clock: Clock) -> Array:
    """Of what is spread evenly over the window, 1/ns."""
    low, high = clock.window_ns
    inside = (time_ns >= low) & (time_ns <= high)
    return np.where(inside, 1 / max(high - low, 1e-9), 0.0)


def _require_fields(samples: Table) -> None:
    for name in sorted(HIT_FIELDS):
        if name not in samples:
            raise DataError(
                "the data have no hit times",
                where=f"model.time: {name}",
                remedy="set model.time = false, or take data whose times were recorded",
            )
