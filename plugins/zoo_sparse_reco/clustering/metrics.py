"""How well voxels are clustered: agreement of clusterings, and how fragments of a size are found.

Judged are voxels of a true fragment that is not of low energy, as in ``sparse-semantic``. What a
wrong class of the stage before costs is in the numbers, too: the oracle tells how much that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Metrics, Number, Ragged, Table
from zoo_sparse_reco.clustering.numbers import clustered_classes
from zoo_sparse_reco.clustering_measures import overlaps_of_found
from zoo_sparse_reco.metrics.fragments import fragment_numbers, measure_fragments
from zoo_sparse_reco.metrics.numbers import percent
from zoo_sparse_reco.physics.labels import GHOST, class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["ARI", "GOOD_ARI", "ClusterMetrics"]

ARI = "fragment ARI"
"""The number that decides."""

GOOD_ARI = 0.92
"""Of arXiv:2007.03083, where 90 % of the events have more."""

_SIZES = ("fragment_size", "fragment_found", "fragment_class")


class ClusterMetrics(Metrics):
    """ARI (primary), AMI, efficiency, purity and SBD of fragments, overall and of each class.

    Binned in the number of voxels, the visible energy, and the number of interactions.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"deposit", "semantic", "fragment", "interaction"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "voxels": (0, 500, 1000, 2000, 4000, 8000, 16_000, 64_000, 512_000),
        "visible_energy": (0, 250, 500, 1000, 2000, 4000, 16_000, 128_000),
        "interactions": (0, 2, 5, 10, 15, 25, 100),
    }
    primary: ClassVar[str] = ARI

    def __init__(self, facts: Mapping[str, object]) -> None:
        """``facts``: with the grid, whose scheme names the classes."""
        super().__init__(facts)
        scheme = grid_of(facts).scheme
        self.names = class_names(scheme)
        self.classes = clustered_classes(scheme)

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Measures of every event.

        Columns: those of :func:`~zoo_sparse_reco.metrics.fragments.measure_fragments`; ``voxels``
        that are no ghosts; ``visible_energy``, MeV, in them; ``interactions`` with a voxel; and of
        each judged true fragment ``fragment_size``, ``fragment_found``, the share of it that is in
        one found fragment, and ``fragment_class``.

        Raises:
            DataError: Predictions are not of these voxels.
        """
        for row in range(samples.rows):
            _require(predictions["fragment"][row], len(samples["deposit"][row]), samples.ids[row])
        events = [self._event(samples, row) for row in range(samples.rows)]
        columns = {name: np.array([one[name] for one in events], np.float64) for name in _COLUMNS}
        called = predictions
        if "semantic" in samples:
            called = predictions.with_columns({"semantic": samples["semantic"]})
        return Table(
            {
                "id": samples.ids,
                **columns,
                **measure_fragments(samples, called, self.names),
                **self._sizes(samples, predictions),
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers; a share of nothing is not defined."""
        ari = rows["fragment_ari"][:, 0]
        known = ari[~np.isnan(ari)]
        good = float(np.mean(known > GOOD_ARI)) if len(known) else float("nan")
        name = f"events of a fragment ARI above {100 * GOOD_ARI:g} %"
        return (*fragment_numbers(rows, self.names), percent(name, good))

    def _event(self, samples: Table, row: int) -> Mapping[str, float]:
        energy = samples["deposit"][row].astype(np.float64)
        signal = np.ones(len(energy), np.bool_)
        if "semantic" in samples:
            signal = samples["semantic"][row] != GHOST
        interactions = np.nan
        if "interaction" in samples:
            number = samples["interaction"][row]
            interactions = len(np.unique(number[number >= 0]))
        return {
            "voxels": float(signal.sum()),
            "visible_energy": float(energy[signal].sum()),
            "interactions": float(interactions),
        }

    def _sizes(self, samples: Table, predictions: Table) -> dict[str, Any]:
        """Of each judged true fragment, ragged."""
        events = []
        if {"fragment", "semantic"} <= set(samples):
            events = [self._fragments(samples, predictions, row) for row in range(samples.rows)]
        lengths = [len(one[0]) for one in events] or [0] * samples.rows
        offsets = offsets_of(lengths)
        empty: NDArray[np.float32] = np.zeros(0, np.float32)
        return {
            name: Ragged(np.concatenate([empty, *(one[at] for one in events)]), offsets)
            for at, name in enumerate(_SIZES)
        }

    def _fragments(
        self, samples: Table, predictions: Table, row: int
    ) -> tuple[NDArray[np.float32], ...]:
        true, kind = samples["fragment"][row], samples["semantic"][row]
        judged = (true >= 0) & np.isin(kind, self.classes)
        found = predictions["fragment"][row][judged].astype(np.int64)
        overlaps, _ = overlaps_of_found(true[judged], found)
        best, _ = overlaps.best_overlaps()
        _, first = np.unique(true[judged], return_index=True)
        size = overlaps.true_size
        share = best / np.maximum(size, 1)
        return tuple(one.astype(np.float32) for one in (size, share, kind[judged][first]))


_COLUMNS = ("voxels", "visible_energy", "interactions")


def _require(found: NDArray[Any], voxels: int, event: Any) -> None:
    if len(found) != voxels:
        raise DataError(
            f"fragments of {len(found)} voxels are predicted for {voxels}",
            where=f"event {int(event)}",
            remedy="predict on the samples that are measured, with one value for each voxel",
        )
