"""Which training events a classical algorithm is fitted to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zoo.api import Table

__all__ = ["lowest"]


def lowest(training: Iterable[Table], most: int, fields: frozenset[str]) -> Table | None:
    """The samples of the lowest ids: the same whatever the order of the data; ``None``: none."""
    kept: Table | None = None
    for table in training:
        one = table.select(fields)
        joined = one if kept is None else Table.concat([kept, one])
        kept = joined.take(np.argsort(joined.ids, kind="stable")[:most])
    return kept if kept is not None and kept.rows else None
