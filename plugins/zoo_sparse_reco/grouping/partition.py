"""From scores of edges to groups of nodes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["counted_in_events", "partition"]

Whole = NDArray[np.int64]

_EPS = 1e-7  # scores are kept so far from 0 and 1 that their logarithms are finite


def partition(
    count: int,
    from_: NDArray[np.integer],
    to: NDArray[np.integer],
    score: NDArray[np.floating],
    *,
    threshold: float = 0.5,
    rule: Literal["score", "threshold"] = "score",
) -> Whole:
    """Group of each node (count,): 0, 1, ... as they appear.

    By the rule ``score``, edges are taken from the highest score down to the threshold, and the
    groups of both nodes become one if the loss falls by it (Drielsma et al., arXiv:2007.01335, as
    SPINE does it). The loss is the binary cross-entropy of all edges against the graph in which all
    nodes of a group are connected and no others. What merging two groups changes in it is
    ``sum log(1 - p) - sum log p`` over the edges between them: it falls where the sum of their
    log-odds is above 0. Of equal scores, edges come in their order.

    Args:
        count: Nodes.
        from_: (e,).
        to: (e,).
        score: (e,), 0 to 1; edges in both directions count both.
        threshold: Least score of an edge that may join its nodes.
        rule: ``threshold``: all edges above it join theirs.
    """
    likely = np.flatnonzero(np.asarray(score, np.float64) >= threshold)
    if rule == "threshold":
        graph = coo_array(
            (np.ones(len(likely), np.int8), (from_[likely], to[likely])), shape=(count, count)
        )
        return _as_they_appear(connected_components(graph, directed=False)[1])
    odds = _log_odds(score)
    order = likely[np.argsort(-np.asarray(score, np.float64)[likely], kind="stable")]
    groups = _Groups(count, from_.tolist(), to.tolist(), odds.tolist())
    for one, other in zip(from_[order].tolist(), to[order].tolist(), strict=True):
        groups.join_if_better(one, other)
    return _as_they_appear(np.array([groups.root(node) for node in range(count)], np.int64))


class _Groups:
    """Disjoint sets, and for each the sum of log-odds to every other."""

    def __init__(self, count: int, from_: list[int], to: list[int], odds: list[float]) -> None:
        self.parent = list(range(count))
        self.between: list[dict[int, float]] = [{} for _ in range(count)]
        for one, other, value in zip(from_, to, odds, strict=True):
            if one != other:
                held = self.between[one].get(other, 0.0) + value
                self.between[one][other] = self.between[other][one] = held

    def root(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join_if_better(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        if one == other or not self.between[one][other] > 0:
            return
        if len(self.between[one]) < len(self.between[other]):
            one, other = other, one
        self.parent[other] = one
        held = self.between[one]
        del held[other]
        for third, value in self.between[other].items():
            if third != one:
                held[third] = held.get(third, 0.0) + value
                links = self.between[third]
                del links[other]
                links[one] = held[third]
        self.between[other] = {}


def counted_in_events(group: Whole, event: Whole) -> Whole:
    """Groups (n,) that rise with the events, counted anew from 0 within each event (n,)."""
    found = np.empty_like(group)
    bounds = np.flatnonzero(np.diff(event, prepend=-1, append=-1))
    for begin, end in pairwise(bounds):
        found[begin:end] = _as_they_appear(group[begin:end])
    return found


def _log_odds(score: NDArray[Any]) -> NDArray[np.float64]:
    kept = np.clip(np.asarray(score, np.float64), _EPS, 1 - _EPS)
    return np.log(kept) - np.log1p(-kept)


def _as_they_appear(group: NDArray[np.integer]) -> Whole:
    if not len(group):
        return np.zeros(0, np.int64)
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number]
