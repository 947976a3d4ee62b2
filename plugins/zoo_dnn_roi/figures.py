"""Figures of DNN-ROI: numbers against angle and energy, showers, pixels, and event displays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table
from zoo_dnn_roi.drawings.binned import (
    ANGLE,
    AXES,
    CHARGE,
    SHOWER,
    VISIBLE,
    WIRE_CELL,
    against,
)
from zoo_dnn_roi.drawings.displays import display
from zoo_dnn_roi.drawings.profiles import shower_profile
from zoo_dnn_roi.drawings.purity import efficiency_purity
from zoo_dnn_roi.drawings.styles import styles_of

__all__ = ["RoiFigures"]


class RoiFigures(Figures):
    """Numbers against theta_xz and energy, showers, efficiency and purity, and event displays."""

    needs: ClassVar[frozenset[str]] = frozenset(
        {
            "truth",
            "decon_charge",
            "plane",
            "theta_xz",
            "shower_energy",
            "vertex_wire",
            "vertex_tick",
        }
    )
    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All figures; those against the angle only where samples have one."""
        measured = [one for one in evaluations.values() if one.rows is not None]
        binned = {number.column for one in measured for number in one.numbers}
        showers = any("shower_angle" in one.rows for one in measured if one.rows is not None)
        for axis in (axis for axis in AXES if axis.column in binned):
            yield against(measured, axis, CHARGE)
            yield against(measured, axis, WIRE_CELL)
            if showers and axis is not VISIBLE:
                yield against(measured, axis, SHOWER)
        if showers:
            yield shower_profile(measured)
        if ANGLE.column in binned:
            yield efficiency_purity(measured)
        if samples is not None and "truth" in samples:
            shown = {one.model: predictions[one.model]["charge"] for one in measured}
            for row in range(samples.rows):
                charges = {name: charge[row] for name, charge in shown.items()}
                yield display(samples, charges, row, styles_of(measured))
