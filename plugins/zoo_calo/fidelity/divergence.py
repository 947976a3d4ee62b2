r"""Jensen-Shannon divergence of two histograms, and how large it is between samples of one law.

``D = H((p + q) / 2) - (H(p) + H(q)) / 2`` in nats; the distance is its square root, which is what
``scipy.spatial.distance.jensenshannon`` returns.

Two samples of one law have D > 0. To second order in the deviations of the shares ``a`` and ``b``
of a bin from their common expectation ``p``, ``D = sum (a - b)^2 / (8 p)``, so that on average

``floor = sum V / (8 p)``, ``V = Var(a - b)``.

For counts of independent entries, ``V = p (1 - p) (1/N + 1/M)`` and the floor is
``(k - 1) / 8 (1/N + 1/M)`` with ``k`` bins. Here ``V`` is the sum over showers of the squares of
what each of them adds to ``a - b``. So the cells of one shower, which are not independent, count as
one entry; and the part of ``a - b`` that two showers of one energy share counts as nothing.

Bins with few entries are off that expansion. With ``n`` entries in both samples together, all
splits of which are equally likely, the exact mean is ``g(n) / N``,

``g(n) = E[i log(2 i / n) + (n - i) log(2 (n - i) / n)] / 2``, ``i ~ Binomial(n, 1/2)``,

which tends to 1/4. The floor of a bin is therefore ``V / s g(s^2 / V)`` with ``s = a + b``:
``s^2 / V`` is how many independent entries would vary as much.

Where two laws do not overlap, chance adds nothing to D. A bin of several entries that are all of
one sample therefore has no floor, and the others have as much more as such bins are likely, which
is ``2^(1 - n)`` for one law: its mean stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

__all__ = ["Contrast", "js_divergence", "mean_of_splits"]

Array = NDArray[np.float64]

_EXACT = 400
"""Entries up to which the mean over splits is summed; above, its expansion."""


def js_divergence(first: Array, second: Array) -> float:
    """Divergence of two histograms in nats; their sums are brought to one first."""
    p, q = (np.asarray(one, np.float64) / np.sum(one) for one in (first, second))
    return float(_terms(p, q).sum())


def mean_of_splits(entries: Array) -> Array:
    """g(n) of the module's text, for any n >= 0, between whole numbers linearly.

    Above 400 the expansion ``1/4 + 1/(8 n)``: the next order of the entropy of a binomial share.
    """
    entries = np.asarray(entries, np.float64)
    near = np.interp(entries, np.arange(_EXACT + 1), _exact_means())
    with np.errstate(divide="ignore"):
        far = 0.25 + 1 / (8 * entries)
    return np.where(entries < _EXACT, near, far)


@dataclass(frozen=True)
class Contrast:
    """Shares of two samples in bins, of one stratum after another.

    Attributes:
        reference: (B,), shares of the reference; those of a stratum sum to one, or to zero where it
            is empty.
        generated: (B,), of the generated sample.
        variance: (B,), of the difference of the two.
        stratum: (B,) intp, of each bin.
        strata: How many.
    """

    reference: Array
    generated: Array
    variance: Array
    stratum: NDArray[np.intp]
    strata: int

    def divergence(self) -> Array:
        """(strata,), Jensen-Shannon divergence, nats."""
        return self._summed(_terms(self.reference, self.generated))

    def floor(self) -> Array:
        """(strata,), its expectation were both samples of one law."""
        both = self.reference + self.generated
        filled = (both > 0) & (self.variance > 0)
        s, v = both[filled], self.variance[filled]
        entries = s**2 / v
        mixed = (self.reference > 0) & (self.generated > 0)
        terms = np.zeros_like(both)
        terms[filled] = v / s * mean_of_splits(entries) * _seen(entries, mixed[filled])
        return self._summed(terms)

    def separation(self) -> Array:
        """(strata,), separation power ``sum (p - q)^2 / (p + q) / 2``: 0 alike, 1 disjoint."""
        both = self.reference + self.generated
        terms = (self.reference - self.generated) ** 2 / np.where(both > 0, both, 1) / 2
        return self._summed(terms)

    def _summed(self, terms: Array) -> Array:
        summed: Array = np.bincount(self.stratum, terms, self.strata).astype(np.float64)
        return summed


def _seen(entries: Array, mixed: NDArray[np.bool_]) -> Array:
    """Factors of the floor, 1 on average of one law: see the module's text.

    Of a single entry nothing can be told. Effective numbers of entries are no whole ones, and below
    one and a half there is one that counts.
    """
    together = 1 / (1 - 2 ** (1 - np.maximum(entries, 2)))
    return np.where(entries < 1.5, 1.0, np.where(mixed, together, 0.0))


def _terms(p: Array, q: Array) -> Array:
    """What each bin adds to the divergence."""
    middle = (p + q) / 2
    safe = np.where(middle > 0, middle, 1)
    terms: Array = (xlogy(p, p / safe) + xlogy(q, q / safe)) / 2
    return terms


@cache
def _exact_means() -> Array:
    means = np.zeros(_EXACT + 1)
    for n in range(1, _EXACT + 1):
        i = np.arange(n + 1.0)
        chance = np.exp(gammaln(n + 1) - gammaln(i + 1) - gammaln(n - i + 1) - n * np.log(2))
        means[n] = chance @ (xlogy(i, 2 * i / n) + xlogy(n - i, 2 * (n - i) / n)) / 2
    return means
