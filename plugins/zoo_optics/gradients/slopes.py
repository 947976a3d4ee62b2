"""Difference quotients of the logarithm of the visibility, and how far models are off in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLOPE_BINS", "SlopeError", "slope_errors", "slopes"]

Array = NDArray[np.float64]

SLOPE_BINS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)
"""Edges of the bins of the true visibility."""

_RESAMPLES = 200


@dataclass(frozen=True)
class SlopeError:
    """Relative error of gradients in a bin of the true visibility.

    Attributes:
        low, high: Edges of the bin.
        pairs: Pairs of point and sensor.
        median: Median of ``|f - g| / |g|`` of found and true gradients f and g.
        median_interval: Its 95 % interval over points.
        rms: ``sqrt(sum |f - g|^2 / sum |g|^2)``.
        rms_interval: Likewise.
    """

    low: float
    high: float
    pairs: int
    median: float
    median_interval: tuple[float, float]
    rms: float
    rms_interval: tuple[float, float]

    def told(self) -> Mapping[str, Any]:
        """As JSON; what is not known is null."""
        values = {**self.__dict__, "median_interval": [*self.median_interval]}
        values["rms_interval"] = [*self.rms_interval]
        known = {name: value for name, value in values.items() if np.isfinite(value).all()}
        return {**dict.fromkeys(values), **known}


def slopes(visibility: Callable[[Array], Array], position_cm: Array, step_cm: float) -> Array:
    """Central differences of ``log v``, float64 (N, sensors, 3), 1/cm; NaN where v is not positive.

    The truth and all models are asked at the same points, float32 as samples have them, so that
    their quotients are of the same differences. Of a table that is linear between the middles of
    its voxels it is the gradient, except where the step crosses one.

    Args:
        visibility: Points (N, 3), cm, to (N, sensors).
        position_cm: Where.
        step_cm: To either side.
    """
    found = []
    for axis in np.eye(3):
        ends = [(position_cm + sign * step_cm * axis).astype(np.float32) for sign in (1, -1)]
        over, under = (visibility(end.astype(np.float64)) for end in ends)
        way = (ends[0].astype(np.float64) - ends[1]).sum(axis=1)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = (np.log(over) - np.log(under)) / way
        found.append(np.where((over > 0) & (under > 0), quotient, np.nan))
    return np.stack(found, axis=2)


def slope_errors(found: Array, truth: Array, visibility: Array) -> list[SlopeError]:
    """Relative errors of gradients by the true visibility.

    Pairs whose true gradient is not known are left out. Where a model has none (a table knows only
    zeros there) it counts as flat, which is an error of 100 %.

    Args:
        found: (N, sensors, 3), of a model.
        truth: (N, sensors, 3).
        visibility: (N, sensors), true.
    """
    size = np.linalg.norm(truth, axis=2)
    off = np.linalg.norm(np.where(np.isfinite(found), found, 0.0) - truth, axis=2)
    known = np.isfinite(off) & (size > 0)
    return [
        _in_bin(off, size, known & (visibility >= low) & (visibility < high), (low, high))
        for low, high in pairwise(SLOPE_BINS)
    ]


def _in_bin(
    off: Array, size: Array, inside: NDArray[np.bool_], edges: tuple[float, float]
) -> SlopeError:
    if not inside.any():
        nan = (np.nan, np.nan)
        return SlopeError(*edges, 0, np.nan, nan, np.nan, nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = [(o[i] / s[i]) for o, s, i in zip(off, size, inside, strict=True)]
    squares = np.where(inside, off**2, 0).sum(axis=1), np.where(inside, size**2, 0).sum(axis=1)
    drawn = np.random.default_rng(0).integers(len(off), size=(_RESAMPLES, len(off)))
    medians = [_median([relative[row] for row in rows]) for rows in drawn]
    with np.errstate(invalid="ignore"):
        ratios = np.sqrt(squares[0][drawn].sum(axis=1) / squares[1][drawn].sum(axis=1))
    return SlopeError(
        *edges,
        int(inside.sum()),
        _median(relative),
        _interval(np.array(medians)),
        float(np.sqrt(squares[0].sum() / squares[1].sum())),
        _interval(ratios),
    )


def _median(parts: list[Array]) -> float:
    joined = np.concatenate(parts)
    return float(np.median(joined)) if joined.size else float("nan")


def _interval(values: Array) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
