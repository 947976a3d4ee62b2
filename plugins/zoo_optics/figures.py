"""Figures of optics: errors of the visibility, and flashes on the unrolled wall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_optics.drawings.curves import curve
from zoo_optics.drawings.displays import display
from zoo_optics.drawings.errors import BRIGHTNESS, DISTANCE, against
from zoo_optics.drawings.maps import probe_map
from zoo_optics.drawings.times import residuals
from zoo_optics.physics.detector import detector_of
from zoo_optics.profiles import VISIBILITY_EDGES, distance_edges

__all__ = ["OpticsFigures"]

_SHOWN = 4  # models of a display


class OpticsFigures(Figures):
    """Errors against distance and visibility, and displays of flashes."""

    needs: ClassVar[frozenset[str]] = frozenset({"charge", "photons", "position", "expected"})
    displays: ClassVar[int] = 3

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """Errors by distance; where the truth is known by visibility and a map; times; displays."""
        measured = [one for one in evaluations.values() if one.rows is not None]
        detector = detector_of(self.facts)
        if measured:
            yield against(measured, DISTANCE, distance_edges(detector))
        if any("probe" in one.rows for one in measured if one.rows is not None):
            yield against(measured, BRIGHTNESS, VISIBILITY_EDGES)
            yield probe_map(detector, measured[:_SHOWN])
        times = residuals(detector, measured)
        if times is not None:
            yield times
        if samples is None:
            return
        shown = {one.model: predictions[one.model]["charge"] for one in measured[:_SHOWN]}
        every = {one.model: predictions[one.model]["charge"] for one in measured}
        for row in range(samples.rows):
            few, all_of = ({m: c[row] for m, c in part.items()} for part in (shown, every))
            yield display(detector, samples, few, row, measured)
            yield curve(detector, samples, all_of, row, measured)
