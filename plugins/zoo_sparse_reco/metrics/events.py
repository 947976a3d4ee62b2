"""What is measured of an event, and the numbers of many.

A row holds counts and distances, so that numbers of many rows are those of all their voxels and
points together; only measures of clusterings are means over events. What a model does not tell, or
the data do not know, has no numbers: they are not defined, and nobody is compared in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from zoo.api import DataError, Metrics, Number, Table
from zoo_sparse_reco.metrics.fragments import (
    fragment_numbers,
    measure_fragments,
    michel_numbers,
)
from zoo_sparse_reco.metrics.numbers import MACRO_F1
from zoo_sparse_reco.metrics.points import POINT_FIELDS, measure_points, point_numbers
from zoo_sparse_reco.metrics.segmentation import (
    CONFUSION,
    CONFUSION_ENERGY,
    confusions,
    segmentation_numbers,
)
from zoo_sparse_reco.physics.labels import GHOST, class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["EventMetrics"]

_REMEDY = "predict on the samples that are measured, with one value for each voxel"


class EventMetrics(Metrics):
    """Macro F1 (primary), accuracy, precision, IoU and confusions of classes; ghosts; points; ARI.

    Binned in the number of voxels, the visible energy, the number of particles, and the share of
    ghosts. The names of the classes are those of the data's scheme.
    """

    needs: ClassVar[frozenset[str]] = frozenset(
        {"deposit", "semantic", "fragment", "particle", *POINT_FIELDS}
    )
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "voxels": (0, 500, 1000, 2000, 4000, 8000, 16_000, 64_000),
        "visible_energy": (0, 250, 500, 1000, 2000, 4000, 16_000),
        "particles": (0, 3, 6, 10, 15, 25, 50, 200),
        "ghosts": (0, 0.3, 0.6, 0.7, 0.8, 0.9, 1),
    }
    primary: ClassVar[str] = MACRO_F1

    def __init__(self, facts: Mapping[str, object]) -> None:
        """``facts``: with the grid, whose scheme names the classes."""
        super().__init__(facts)
        self.names = class_names(grid_of(facts).scheme)

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Counts of every event.

        Columns: :data:`~zoo_sparse_reco.metrics.segmentation.CONFUSION` and its energy; those of
        points and fragments; ``voxels`` that are no ghosts; ``visible_energy``, MeV, in them;
        ``particles`` with a voxel; ``ghosts``, their share of the voxels, NaN where there is none.

        Raises:
            DataError: Predictions are not of these voxels, or are no classes.
        """
        events = [self._event(samples, predictions, row) for row in range(samples.rows)]
        counts = {
            name: np.array([one[name] for one in events], np.float64).reshape(samples.rows, *shape)
            for name, shape in _SHAPES.items()
        }
        return Table(
            {
                "id": samples.ids,
                **counts,
                **measure_points(samples, predictions),
                **measure_fragments(samples, predictions, self.names),
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers; a share of nothing is not defined."""
        return (
            *segmentation_numbers(rows, self.names),
            *point_numbers(rows, self.names),
            *fragment_numbers(rows, self.names),
            *michel_numbers(rows),
        )

    def _event(self, samples: Table, predictions: Table, row: int) -> Mapping[str, Any]:
        energy, found = samples["deposit"][row], predictions["semantic"][row]
        if "semantic" in samples:
            true = samples["semantic"][row]
        else:
            true = np.full(len(energy), -1, np.int8)
        _require(found, len(energy), f"event {int(samples.ids[row])}")
        signal = true != GHOST
        particle = samples["particle"][row] if "particle" in samples else np.empty(0, np.int32)
        ghosts = float(np.mean(~signal)) if len(true) else 0.0
        return {
            **confusions(true, found, energy),
            "voxels": signal.sum(),
            "visible_energy": energy[signal].sum(dtype=np.float64),
            "particles": len(np.unique(particle[particle >= 0])) if len(particle) else np.nan,
            "ghosts": ghosts or np.nan,
        }


_SHAPES: Mapping[str, tuple[int, ...]] = {
    CONFUSION: (GHOST + 1, GHOST + 1),
    CONFUSION_ENERGY: (GHOST + 1, GHOST + 1),
    "voxels": (),
    "visible_energy": (),
    "particles": (),
    "ghosts": (),
}


def _require(found: Any, voxels: int, where: str) -> None:
    if len(found) != voxels:
        raise DataError(
            f"classes of {len(found)} voxels are predicted for {voxels}",
            where=where,
            remedy=_REMEDY,
        )
    if voxels and not (found.min() >= 0 and found.max() <= GHOST):
        raise DataError(
            f"predicted classes are {found.min()} to {found.max()}",
            where=where,
            remedy=f"0 to 4, and {GHOST} for a ghost",
        )
