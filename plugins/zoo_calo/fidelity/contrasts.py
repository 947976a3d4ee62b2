"""Contrasts of showers: counted ones (a number a shower) and summed ones (a profile a shower).

Rows are showers. A row that stands several times, as in a bootstrap, is one shower with a weight:
``repeats`` tells how often it stands, and its square enters the variance that many times. Without
that a resample would look like new showers, and the mean over resamples of a corrected divergence
would lie a floor above the value itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_calo.fidelity.divergence import Contrast

__all__ = ["Counted", "Summed", "contrast_of_counts", "contrast_of_sums", "repeats_of"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def repeats_of(ids: NDArray[np.uint64]) -> Array:
    """(N,), how often the id of each row stands among them."""
    _, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
    return counts[place].astype(np.float64)


@dataclass(frozen=True)
class Counted:
    """One number of every shower, as the place of its bin.

    Attributes:
        place: (N,) intp, among the bins of all strata.
        repeats: (N,), see the module.
    """

    place: Places
    repeats: Array


@dataclass(frozen=True)
class Summed:
    """A profile of every shower.

    Attributes:
        values: (N, k), not negative.
        stratum: (N,) intp.
        repeats: (N,), see the module.
    """

    values: NDArray[np.floating]
    stratum: Places
    repeats: Array


def contrast_of_counts(
    reference: Counted, generated: Counted, stratum: Places, strata: int, *, paired: bool
) -> Contrast:
    """Histograms of one number a shower.

    Args:
        reference: N rows.
        generated: M rows; of pairs, N that belong to the same rows, stratum included.
        stratum: (B,), of every bin.
        strata: How many.
        paired: Whether rows are pairs.
    """
    r, g = (_histogram(one, stratum, strata) for one in (reference, generated))
    variance = r.variance + g.variance
    if paired:
        alike = reference.place == generated.place
        both = np.bincount(reference.place[alike], reference.repeats[alike], len(stratum))
        product = both - g.share * r.squares - r.share * g.squares + r.share * g.share * r.all
        variance -= 2 * product * r.scale
    return Contrast(r.share, g.share, np.maximum(variance, 0), stratum, strata)


def contrast_of_sums(
    reference: Summed, generated: Summed, strata: int, *, paired: bool
) -> Contrast:
    """Profiles summed over showers; arguments as of :func:`contrast_of_counts`."""
    stratum = np.repeat(np.arange(strata), reference.values.shape[1])
    p, moved = _moved(reference, strata)
    q, others = _moved(generated, strata)
    if paired:
        variance = _squares(reference, moved - others, strata)
    else:
        variance = _squares(reference, moved, strata) + _squares(generated, others, strata)
    return Contrast(p.ravel(), q.ravel(), variance.ravel(), stratum, strata)


@dataclass(frozen=True)
class _Histogram:
    """What a histogram needs for its variance; all (B,).

    With ``u = (1 in the bin) - share``, over all showers: the sum of ``w u`` over repeated rows is
    ``squares - share all``, and that of ``u^2`` is ``squares (1 - 2 share) + share^2 all``.
    """

    share: Array
    squares: Array  # sum of repeats of the rows in the bin
    all: Array  # of all rows of the stratum
    scale: Array  # n / (n - 1) / n^2 with the rows n of the stratum; 0 of one row or none

    @property
    def variance(self) -> Array:
        square = self.squares * (1 - 2 * self.share) + self.share**2 * self.all
        value: Array = square * self.scale
        return value


def _histogram(side: Counted, stratum: Places, strata: int) -> _Histogram:
    bins = len(stratum)
    counts = np.bincount(side.place, minlength=bins).astype(np.float64)
    squares = _sum(side.place, side.repeats, bins)
    rows = _sum(stratum, counts, strata)
    every = _sum(stratum, squares, strata)
    return _Histogram(
        share=counts / np.maximum(rows, 1)[stratum],
        squares=squares,
        all=every[stratum],
        scale=_scale(rows)[stratum],
    )


def _sum(place: Places, values: Array, bins: int) -> Array:
    summed: Array = np.bincount(place, values, bins).astype(np.float64)
    return summed


def _scale(rows: Array) -> Array:
    """Gives n / (n - 1) / n^2: the unbiased variance of a mean, from a sum of squares."""
    return np.where(rows > 1, 1 / np.maximum(rows * (rows - 1), 1), 0)


def _moved(side: Summed, strata: int) -> tuple[Array, NDArray[np.floating]]:
    """(strata, k), shares of the bins, and (N, k), n times what each shower adds."""
    values, stratum = side.values, side.stratum
    own = np.zeros((strata, len(values)), values.dtype)
    own[stratum, np.arange(len(values))] = 1
    sums = (own @ values).astype(np.float64)
    total = sums.sum(1)
    shares = sums / np.where(total > 0, total, 1)[:, None]
    mean = total / np.maximum(own.sum(1), 1)
    each = np.where(mean > 0, 1 / np.where(mean > 0, mean, 1), 0).astype(values.dtype)[stratum]
    scaled = values * each[:, None]
    moved = scaled - shares.astype(values.dtype)[stratum] * scaled.sum(1)[:, None]
    return shares, moved


def _squares(side: Summed, moved: NDArray[np.floating], strata: int) -> Array:
    """(strata, k), variance of shares from what each shower adds."""
    rows = np.bincount(side.stratum, minlength=strata).astype(np.float64)
    weights = np.zeros((strata, len(moved)), moved.dtype)
    weights[side.stratum, np.arange(len(moved))] = side.repeats
    summed: Array = (weights @ (moved * moved)).astype(np.float64) * _scale(rows)[:, None]
    return summed
