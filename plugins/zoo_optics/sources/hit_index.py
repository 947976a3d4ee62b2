"""Which hits belong to which event.

``event_hits_index`` has a number for each event: where its hits start (WatChMaL), or where they end
(SimpleSim). Read the wrong way, every event gets the hits of its neighbour.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["hit_cuts"]

Cuts = NDArray[np.int64]


def hit_cuts(
    index: NDArray[np.integer], hits: int, kind: Literal["auto", "start", "end"], where: str
) -> Cuts:
    """Where the hits of each event start and end.

    Args:
        index: (events,), as in the file.
        hits: Number of all hits.
        kind: What the index is said to be; ``auto``: an END index ends with the number of hits, a
            START index begins with 0.
        where: Names it in errors.

    Returns:
        int64 (events + 1,): event ``i`` has the hits from ``cuts[i]`` to ``cuts[i + 1]``.

    Raises:
        DataError: If it is neither, or both with other hits, or not what it is said to be.
    """
    entries: Cuts = np.asarray(index).astype(np.int64)
    falls = int(np.count_nonzero(np.diff(entries) < 0))
    if falls or (len(entries) and not 0 <= entries.min() <= entries.max() <= hits):
        raise DataError(
            f"{falls} entries are smaller than the one before"
            if falls
            else f"entries from {entries.min()} to {entries.max()} for {hits} hits",
            where=where,
            remedy="the index is damaged, or belongs to other hits: write the file again",
        )
    found = _readings(entries, hits)
    if kind != "auto":
        found = {name: cuts for name, cuts in found.items() if name == kind}
    if not found:
        first, last = (int(entries[0]), int(entries[-1])) if len(entries) else (0, 0)
        raise DataError(
            f"it begins with {first} and ends with {last} for {hits} hits: no "
            f"{'START and no END' if kind == 'auto' else kind.upper()} index",
            where=where,
            remedy="a START index begins with 0, an END index ends with the number of hits",
        )
    cuts, *others = found.values()
    if any(not np.array_equal(cuts, other) for other in others):
        raise DataError(
            f"ambiguous: it begins with 0 and ends with {hits}, the number of hits, so it may be "
            "START or END",
            where=where,
            remedy="set data.options.index to start or end",
        )
    return cuts


def _readings(index: Cuts, hits: int) -> dict[str, Cuts]:
    found = {}
    if not len(index) and not hits:
        return {"start": np.zeros(1, np.int64), "end": np.zeros(1, np.int64)}
    if len(index) and index[0] == 0:
        found["start"] = np.append(index, hits)
    if len(index) and index[-1] == hits:
        found["end"] = np.insert(index, 0, 0)
    return found
