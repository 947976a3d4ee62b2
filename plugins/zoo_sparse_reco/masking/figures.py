"""Figures of the masked voxels: the numbers with intervals, and what was seen, told and true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_sparse_reco.drawings.styles import styles_of
from zoo_sparse_reco.masking.displays import display
from zoo_sparse_reco.masking.drawings import against_size, energies, numbers_of_all
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["MaskedFigures"]


class MaskedFigures(Figures):
    """What the rows show, and a few events: what was seen, the truth, and what models told."""

    needs: ClassVar[frozenset[str]] = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})
    displays: ClassVar[int] = 3

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All figures of what is known; displays of every event with a voxel."""
        grid = grid_of(self.facts)
        measured = [one for one in evaluations.values() if one.rows is not None]
        if not measured:
            return
        styles = styles_of(measured)
        yield numbers_of_all(measured, styles)
        binned = against_size(measured, styles)
        if binned is not None:
            yield binned
        if samples is None:
            return
        shown = {one.model: predictions[one.model] for one in measured if one.model in predictions}
        if not shown:
            return
        yield energies(samples, shown)
        for row in range(samples.rows):
            if len(samples["deposit"][row]):
                yield display(samples, shown, row, grid, f"event-{row + 1}")
