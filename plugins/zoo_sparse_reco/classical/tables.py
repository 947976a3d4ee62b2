"""Tables of likelihood: how often each class has what is seen, in cells of a few columns at a time.

Columns are cut at quantiles of a sample in which all classes weigh the same. Each group of columns
has a table of its own. Groups are not independent; what they say of a class is added with a weight
below one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LikelihoodTables"]

Floats = NDArray[np.float64]

_SMOOTHING = 5.0  # entries, shared among the classes as in the whole sample
_WEIGHT = 0.6
_SAMPLE = 4000  # entries of a class of which the quantiles are taken


@dataclass(frozen=True, eq=False)
class LikelihoodTables:
    """Fitted tables.

    Attributes:
        edges: Of each column, rising.
        groups: Columns of each table.
        tables: Logarithm of the ratio of a class' share in a cell to its share of all, (cells,
            classes) of each group.
        prior: Logarithm of the share of each class, (classes,); minus infinity: never seen.
    """

    edges: tuple[Floats, ...]
    groups: tuple[tuple[int, ...], ...]
    tables: tuple[Floats, ...]
    prior: Floats

    @classmethod
    def fitted(
        cls,
        columns: Floats,
        kind: NDArray[np.integer],
        weight: Floats,
        *,
        classes: int,
        groups: Sequence[Sequence[int]],
        bins: int,
        given: Mapping[int, Floats] | None = None,
    ) -> LikelihoodTables:
        """Count.

        Args:
            columns: (entries, columns).
            kind: Class of each, 0 to ``classes`` - 1.
            weight: Of each entry.
            classes: How many there are.
            groups: Columns of each table.
            bins: Cells along each column, at most.
            given: Edges of columns that are not cut at quantiles, such as small whole numbers.

        Raises:
            ValueError: There is no entry.
        """
        given = given or {}
        chosen = _balanced(kind, classes)
        if not len(chosen):
            raise ValueError("there is no entry to count")
        cuts = np.linspace(0, 1, bins + 1)[1:-1]
        edges = tuple(
            given[k] if k in given else np.unique(np.quantile(columns[chosen, k], cuts))
            for k in range(columns.shape[1])
        )
        total = np.bincount(kind, weight, minlength=classes)
        share = total / max(total.sum(), 1e-300)
        with np.errstate(divide="ignore"):
            prior = np.log(share)
        tables = []
        for group in groups:
            cell = _cells(columns, edges, group)
            cells = _cell_count(edges, group)
            counts = np.bincount(cell * classes + kind, weight, minlength=cells * classes)
            counts = counts.reshape(cells, classes) + _SMOOTHING * share
            ratio = counts / counts.sum(axis=1, keepdims=True) / np.where(share > 0, share, 1)
            tables.append(np.log(np.where(share > 0, ratio, 1)))
        return cls(edges, tuple(map(tuple, groups)), tuple(tables), prior)

    def shares(self, columns: Floats) -> Floats:
        """Probability of each class, (entries, classes)."""
        score = np.broadcast_to(self.prior, (len(columns), len(self.prior))).copy()
        for group, table in zip(self.groups, self.tables, strict=True):
            score += _WEIGHT * table[_cells(columns, self.edges, group)]
        score -= score.max(axis=1, keepdims=True)
        found = np.exp(score)
        found /= found.sum(axis=1, keepdims=True)
        return found


def _balanced(kind: NDArray[np.integer], classes: int) -> NDArray[np.intp]:
    """Equally many entries of each class, evenly spread; all of rare ones several times."""
    parts = [np.flatnonzero(kind == one) for one in range(classes)]
    return np.concatenate(
        [part[np.arange(_SAMPLE) * len(part) // _SAMPLE] for part in parts if len(part)]
        or [np.empty(0, np.intp)]
    )


def _cells(columns: Floats, edges: Sequence[Floats], group: Sequence[int]) -> NDArray[np.int64]:
    cell = np.zeros(len(columns), np.int64)
    for k in group:
        cell = cell * (len(edges[k]) + 1) + np.searchsorted(edges[k], columns[:, k], side="right")
    return cell


def _cell_count(edges: Sequence[Floats], group: Sequence[int]) -> int:
    return int(np.prod([len(edges[k]) + 1 for k in group]))
