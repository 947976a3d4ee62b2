"""Figures of events: confusions, F1 of classes, points, fragments, ghosts, and event displays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_sparse_reco.drawings.classes import against_size, class_f1
from zoo_sparse_reco.drawings.confusions import confusion_matrices
from zoo_sparse_reco.drawings.displays import display
from zoo_sparse_reco.drawings.distributions import ghosts, measures_of_fragments, point_distances
from zoo_sparse_reco.drawings.styles import styles_of
from zoo_sparse_reco.drawings.views import event_of
from zoo_sparse_reco.metrics.points import POINT_FIELDS
from zoo_sparse_reco.physics.labels import class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["EventFigures"]


class EventFigures(Figures):
    """What the rows show, and a few events side by side, which can be turned in a report."""

    needs: ClassVar[frozenset[str]] = frozenset(
        {"voxel_x", "voxel_y", "voxel_z", "deposit", "semantic", "fragment", *POINT_FIELDS}
    )
    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All figures of what is known; displays of every event with a voxel."""
        grid = grid_of(self.facts)
        names = class_names(grid.scheme)
        measured = [one for one in evaluations.values() if one.rows is not None]
        if not measured:
            return
        styles = styles_of(measured)
        yield class_f1(measured, styles, names)
        yield confusion_matrices(measured, names)
        for drawing in (
            against_size(measured, styles),
            ghosts(measured, styles),
            point_distances(measured, styles),
            measures_of_fragments(measured, styles),
        ):
            if drawing is not None:
                yield drawing
        if samples is None:
            return
        shown = {one.model: predictions[one.model] for one in measured if one.model in predictions}
        for row in range(samples.rows):
            event = event_of(samples, shown, row)
            if len(event.place) and event.views:
                yield display(event, grid, names, f"event-{row + 1}")
