"""Jensen-Shannon distances of every observable, as measured, their floors, and corrected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_calo.drawings.styles import shortened
from zoo_calo.fidelity.six import OBSERVABLES, distances
from zoo_calo.metrics import PRIMARY, side_of
from zoo_calo.physics.grid import Grid

__all__ = ["js_distances"]

Array = NDArray[np.float64]


def js_distances(grid: Grid, evaluations: Sequence[Evaluation]) -> Drawing:
    """Of all rows: a panel for each model.

    Args:
        grid: Of the showers.
        evaluations: With rows.
    """
    figure = Figure(figsize=(8.4, 0.9 + 2.0 * len(evaluations)), layout="constrained")
    panels = figure.subplots(len(evaluations), 1, sharex=True, squeeze=False).ravel()
    places = np.arange(len(OBSERVABLES) + 1.0)
    data: dict[str, Array] = {"observable": places}
    for panel, one in zip(panels, evaluations, strict=True):
        if one.rows is None:
            continue
        found = distances(
            side_of(one.rows, "true"), side_of(one.rows, "made"), grid.layers, paired=True
        )
        raw = np.array([found[name].raw for name in OBSERVABLES])
        floor = np.array([found[name].floor for name in OBSERVABLES])
        panel.bar(places[:-1], raw, 0.62, color="0.85", label="as measured")
        panel.hlines(
            floor, places[:-1] - 0.38, places[:-1] + 0.38, color="0.35", label="floor at this size"
        )
        value, low, high = _corrected(one)
        bars = np.maximum(np.stack([value - low, high - value]), 0)
        panel.errorbar(
            places, value, np.nan_to_num(bars), fmt="o", color="#0072b2", markersize=4.5,
            capsize=3, label="corrected, 95 %",
        )  # fmt: skip
        panel.set(ylabel="JS distance", ylim=(0, None))
        panel.set_title(shortened(one.model, 60), fontsize=9.5)
        panel.grid(alpha=0.3, axis="y")
        padded = np.full((2, len(places)), np.nan)
        padded[0, :-1], padded[1, :-1] = raw, floor
        data |= {
            f"{one.model} raw": padded[0],
            f"{one.model} floor": padded[1],
            f"{one.model} corrected": value,
            f"{one.model} low": low,
            f"{one.model} high": high,
        }
    names = [name.replace(" ", "\n", 1) for name in OBSERVABLES]
    panels[-1].set_xticks(places, [*names, "all six"])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8.5, frameon=False)
    return Drawing(
        name="js-distances",
        caption="Jensen-Shannon distance (base e) of every observable, means over strata of "
        "energy: bars as measured; lines where samples of one law and of this size would lie; "
        "points the root of the divergence less its floor with 95 % intervals over showers, and of "
        f"all six together ('{PRIMARY}').",
        figure=figure,
        data=data,
    )


def _corrected(one: Evaluation) -> tuple[Array, Array, Array]:
    """Of every observable and of all, with limits, as the numbers of the evaluation tell them."""
    told = {binned.number.name: binned for binned in one.numbers if not binned.column}
    names = [*(f"corrected JS of {name}" for name in OBSERVABLES), PRIMARY]
    chosen = [told[name] for name in names]
    return (
        np.array([binned.number.value for binned in chosen]),
        np.array([binned.low for binned in chosen]),
        np.array([binned.high for binned in chosen]),
    )
