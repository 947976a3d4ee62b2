"""From the charges of three planes to what is kept: a table, and a cut that is fitted with it.

What is best is what has the best F2 of the signal, where a lost voxel counts as four kept ghosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.classical.tables import LikelihoodTables
from zoo_sparse_reco.classical.wires import COLUMNS, agreement
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["CANDIDATES", "ITERATIONS", "Deghosting", "best_fitted"]

Floats = NDArray[np.float64]
Event = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

ITERATIONS = 30
"""Steps of the sharing where nothing is fitted."""

CANDIDATES = (3, 10, 30, 100)
"""Among which the steps are chosen: few stay near what is measured, many sharpen the solution."""

_UNFITTED_SHARE = 0.3
_MOST_BINS = 9


@dataclass(frozen=True)
class Deghosting:
    """Which voxels are kept.

    Attributes:
        iterations: Of the sharing of charge.
        table: Of signal (0) and ghosts (1); ``None``: not fitted, the solved share decides alone.
        cut: Least probability of signal of what is kept.
    """

    iterations: int
    table: LikelihoodTables | None = None
    cut: float = 0.5

    def signal(self, place: NDArray[Any], charge: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
        """Probability that each voxel of an event is no ghost, and whether it is kept, (voxels,).

        Args:
            place: (voxels, 3).
            charge: Electrons on the three wires, (voxels, 3).
        """
        columns = agreement(place, charge, self.iterations)
        if self.table is None:
            share = columns[:, COLUMNS.index("share")]
            found: Floats = np.clip(share / (2 * _UNFITTED_SHARE), 0, 1)
        else:
            found = self.table.shares(columns)[:, 0]
        return found, found >= self.cut

    def fitted(self, events: Sequence[Event], bins: int) -> Deghosting:
        """Count, then cut where the F2 of the signal is best; without ghosts nothing is cut.

        Args:
            events: Place, charge and true class of the voxels of each.
            bins: Cells along each of the four columns, at most nine.
        """
        columns = np.concatenate([agreement(p, c, self.iterations) for p, c, _ in events])
        semantic = np.concatenate([one for *_, one in events])
        known = semantic >= 0
        kind = (semantic[known] == GHOST).astype(np.int64)
        table = LikelihoodTables.fitted(
            columns[known],
            kind,
            np.ones(len(kind)),
            classes=2,
            groups=[tuple(range(len(COLUMNS)))],
            bins=min(bins, _MOST_BINS),
        )
        return Deghosting(
            self.iterations, table, _best_cut(table.shares(columns[known])[:, 0], kind == 0)
        )


def best_fitted(events: Sequence[Event], bins: int) -> Deghosting:
    """Fitted to all events, with the steps that do best on one half if fitted to the other.

    Args:
        events: As of :meth:`Deghosting.fitted`; some voxel of each has a known class.
        bins: Likewise.
    """
    if len(events) < 2:
        return Deghosting(ITERATIONS).fitted(events, bins)
    fitting, judging = events[::2], events[1::2]
    scores = [_score(Deghosting(one).fitted(fitting, bins), judging) for one in CANDIDATES]
    return Deghosting(CANDIDATES[int(np.argmax(scores))]).fitted(events, bins)


def _score(model: Deghosting, events: Sequence[Event]) -> float:
    """F2 of the signal among the voxels of known class."""
    kept = np.concatenate([model.signal(place, charge)[1] for place, charge, _ in events])
    semantic = np.concatenate([one for *_, one in events])
    true, kept = (semantic >= 0) & (semantic != GHOST), kept & (semantic >= 0)
    return float(5 * (true & kept).sum() / max(kept.sum() + 4 * true.sum(), 1))


def _best_cut(signal: Floats, true: NDArray[np.bool_]) -> float:
    """The least probability of what is kept, where the F2 is best."""
    order = np.argsort(-signal, kind="stable")
    right = np.cumsum(true[order])
    f2 = 5 * right / (np.arange(1, len(right) + 1) + 4 * right[-1])
    # Cuts lie between different values.
    falls = np.append(np.diff(signal[order]) < 0, True)
    return float(signal[order][int(np.argmax(np.where(falls, f2, -1.0)))])
