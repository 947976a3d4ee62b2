"""Electrons that a fast particle frees in argon.

Clusters are a Poisson process along the track. Their sizes are those measured in argon by Fischle,
Heintze and Schmidt (Nucl. Instrum. Meth. A301 (1991) 202): a table up to 19 electrons, 21.6 %/k^2
beyond. The table is from memory; public simulations use the same numbers. Momentum does not enter:
the density of clusters is one number.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["cluster_sizes", "electrons", "mean_per_mm"]

Array = NDArray[np.float64]

_PER_CENT = (
    *(65.6, 15.0, 6.4, 3.5, 2.25, 1.55, 1.05, 0.81, 0.61, 0.49),
    *(0.39, 0.30, 0.25, 0.20, 0.16, 0.12, 0.095, 0.075, 0.063),
)
_TAIL_PER_CENT = 21.6


@lru_cache
def cluster_sizes(largest: int) -> Array:
    """Probability of a cluster of 0, 1, ... ``largest`` electrons, float64 (largest + 1,)."""
    size = np.arange(len(_PER_CENT) + 1, largest + 1)
    table = np.concatenate([[0.0], _PER_CENT, _TAIL_PER_CENT / size**2])[: largest + 1]
    table /= table.sum()
    table.flags.writeable = False
    return table


def mean_per_mm(clusters_per_mm: float, largest: int) -> float:
    """Electrons per mm of track."""
    sizes = cluster_sizes(largest)
    return clusters_per_mm * float(sizes @ np.arange(len(sizes)))


def electrons(uniform: Array, clusters: float, largest: int) -> NDArray[np.int64]:
    """Numbers of electrons of steps, by their quantiles.

    Args:
        uniform: In [0, 1), of any shape.
        clusters: Mean number of clusters in a step.
        largest: Of a cluster.

    Returns:
        int64 of the same shape.
    """
    return np.searchsorted(_distribution(clusters, largest), uniform, side="right")


@lru_cache
def _distribution(clusters: float, largest: int) -> Array:
    """P(at most n electrons): a compound Poisson distribution, by its generating function."""
    sizes = cluster_sizes(largest)
    # What wraps around needs several of the largest clusters in one step.
    size = 4 * largest + 64 * int(1 + clusters)
    transform = np.exp(clusters * (np.fft.rfft(sizes, size) - 1))
    below = np.cumsum(np.maximum(np.fft.irfft(transform, size), 0))
    return np.asarray(below / below[-1])
