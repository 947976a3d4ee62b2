"""A bounded sample of many tables that does not depend on their order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zoo.api import Table

__all__ = ["lowest_ids"]


def lowest_ids(tables: Iterable[Table], most: int, fields: frozenset[str]) -> Table | None:
    """The samples of the lowest ids, in the order of ids; none if there is no sample.

    Ids are hashes, so the choice is as good as a random one, and the same in whichever order tables
    come and however they are cut.

    Args:
        tables: Samples.
        most: How many are kept.
        fields: Which of their columns.
    """
    kept: Table | None = None
    for table in tables:
        part = table.select(fields)
        joined = part if kept is None else Table.concat([kept, part])
        kept = joined.take(np.argsort(joined.ids, kind="stable")[:most])
    return kept if kept is not None and kept.rows else None
