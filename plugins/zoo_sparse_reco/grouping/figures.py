"""Figures of groupings: clusterings, scores of edges, kinds of particles, and event displays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.api import Drawing, Evaluation, Figures, Ragged, Table
from zoo_sparse_reco.drawings.displays import display
from zoo_sparse_reco.drawings.styles import styles_of
from zoo_sparse_reco.drawings.views import CLASS, event_of
from zoo_sparse_reco.grouping.drawings.answers import edge_scores, kinds
from zoo_sparse_reco.grouping.drawings.clusterings import (
    against_interactions,
    distributions,
    stages_told,
)
from zoo_sparse_reco.grouping.stages import ALL_STAGES, STAGES, common_classes, of_stage
from zoo_sparse_reco.physics.labels import class_names
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["GroupFigures"]


class GroupFigures(Figures):
    """What the rows show, and a few events coloured by group, truth and models side by side."""

    needs: ClassVar[frozenset[str]] = frozenset(
        {"voxel_x", "voxel_y", "voxel_z", "deposit", "semantic", "input_semantic"}
        | {stage.group for stage in STAGES}
        | {f"point_{name}" for name in ("x", "y", "z", "semantic", "end")}
    )
    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """Of the stages that networks tell; displays of every event with a voxel."""
        measured = [one for one in evaluations.values() if one.rows is not None]
        stages = stages_told(measured)
        if not stages:
            return
        styles = styles_of(measured)
        yield distributions(measured, styles, stages)
        for drawing in (
            against_interactions(measured, styles, stages),
            edge_scores(measured, stages),
            kinds(measured) if "interaction" in stages else None,
        ):
            if drawing is not None:
                yield drawing
        if samples is not None:
            shown = {
                one.model: predictions[one.model] for one in measured if one.model in predictions
            }
            yield from self._displays(samples, shown, stages)

    def _displays(
        self, samples: Table, predictions: Mapping[str, Table], stages: Sequence[str]
    ) -> Iterable[Drawing]:
        grid = grid_of(self.facts)
        names = class_names(grid.scheme)
        true = samples.with_columns(_true_groups(samples, grid.scheme))
        found = {name: table.with_columns(_groups(table)) for name, table in predictions.items()}
        for row in range(samples.rows):
            event = event_of(true, found, row, by=stages)
            if len(event.place) and event.views:
                yield display(event, grid, names, f"event-{row + 1}", by=(*stages, CLASS))


def _true_groups(samples: Table, scheme: str) -> dict[str, Ragged]:
    """By the name of the stage; -1 at voxels of other classes."""
    if "semantic" not in samples:
        return {}
    classes = common_classes(samples["semantic"].values, scheme)
    found = {}
    for stage in STAGES:
        if stage.group in samples:
            column: Ragged = samples[stage.group]
            inside = np.isin(classes, stage.classes)
            found[stage.name] = Ragged(np.where(inside, column.values, -1), column.offsets)
    return found


def _groups(predictions: Table) -> dict[str, Ragged]:
    """By the name of the stage, of those that a model does."""
    done = {int(one) for one in predictions["stage"]}
    return {
        stage.name: of_stage(predictions, "group", stage.number)
        for stage in STAGES
        if done & {stage.number, ALL_STAGES}
    }
