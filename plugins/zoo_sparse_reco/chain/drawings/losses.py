"""Where efficiency is lost: numbers against how many stages are the models'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.api import Drawing
from zoo_sparse_reco.chain.stages import STAGES, TRUTH

__all__ = ["losses_drawing"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73")
_MARKERS = "osD"
_SHOWN = ("ARI", "efficiency", "purity")


def losses_drawing(told: Mapping[str, Any]) -> Drawing:
    """Particles and interactions with one stage after another of the models, and each alone.

    Args:
        told: What :func:`~zoo_sparse_reco.chain.judging.losses.stage_losses` gave.
    """
    names = [stage.name for stage in STAGES]
    steps = [TRUTH, *(f"up to {name}" for name in names)]
    alone = [TRUTH, f"up to {names[0]}", *(f"{name} alone" for name in names[1:])]
    figure = Figure(figsize=(9.0, 6.4), layout="constrained")
    places = figure.subplots(2, 2, sharex="col", sharey="row")
    columns: dict[str, Any] = {"stages of models": np.arange(len(steps))}
    for line, level in enumerate(("particle", "interaction")):
        for column, (rows, title) in enumerate(((steps, "up to a stage"), (alone, "one stage"))):
            place = places[line, column]
            for colour, marker, what in zip(_COLOURS, _MARKERS, _SHOWN, strict=True):
                values = _column(told, rows, f"{level} {what}")
                at = np.arange(len(rows)) + (_SHOWN.index(what) - 1) * 0.08
                low, high = (
                    np.maximum(part, 0) for part in (values[0] - values[1], values[2] - values[0])
                )
                place.errorbar(
                    at,
                    values[0],
                    yerr=np.stack([low, high]),
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    linewidth=1.2,
                    linestyle="-" if column == 0 else "none",
                    label=what,
                )
                columns[f"{level} {what}, {title}"] = values[0]
            place.grid(alpha=0.3)
            if line == 0:
                place.set_title(f"models: {title}", fontsize=10)
            if column == 0:
                place.set_ylabel(f"{level}s", fontsize=10)
            place.set_xticks(range(len(rows)), [TRUTH, *names], rotation=30, fontsize=8.5)
    places[0, 0].legend(fontsize=8.5, frameon=False)
    return Drawing(
        name="stage-losses",
        caption=f"Agreement with the truth of {told['events']} events, with the truth in the place "
        "of all stages, of those after a stage (left), and of all but one (right). Bars are 95 % "
        "intervals over events.",
        figure=figure,
        data=columns,
    )


def _column(told: Mapping[str, Any], rows: list[str], name: str) -> Any:
    """Value and interval of a number in some rows, (3, rows); an unknown interval has no width."""
    found = []
    for row in rows:
        one = told["rows"][row][name]
        value = np.nan if one["value"] is None else one["value"]
        found.append([value if one[key] is None else one[key] for key in ("value", "low", "high")])
    return np.array(found, np.float64).T
