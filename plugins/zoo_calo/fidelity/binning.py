"""Strata of energy, and bins of numbers of one shower: fixed ones, which no sample moves.

Bins of visible energy and hits are equal steps of the logarithm of the number per GeV of the
particle. A step is 4 % over the root of the stratum's energy in GeV, about a quarter of the
width that a sampling calorimeter of 16 %/sqrt(E) has, so that a peak fills about thirty bins as
in the published comparisons, whatever the sampling fraction; it is 0.4 % at least, as constant
terms are no smaller. Bins that nobody fills cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENERGY_EDGES", "STRATA", "Bins", "cog_bins", "hit_bins", "response_bins", "stratum_of"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]

ENERGY_EDGES = (
    0.0,
    1.5,
    2.5,
    4.5,
    5.5,
    7.5,
    8.5,
    15,
    25,
    45,
    55,
    75,
    85,
    120,
    250,
    500,
    1001,
    5000,
)
"""Of the strata, GeV: around 2, 5 and 8, and around 20, 50 and 80, as published, and between."""

STRATA = len(ENERGY_EDGES) - 1

_STEP = 0.04
_SMALLEST_STEP = 0.004
_COG_BINS = 75  # 0.4 layers of 30: 50 bins from 5 to 25, as in arXiv:2005.05334


def stratum_of(energy_gev: Array) -> Places:
    """(N,), the stratum of each energy; beyond the last edge, the last."""
    place = np.searchsorted(ENERGY_EDGES, np.asarray(energy_gev, np.float64), side="right") - 1
    return place.clip(0, STRATA - 1).astype(np.intp)


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of all strata, one stratum after another; each begins with one for what is too low.

    Attributes:
        first: (strata + 1,) intp, place of the first bin of each.
        low: What the first step begins at, after ``log`` if that is set.
        step: (strata,), width of a bin.
        log: Whether steps are of the logarithm.
    """

    first: Places
    low: float
    step: Array
    log: bool

    @property
    def stratum(self) -> Places:
        """(B,), of every bin."""
        return np.repeat(np.arange(len(self.step)), np.diff(self.first))

    def places(self, values: Array, stratum: Places) -> Places:
        """(N,), the bin of each value: the lowest one for NaN, the highest for what is too high."""
        values = np.asarray(values, np.float64)
        if self.log:
            values = np.log(np.where(values > 0, values, np.nan))
        place = np.floor((values - self.low) / self.step[stratum]) + 1
        highest = np.diff(self.first)[stratum] - 1
        within: Places = np.nan_to_num(place, nan=0.0).clip(0, highest).astype(np.intp)
        return self.first[stratum] + within


@cache
def response_bins() -> Bins:
    """Of visible energy per energy of the particle, from 1e-4 to 3."""
    return _logarithmic(1e-4, 3.0)


@cache
def hit_bins() -> Bins:
    """Of hits per GeV, from 0.05 to 10,000."""
    return _logarithmic(0.05, 1e4)


@cache
def cog_bins(layers: int) -> Bins:
    """Of the centre of gravity, in layers."""
    step = np.full(STRATA, layers / _COG_BINS)
    return Bins(np.arange(STRATA + 1) * (_COG_BINS + 1), 0.0, step, log=False)


def _logarithmic(low: float, high: float) -> Bins:
    middle = (np.asarray(ENERGY_EDGES[:-1]) + ENERGY_EDGES[1:]) / 2
    step = np.maximum(_STEP / np.sqrt(middle), _SMALLEST_STEP)
    counts = np.ceil(np.log(high / low) / step).astype(np.intp) + 1
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    return Bins(first, float(np.log(low)), step, log=True)
