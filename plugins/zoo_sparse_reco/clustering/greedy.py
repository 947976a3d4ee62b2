"""From embeddings, margins and seeds to clusters (Koh et al., arXiv:2007.03083, section 3).

The voxel of the highest score is the seed of a cluster: all those are its members whose probability
``exp(-|e - e_seed|^2 / (2 margin_seed^2))`` is large enough. They are taken away, and the best of
the others is the next seed. Voxels that are left go to the cluster of the largest probability.

A ball around the seed holds the members, so a tree of the embeddings finds them. It is built anew
when half of its voxels are gone: a seed costs about as much as what it takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["greedy_clusters", "most_probable"]

Floats = NDArray[np.float64]

_BAND = 1.5  # clusters whose margins differ by less are looked through together
_NEAREST = 8


def greedy_clusters(
    embedding: Floats,
    margin: Floats,
    score: Floats,
    *,
    probability: float = 0.5,
    least: float = 0.0,
    smallest: int = 2,
) -> NDArray[np.int64]:
    """Cluster the voxels of one event and class.

    Args:
        embedding: (n, 3).
        margin: (n,), positive.
        score: Of seeds, (n,).
        probability: Least one of a member, above 0.
        least: Voxels of a lower score are no seeds.
        smallest: A seed that gets fewer voxels, itself included, starts no cluster.

    Returns:
        (n,), 0, 1, ... in the order in which clusters are found; -1 everywhere if none is.
    """
    label = np.full(len(embedding), -1, np.int64)
    if not len(embedding):
        return label
    reach = margin * np.sqrt(-2 * np.log(probability))
    left = _Left(embedding)
    seeds: list[int] = []
    for seed in np.argsort(-score, kind="stable").tolist():
        if score[seed] < least:
            break
        if not left.there[seed]:
            continue
        inside = left.within(embedding[seed], float(reach[seed]))
        if len(inside) >= smallest:
            label[inside] = len(seeds)
            seeds.append(seed)
            left.take(inside)
    others = np.flatnonzero(label < 0)
    if seeds and len(others):
        label[others] = most_probable(embedding[others], embedding[seeds], margin[seeds])
    return label


class _Left:
    """Voxels that are of no cluster yet."""

    def __init__(self, embedding: Floats) -> None:
        self.embedding = embedding
        self.there = np.ones(len(embedding), np.bool_)
        self._build()

    def within(self, place: Floats, reach: float) -> NDArray[np.intp]:
        """Those within a distance of a place."""
        near = self._rows[self._tree.query_ball_point(place, reach)]
        return near[self.there[near]]

    def take(self, rows: NDArray[np.intp]) -> None:
        """They are of a cluster now."""
        self.there[rows] = False
        self._count -= len(rows)
        if 0 < self._count < len(self._rows) / 2:
            self._build()

    def _build(self) -> None:
        self._rows = np.flatnonzero(self.there)
        self._count = len(self._rows)
        self._tree = KDTree(self.embedding[self._rows])


def most_probable(place: Floats, centre: Floats, margin: Floats) -> NDArray[np.int64]:
    """The cluster of the least ``|place - centre| / margin``, (n,).

    Clusters of similar margins are searched by one tree, for the nearest few; for more, as long as
    a farther one of a larger margin could be better.

    Args:
        place: (n, 3).
        centre: (clusters, 3), at least one.
        margin: (clusters,), positive.
    """
    best = np.full(len(place), np.inf)
    chosen = np.zeros(len(place), np.int64)
    band = np.floor(np.log(margin) / np.log(_BAND))
    for one in np.unique(band):
        some = np.flatnonzero(band == one)
        tree, widest = KDTree(centre[some]), margin[some].max()
        rows, count = np.arange(len(place)), _NEAREST
        while len(rows):
            count = min(count, len(some))
            found = tree.query(place[rows], k=count)
            far, near = (np.asarray(one).reshape(-1, count) for one in found)
            ratio = far / margin[some][near]
            column = ratio.argmin(1)
            at = np.arange(len(rows))
            better = ratio[at, column] < best[rows]
            best[rows[better]] = ratio[at, column][better]
            chosen[rows[better]] = some[near[at, column]][better]
            # Clusters that were not looked at are at least as far as the last of those that were.
            open_ = far[:, -1] / widest < best[rows]
            rows = rows[open_] if count < len(some) else rows[:0]
            count *= _NEAREST
    return chosen
