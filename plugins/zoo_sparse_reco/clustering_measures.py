"""How alike two clusterings of the same voxels are.

All measures come from the sizes of clusters and of their overlaps. Adjusted Rand index (Hubert and
Arabie, J. Classif. 2 (1985) 193) and adjusted mutual information (Vinh, Epps and Bailey, JMLR 11
(2010) 2837, with the arithmetic mean of both entropies) are those of scikit-learn; efficiency,
purity and the symmetric best Dice are those of SPINE. A cluster is a number; which one is of no
matter. Of no voxels nothing is defined: NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["Overlaps", "PairCounts", "adjusted_rand", "five_measures", "overlaps_of_found"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class PairCounts:
    """Pairs of voxels, each counted once.

    Attributes:
        together: In one cluster of both clusterings.
        true: In one true cluster.
        found: In one found cluster.
        every: All.
    """

    together: int
    true: int
    found: int
    every: int


def adjusted_rand(pairs: PairCounts) -> float:
    """1: the same clusters, 0: as by chance; without any pair that only one has together 1."""
    if pairs.together == pairs.true == pairs.found:
        return 1.0
    expected = pairs.true * pairs.found / pairs.every
    return (pairs.together - expected) / ((pairs.true + pairs.found) / 2 - expected)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Which clusters of two clusterings share voxels, and how many.

    Attributes:
        count: Voxels that a true and a found cluster share, int64 (overlaps,), all above 0.
        true, found: Which clusters, int64 (overlaps,).
        true_size, found_size: Voxels of each cluster, int64 (clusters,).
    """

    count: Ints
    true: Ints
    found: Ints
    true_size: Ints
    found_size: Ints

    @classmethod
    def of(cls, true: NDArray[Any], found: NDArray[Any]) -> Overlaps:
        """Those of the clusters of each voxel, whole numbers (voxels,).

        Raises:
            ValueError: The clusterings differ in length.
        """
        if len(true) != len(found):
            raise ValueError(f"{len(true)} voxels are not {len(found)}")
        true_size, true_number = _numbered(true)
        found_size, found_number = _numbered(found)
        width = max(len(found_size), 1)
        both, count = np.unique(true_number * width + found_number, return_counts=True)
        return cls(count, both // width, both % width, true_size, found_size)

    @property
    def voxels(self) -> int:
        """All of them."""
        return int(self.true_size.sum())

    @cached_property
    def pairs(self) -> PairCounts:
        """Of voxels, whole numbers of any size."""
        return PairCounts(
            together=_pairs(self.count),
            true=_pairs(self.true_size),
            found=_pairs(self.found_size),
            every=self.voxels * (self.voxels - 1) // 2,
        )

    def adjusted_rand_index(self) -> float:
        """Agreement in which pairs of voxels are together, corrected for chance."""
        return adjusted_rand(self.pairs) if self.voxels else float("nan")

    def adjusted_mutual_information(self) -> float:
        """Information that each clustering has about the other, corrected for chance, at most 1.

        1 where both are the same, as where neither splits the voxels; 0 where one alone does.
        """
        if not self.voxels:
            return float("nan")
        trivial = [len(sizes) == 1 for sizes in (self.true_size, self.found_size)]
        if any(trivial):
            return float(all(trivial))
        if len(self.count) == len(self.true_size) == len(self.found_size):
            return 1.0  # of single voxels, both differences from chance are rounding alone
        expected = self._expected_information()
        mean = (_entropy(self.true_size) + _entropy(self.found_size)) / 2
        return _away_from_zero(self._information() - expected) / _away_from_zero(mean - expected)

    def best_overlaps(self) -> tuple[Ints, Ints]:
        """Greatest overlap of each true and of each found cluster, int64 (clusters,)."""
        of_true, of_found = np.zeros_like(self.true_size), np.zeros_like(self.found_size)
        np.maximum.at(of_true, self.true, self.count)
        np.maximum.at(of_found, self.found, self.count)
        return of_true, of_found

    def efficiency(self) -> float:
        """Mean over true clusters of the greatest share that one found cluster has of them."""
        return _mean(self.best_overlaps()[0] / self.true_size)

    def purity(self) -> float:
        """Mean over found clusters of the greatest share that one true cluster has of them."""
        return _mean(self.best_overlaps()[1] / self.found_size)

    def pooled_efficiency(self) -> float:
        """Voxels in the greatest overlap of their true cluster over all voxels."""
        return float(self.best_overlaps()[0].sum()) / self.voxels if self.voxels else float("nan")

    def pooled_purity(self) -> float:
        """Voxels in the greatest overlap of their found cluster over all voxels."""
        return float(self.best_overlaps()[1].sum()) / self.voxels if self.voxels else float("nan")

    def symmetric_best_dice(self) -> float:
        """The smaller of both means over clusters of the best Dice with one of the others.

        Dice is twice the overlap over the sum of both sizes.
        """
        if not self.voxels:
            return float("nan")
        dice = 2 * self.count / (self.true_size[self.true] + self.found_size[self.found])
        of_true, of_found = np.zeros(len(self.true_size)), np.zeros(len(self.found_size))
        np.maximum.at(of_true, self.true, dice)
        np.maximum.at(of_found, self.found, dice)
        return float(min(of_true.mean(), of_found.mean()))

    def _information(self) -> float:
        """Mutual information, nats."""
        sizes = self.true_size[self.true].astype(np.float64) * self.found_size[self.found]
        return float(np.sum(self.count * np.log(self.count * self.voxels / sizes))) / self.voxels

    def _expected_information(self) -> float:
        """Of two clusterings of these sizes by chance, nats: eq. 24a of Vinh, Epps and Bailey.

        Clusters of equal sizes are taken once, with how many pairs of them there are.
        """
        log_factorial: Floats = gammaln(np.arange(self.voxels + 1) + 1.0)
        found_sizes, found_times = np.unique(self.found_size, return_counts=True)
        total = 0.0
        for size, times in zip(*np.unique(self.true_size, return_counts=True), strict=True):
            means = _chance_information(size, found_sizes, self.voxels, log_factorial)
            total += int(times) * float(means @ found_times)
        return total


def overlaps_of_found(true: NDArray[Any], found: NDArray[Any]) -> tuple[Overlaps, Overlaps]:
    """Overlaps where some voxels are of no found cluster.

    Args:
        true: Cluster of each voxel, whole numbers (voxels,).
        found: Likewise; below 0: of none.

    Returns:
        Of all voxels, those of no found cluster each one by itself; and of those of found clusters
        alone, which purity is a mean over.
    """
    single = found < 0
    if not single.any():
        every = Overlaps.of(true, found)
        return every, every
    alone = int(found.max(initial=-1)) + 1 + np.arange(len(found))
    every = Overlaps.of(true, np.where(single, alone, found))
    return every, Overlaps.of(true[~single], found[~single])


def five_measures(every: Overlaps, held: Overlaps) -> dict[str, float]:
    """``ari``, ``ami``, ``efficiency``, ``purity``, ``sbd`` of :func:`overlaps_of_found`."""
    return {
        "ari": every.adjusted_rand_index(),
        "ami": every.adjusted_mutual_information(),
        "efficiency": every.efficiency(),
        "purity": held.purity(),
        "sbd": every.symmetric_best_dice(),
    }


def _chance_information(size: int, others: Ints, voxels: int, log_factorial: Floats) -> Floats:
    """What a cluster of ``size`` and one of each of the ``others`` (k,) add by chance, (k,).

    Their overlap follows the hypergeometric law.
    """
    first = np.maximum(size + others - voxels, 1)
    lengths = np.minimum(size, others) - first + 1
    starts = np.cumsum(lengths) - lengths
    overlap = np.arange(int(lengths.sum())) + np.repeat(first - starts, lengths)
    other = np.repeat(others, lengths)
    exponent = (
        log_factorial[size]
        + log_factorial[other]
        + log_factorial[voxels - size]
        + log_factorial[voxels - other]
        - log_factorial[voxels]
        - log_factorial[overlap]
        - log_factorial[size - overlap]
        - log_factorial[other - overlap]
        - log_factorial[voxels - size - other + overlap]
    )
    gain = overlap / voxels * np.log(voxels * overlap / (float(size) * other))
    summed: Floats = np.add.reduceat(gain * np.exp(exponent), starts)
    return summed


def _numbered(clusters: NDArray[Any]) -> tuple[Ints, Ints]:
    """Size of each cluster, and its number of every voxel from 0 without gaps."""
    _, number, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    return sizes.astype(np.int64), number.astype(np.int64)


def _pairs(sizes: Ints) -> int:
    return int(np.sum(sizes * (sizes - 1) // 2))


def _entropy(sizes: Ints) -> float:
    share = sizes / sizes.sum()
    return float(-np.sum(share * np.log(share)))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _away_from_zero(value: float) -> float:
    """So that equal clusterings have 1, however their difference from chance was rounded."""
    return min(value, -_SMALLEST) if value < 0 else max(value, _SMALLEST)
