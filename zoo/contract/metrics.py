"""Metrics: one row per sample from the raw sample and the prediction, and numbers from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from zoo.contract.table import Table

__all__ = ["Metrics", "Number"]


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number of a summary.

    Attributes:
        name: ``"E"``.
        value: NaN where it is undefined on these rows.
        unit: ``"%"``; empty for a ratio.
        better: What improves it; ``zero``: nearer to zero (a bias).
        margin: What still counts as "no worse": relative 0.05 by default, absolute for signed
            and near-zero quantities.
        absolute: Whether ``margin`` is absolute.
    """

    name: str
    value: float
    unit: str = ""
    better: Literal["lower", "higher", "zero"] = "lower"
    margin: float = 0.05
    absolute: bool = False


class Metrics:
    """Measures samples one by one; the core bins, pairs and bootstraps the rows.

    Attributes:
        needs: Raw sample fields that :meth:`measure` reads.
        bins: Row column -> bin edges; the core repeats the summary in each bin.
        primary: The name of the number that decides.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    bins: ClassVar[Mapping[str, Sequence[float]]] = {}
    primary: ClassVar[str] = ""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self.facts = facts

    def measure(self, samples: Table, predictions: Table) -> Table:
        """One row per sample, with its ``id``; numeric columns."""
        raise NotImplementedError  # abstract: every task has its own

    def summarise(self, rows: Table) -> Sequence[Number]:
        """Numbers of these rows, in the same order for any rows; must accept repeated rows."""
        raise NotImplementedError  # abstract: every task has its own
