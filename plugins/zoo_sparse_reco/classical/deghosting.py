"""From the charges of three planes to what is kept: a table, and a cut that is fitted with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.classical.tables import LikelihoodTables
from zoo_sparse_reco.classical.wires import COLUMNS, agreement
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["Deghosting"]

Floats = NDArray[np.float64]
Event = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

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
        """Count, then cut where the F1 of the signal is best; without ghosts nothing is cut.

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


def _best_cut(signal: Floats, true: NDArray[np.bool_]) -> float:
    order = np.argsort(-signal, kind="stable")
    right = np.cumsum(true[order])
    f1 = 5 * right / (np.arange(1, len(right) + 1) + 4 * right[-1])
    # Cuts lie between different values.
    falls = np.append(np.diff(signal[order]) < 0, True)
    return float(signal[order][int(np.argmax(np.where(falls, f1, -1.0)))])
