"""Figures of optics: errors of the visibility, and flashes on the unrolled wall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_optics.drawings.curves import curve
from zoo_optics.drawings.displays import display
from zoo_optics.drawings.errors import BRIGHTNESS, DISTANCE, against
from zoo_optics.drawings.maps import probe_map
from zoo_optics.drawings.times import residuals
from zoo_optics.physics.detector import Detector, Sensors, alive_of, detector_of
from zoo_optics.profiles import VISIBILITY_EDGES, distance_edges, probe_of

__all__ = ["OpticsFigures"]

_SHOWN = 4  # models of a display


class OpticsFigures(Figures):
    """Errors against distance and visibility, and displays of flashes."""

    needs: ClassVar[frozenset[str]] = frozenset(
        {"charge", "photons", "position", "expected", "alive"}
    )
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
            probe = probe_of(detector, alive_of(self.facts))
            yield probe_map(detector, probe, measured[:_SHOWN])
        times = residuals(detector, measured)
        if times is not None:
            yield times
        if samples is None:
            return
        shown = {one.model: predictions[one.model]["charge"] for one in measured[:_SHOWN]}
        every = {one.model: predictions[one.model]["charge"] for one in measured}
        for row in range(samples.rows):
            alive = _alive(samples, row)
            few, all_of = ({m: c[row, alive] for m, c in part.items()} for part in (shown, every))
            seen_by, part = _of(detector, alive), _columns(samples, alive)
            one = display(seen_by, part, few, row, measured)
            yield replace(one, data={**one.data, "sensor": alive.astype(np.float64)})
            yield curve(seen_by, part, all_of, row, measured)


def _alive(samples: Table, row: int) -> NDArray[np.intp]:
    """Numbers of the sensors that are alive in one sample."""
    sensors = samples["charge"].shape[1]
    return np.flatnonzero(samples["alive"][row]) if "alive" in samples else np.arange(sensors)


def _of(detector: Detector, chosen: NDArray[np.intp]) -> Detector:
    """The same detector with some of its sensors."""
    all_of = detector.sensors
    sensors = Sensors(all_of.position_cm[chosen], all_of.direction[chosen], all_of.radius_cm)
    return replace(detector, sensors=sensors)


def _columns(samples: Table, chosen: NDArray[np.intp]) -> Table:
    """The same samples with charges of some sensors."""
    names = (name for name in ("charge", "expected") if name in samples)
    return samples.with_columns({name: samples[name][:, chosen] for name in names})
