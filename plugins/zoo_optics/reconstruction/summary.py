"""How far fits are from the truth, and whether their errors are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["degrees_between", "pulls", "spread", "summarise"]

Array = NDArray[np.float64]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 68 % quantile of distances."""
    return {
        "median": float(np.median(values)),
        "68 %": float(np.quantile(np.asarray(values, np.float64), 0.68)),
    }


def pulls(found: Array, truth: Array, error: Array) -> dict[str, float]:
    """Mean and RMS width of ``(found - truth) / error``, and their own standard errors.

    Args:
        found: (N,).
        truth: (N,).
        error: (N,), positive.
    """
    values = (found - truth) / error
    count = max(len(values), 1)
    width = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {
        "mean": float(values.mean()),
        "width": width,
        "mean error": width / np.sqrt(count),
        "width error": width / np.sqrt(2 * max(count - 1, 1)),
    }


def degrees_between(one: Array, other: Array) -> float:
    """Angle between two vectors (3,), degrees; precise for small ones too."""
    across = np.linalg.norm(np.cross(one, other))
    return float(np.rad2deg(np.arctan2(across, one @ other)))


def summarise(
    events: Sequence[Mapping[str, Any]], distances: Mapping[str, str], errors: Sequence[str]
) -> dict[str, Any]:
    """One summary of all events.

    Args:
        events: One mapping each: ``seconds``, ``cpu_seconds``, ``converged``, and what is named
            below.
        distances: Key of a distance in the events to its unit.
        errors: Names of which an event has ``name``, ``name_true`` and ``name_error``.
    """
    told: dict[str, Any] = {"events": len(events)}
    if not events:
        return told
    told["converged"] = sum(bool(event["converged"]) for event in events)
    for name, unit in distances.items():
        values = [event[name] for event in events if name in event]
        if values:
            told[name] = {**spread(values), "unit": unit}
    told["pulls"] = {
        name: pulls(*(_column(events, f"{name}{part}") for part in ("", "_true", "_error")))
        for name in errors
        if f"{name}_true" in events[0]
    }
    for name in ("seconds", "cpu_seconds"):
        took = _column(events, name)
        told[name] = {"mean": float(took.mean()), "largest": float(took.max())}
    return told


def _column(events: Sequence[Mapping[str, Any]], name: str) -> Array:
    return np.array([event[name] for event in events], dtype=np.float64)
