"""Figures of the HA-TPC: momentum, residuals, pulls, and tracks on the pad plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_ha_tpc.drawings.binned import BIAS, RESOLUTION, against_angle, against_momentum
from zoo_ha_tpc.drawings.displays import display, whole_tracks
from zoo_ha_tpc.drawings.histograms import pulls, residuals
from zoo_ha_tpc.drawings.scatter import predicted_against_true
from zoo_ha_tpc.drawings.styles import styles_of
from zoo_ha_tpc.physics.pad_plane import plane_of
from zoo_ha_tpc.specs import TRUTH

__all__ = ["HaTpcFigures"]


class HaTpcFigures(Figures):
    """Predicted against true momentum, widths and biases in bins, residuals, pulls, displays."""

    needs: ClassVar[frozenset[str]] = frozenset(TRUTH) | {
        "hit_row",
        "hit_column",
        "hit_charge",
        "cluster_z",
        "cluster_y",
    }
    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All figures of what the models tell, and the displays."""
        measured = [one for one in evaluations.values() if one.rows is not None]
        styles, plane = styles_of(measured), plane_of(self.facts)
        for drawing in (
            predicted_against_true(measured, styles),
            against_momentum(measured, styles, RESOLUTION, plane.field_tesla),
            against_momentum(measured, styles, BIAS, plane.field_tesla),
            against_angle(measured, styles),
            residuals(measured, styles),
            pulls(measured, styles),
        ):
            if drawing is not None:
                yield drawing
        if samples is None:
            return
        shown = {name: table for name, table in predictions.items() if name in styles}
        tracks = whole_tracks(shown, samples)
        for row in range(samples.rows):
            yield display(samples, tracks, row, styles, plane)
