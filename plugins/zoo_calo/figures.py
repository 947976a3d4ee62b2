"""Figures of calo: the pictures by which the community judges generated showers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_calo.drawings.cores import core_scan
from zoo_calo.drawings.correlations import correlation_matrices
from zoo_calo.drawings.distances import js_distances
from zoo_calo.drawings.observables import observables, occupancies
from zoo_calo.drawings.overlays import event_display, overlays
from zoo_calo.drawings.response import against_angle, against_energy
from zoo_calo.drawings.styles import Shown, of_evaluations
from zoo_calo.physics.grid import Grid, grid_of

__all__ = ["CaloFigures", "of_samples"]

_OVERLAID = 64
_DISPLAYED = 2


class CaloFigures(Figures):
    """Distances, observables, occupancy, response, correlations, cores, overlays, displays."""

    needs: ClassVar[frozenset[str]] = frozenset({"energy", "theta", "cell", "deposit"})
    displays: ClassVar[int] = _OVERLAID

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All that the showers tell; overlays are means of the showers of displays."""
        grid = grid_of(self.facts)
        measured = [one for one in evaluations.values() if one.rows is not None]
        if measured:
            yield js_distances(grid, measured)
            reference, models = of_evaluations(measured)
            yield from of_samples(grid, reference, models)
        if samples is None:
            return
        made = {one.model: predictions[one.model] for one in measured if one.model in predictions}
        yield overlays(grid, samples, made)
        for row in np.unique(np.linspace(0, samples.rows - 1, _DISPLAYED).astype(int)):
            yield event_display(grid, samples, made, int(row))


def of_samples(grid: Grid, reference: Shown, models: Sequence[Shown]) -> Iterator[Drawing]:
    """Figures of observables, of any samples; those that have nothing to show are left out."""
    yield from observables(grid, reference, models)
    for drawing in (
        occupancies(grid, reference, models),
        against_energy(reference, models),
        against_angle(reference, models),
        correlation_matrices(reference, models),
        core_scan(grid, reference, models),
    ):
        if drawing is not None:
            yield drawing
