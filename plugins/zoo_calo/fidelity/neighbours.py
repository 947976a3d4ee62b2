"""Precision, recall, density and coverage of generated showers, by nearest neighbours.

Around every shower of a sample lies a ball up to its fifth neighbour in that sample. Precision is
the share of generated showers in a ball of the reference, recall that of the reference in a ball of
the generated ones (Kynkaanniemi et al., arXiv:1904.06991); density counts the balls of the
reference that hold a generated shower, over five, and coverage the share of these balls that hold
any (Naeem et al., arXiv:2002.09797). All are near 1 for samples of one law, but coverage, whose
mean is then ``1 - (N - 1) ... (N - k) / ((2 N - 1) ... (2 N - k))`` for N of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

__all__ = ["NEIGHBOURS", "Neighbourhood", "neighbourhood", "same_law_coverage"]

Array = NDArray[np.float64]

NEIGHBOURS = 5
_CHUNK = 1000


@dataclass(frozen=True)
class Neighbourhood:
    """The four shares; density may be above 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhood(reference: Array, generated: Array, k: int = NEIGHBOURS) -> Neighbourhood:
    """Of features (N, d), (M, d) in comparable units.

    Raises:
        ValueError: If a sample has not more than ``k`` rows.
    """
    if min(len(reference), len(generated)) <= k:
        raise ValueError(f"{k} neighbours of fewer showers")
    real, made = _radii(reference, k), _radii(generated, k)
    held = np.zeros(len(generated))
    covered = np.zeros(len(reference), dtype=bool)
    recalled = np.zeros(len(reference), dtype=bool)
    for start in range(0, len(reference), _CHUNK):
        part = slice(start, start + _CHUNK)
        apart = cdist(reference[part], generated)
        inside = apart <= real[part, None]
        held += inside.sum(0)
        covered[part] = inside.any(1)
        recalled[part] = (apart <= made[None, :]).any(1)
    return Neighbourhood(
        precision=float((held > 0).mean()),
        recall=float(recalled.mean()),
        density=float(held.mean() / k),
        coverage=float(covered.mean()),
    )


def same_law_coverage(count: int, k: int = NEIGHBOURS) -> float:
    """Mean coverage of two samples of one law, ``count`` showers each (arXiv:2002.09797, lemma 2).

    A ball is empty where the nearest k of the 2 N - 1 other showers are all of its own sample.
    """
    i = np.arange(1, k + 1)
    return float(1 - np.prod((count - i) / (2 * count - i)))


def _radii(points: Array, k: int) -> Array:
    """(N,), distance to the k-th neighbour."""
    found = np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        apart = cdist(points[start : start + _CHUNK], points)
        found[start : start + _CHUNK] = np.partition(apart, k, axis=1)[:, k]  # 0 is itself
    return found
