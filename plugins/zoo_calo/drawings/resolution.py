"""Linearity and resolution of the calibrated energy, as deposited and as read out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_calo.digi.levels import Level
from zoo_calo.drawings.response import ticks
from zoo_calo.drawings.styles import REFERENCE_STROKE, shortened, stroke

__all__ = ["resolutions"]

_TITLES = {"sim": "all deposits (SIM)", "digi": "as read out (digi)"}


def resolutions(found: Mapping[str, Mapping[str, Level]]) -> Drawing:
    """A column for each level; the first sample is the reference."""
    figure = Figure(figsize=(10.0, 7.0), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey="row")
    data: dict[str, NDArray[np.float64]] = {}
    for place, (name, of) in enumerate(found.items()):
        line, mark = REFERENCE_STROKE if place == 0 else stroke("model", place - 1)
        style = {"markersize": 4, **line, **mark, "label": shortened(name, 40)}
        for column, level in enumerate(_TITLES):
            peaks = [point.mean90 for point in of[level].points]
            energy = np.array([point.energy for point in of[level].points])
            mean = np.array([peak.mean for peak in peaks])
            bias = 100 * (mean - 1)
            width = 100 * np.array([peak.resolution for peak in peaks])
            error = 100 * np.array([peak.mean_error for peak in peaks])
            axes[0, column].errorbar(energy, bias, error, **style)
            error = 100 * np.array([peak.width_error for peak in peaks]) / mean
            axes[1, column].errorbar(energy, width, error, **style)
            data[f"{name} {level}: energy [GeV]"] = energy
            data[f"{name} {level}: mean90 / E - 1 [%]"] = bias
            data[f"{name} {level}: rms90 / mean90 [%]"] = width
    for column, title in enumerate(_TITLES.values()):
        axes[0, column].set(title=title)
        axes[0, column].axhline(0, color="0.4", linewidth=0.8)
        axes[1, column].set(xlabel="energy [GeV]", xscale="log", ylim=(0, None))
        ticks(
            axes[1, column], np.array([p.energy for p in next(iter(found.values()))["sim"].points])
        )
    axes[0, 0].set(ylabel="mean90 / E - 1 [%]")
    axes[1, 0].set(ylabel="rms90 / mean90 [%]")
    for one in axes.ravel():
        one.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=8.5, frameon=False)
    return Drawing(
        name="resolution",
        caption="Calibrated energy over that of the particle, mean and width of the shortest 90 %, "
        "of all deposits and as read out. The calibration is linear and fitted, at each level, to "
        "other showers of the reference.",
        figure=figure,
        data=data,
    )
