"""Figures of clusterings: agreement by event, class and size, and displays with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_sparse_reco.clustering.drawings import against_fragment_size, measures_by_class
from zoo_sparse_reco.clustering.metrics import ARI
from zoo_sparse_reco.drawings.classes import against_size
from zoo_sparse_reco.drawings.displays import display
from zoo_sparse_reco.drawings.distributions import measures_of_fragments
from zoo_sparse_reco.drawings.styles import styles_of
from zoo_sparse_reco.drawings.views import CLASS, event_of
from zoo_sparse_reco.physics.labels import class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["ClusterFigures"]

_AXES = (
    ("voxels", "voxels that are no ghosts"),
    ("visible_energy", "visible energy [MeV]"),
    ("interactions", "interactions"),
)


class ClusterFigures(Figures):
    """What the rows show, and a few events by fragment, which can be turned in a report."""

    needs: ClassVar[frozenset[str]] = frozenset(
        {"voxel_x", "voxel_y", "voxel_z", "deposit", "semantic", "fragment", "input_semantic"}
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
        for drawing in (
            measures_of_fragments(measured, styles),
            measures_by_class(measured, styles, names),
            against_fragment_size(measured, styles, names),
            against_size(measured, styles, (ARI, "fragment efficiency"), _AXES),
        ):
            if drawing is not None:
                yield drawing
        if samples is None:
            return
        shown = {one.model: predictions[one.model] for one in measured if one.model in predictions}
        for row in range(samples.rows):
            event = event_of(samples, shown, row)
            if len(event.place) and event.views:
                yield display(event, grid, names, f"event-{row + 1}", ("fragment", CLASS))
