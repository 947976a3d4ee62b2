"""How a model is drawn in every figure: networks in colour, baselines black, oracles grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from zoo.api import Evaluation

__all__ = ["legend", "shortened", "strokes_of"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, distinguishable for the colour-blind."""
_MARKERS = "osD^vP"


def strokes_of(evaluations: Sequence[Evaluation]) -> dict[str, Mapping[str, Any]]:
    """Keywords of matplotlib's ``plot`` by the name of the row."""
    strokes: dict[str, Mapping[str, Any]] = {}
    seen: dict[str, int] = {}
    for one in evaluations:
        place = seen[one.role] = seen.get(one.role, -1) + 1
        colour = _COLOURS[place % len(_COLOURS)]
        line, marker = "-", _MARKERS[(place + place // len(_COLOURS)) % len(_MARKERS)]
        label = shortened(one.model, 40)
        if one.role != "model":
            colour, line = ("black", "--") if one.role == "baseline" else ("0.55", ":")
            label = f"{label} ({one.role})"
        strokes[one.model] = {
            "color": colour,
            "linestyle": line,
            "marker": marker,
            "markerfacecolor": colour if one.role == "model" else "white",
            "markersize": 3.5,
            "linewidth": 1.1,
            "label": label,
        }
    return strokes


def legend(figure: Figure) -> None:
    """One legend above all axes of a figure, with what the first of them shows."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=3 if max(map(len, labels), default=0) < 34 else 2,
        fontsize=8.5,
        frameon=False,
    )


def shortened(name: str, length: int) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= length else f"...{name[3 - length :]}"
