"""Small pieces of all numbers: ratios that may not be defined, and per cent."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.api import Number

__all__ = ["MACRO_F1", "f1_name", "mean_known", "percent", "ratio", "voxel_distance"]

Floats = NDArray[np.float64]

MACRO_F1 = "macro F1"
"""The number that decides."""


def f1_name(kind: str) -> str:
    """Name of the F1 of a class."""
    return f"{kind} F1"


def ratio(part: Any, whole: Any) -> Floats:
    """``part / whole``, float64; NaN where the whole is 0."""
    part, whole = np.broadcast_arrays(
        np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    )
    found: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return found


def mean_known(values: Any) -> float:
    """Mean of those that are defined; NaN of none."""
    values = np.asarray(values, dtype=np.float64)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def percent(name: str, value: Any, better: Literal["lower", "higher"] = "higher") -> Number:
    """A share in per cent; no worse if it loses less than one percentage point."""
    return Number(
        name=name, value=100 * float(value), unit="%", better=better, margin=1.0, absolute=True
    )


def voxel_distance(name: str, value: float) -> Number:
    """A distance in voxels, the smaller the better."""
    return Number(name=name, value=value, unit="voxel")
