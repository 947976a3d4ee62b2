r"""Kernel distance of physics features: squared MMD with a polynomial kernel (KPD).

``k(x, y) = (x . y / d + 1)^4``, and the unbiased estimate leaves each shower's kernel with itself
out (Gretton et al., JMLR 13 (2012) 723, equation 3): 0 on average for two samples of one law, of
any size, so few showers make it wide and not large.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_calo.fidelity.frechet import Measured

__all__ = ["kpd", "squared_mmd"]

Array = NDArray[np.float64]

PUBLISHED_BATCH = 5000
"""Of arXiv:2211.10295, ten of them; :data:`FEWEST` showers and fewer take smaller ones."""
FEWEST = 20_000
_BATCHES = 10


def squared_mmd(first: Array, second: Array, degree: int = 4) -> float:
    """Unbiased, of (N, d) and (M, d)."""
    n, m, d = len(first), len(second), first.shape[1]
    if min(n, m) < 2:
        return float("nan")

    def kernel(a: Array, b: Array) -> Array:
        value: Array = (a @ b.T / d + 1) ** degree
        return value

    within = 0.0
    for one, count in ((first, n), (second, m)):
        own = kernel(one, one)
        within += (own.sum() - np.trace(own)) / (count * (count - 1))
    return float(within - 2 * kernel(first, second).mean())


def kpd(
    reference: Array, generated: Array, seed: int = 0, batch: int = PUBLISHED_BATCH
) -> Measured:
    """Median over ten batches; the error is half of their central 68 %, as its authors take it.

    From 20,000 showers on batches are drawn anew, ten of 5,000. With fewer the sample is cut into
    ten parts, which have no shower in common; the estimate has no bias, so they may be small, and
    the error is that of the mean of ten: it is marked as small.

    Args:
        reference: (N, d), features.
        generated: (M, d).
        seed: Of the draws.
        batch: Showers of a batch.
    """
    rng = np.random.default_rng(seed)
    fewest = min(len(reference), len(generated))
    small = fewest < FEWEST
    size = min(batch, fewest // _BATCHES) if small else min(batch, fewest)
    orders = [rng.permutation(len(one)) for one in (reference, generated)]
    found = []
    for part in range(_BATCHES):
        if small:
            chosen = [order[part * size : (part + 1) * size] for order in orders]
        else:
            chosen = [rng.permutation(len(one))[:size] for one in (reference, generated)]
        found.append(squared_mmd(reference[chosen[0]], generated[chosen[1]]))
    if small:
        values = np.array(found)
        return Measured(
            float(values.mean()), float(values.std(ddof=1)) / 10**0.5, small, (size,) * 2
        )
    low, middle, high = np.quantile(found, [0.16, 0.5, 0.84])
    return Measured(float(middle), float(high - low) / 2, small, (size, size))
