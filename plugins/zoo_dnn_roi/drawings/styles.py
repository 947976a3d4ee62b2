"""How a model is drawn in every figure: networks in colour, baselines black, oracles grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure

from zoo.api import Evaluation

__all__ = ["Style", "legend", "shortened", "styles_of"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, distinguishable for the colour-blind."""
_MARKERS = "osD^vP"
_HOLLOW = "sD^vo"
_SEVENTH = "*X<>hp"  # the colours come again, with other markers


@dataclass(frozen=True)
class Style:
    """Line and marker of a model; ``role`` as in an evaluation."""

    label: str
    role: str
    colour: str
    line: Literal["-", "--", ":"]
    marker: str

    @property
    def strokes(self) -> dict[str, Any]:
        """Keywords of matplotlib's ``plot`` and its relatives."""
        return {
            "color": self.colour,
            "linestyle": self.line,
            "marker": self.marker,
            # Lines of baselines are alike: their markers tell them apart.
            "markerfacecolor": self.colour if self.role == "model" else "white",
        }


def styles_of(evaluations: Sequence[Evaluation]) -> dict[str, Style]:
    """Style by the name of the row."""
    styles: dict[str, Style] = {}
    seen: dict[str, int] = {}
    for one in evaluations:
        place = seen[one.role] = seen.get(one.role, -1) + 1
        hollow = _HOLLOW[place % len(_HOLLOW)]
        if one.role == "baseline":
            style = Style(f"{one.model} (baseline)", one.role, "black", "--", hollow)
        elif one.role == "oracle":
            style = Style(f"{one.model} (oracle)", one.role, "0.55", ":", hollow)
        else:
            row, column = divmod(place, len(_COLOURS))
            marker = (_SEVENTH if row % 2 else _MARKERS)[column]
            style = Style(one.model, one.role, _COLOURS[column], "-", marker)
        styles[one.model] = style
    return styles


def legend(figure: Figure) -> None:
    """One legend above all axes of a figure, with what the first of them shows."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        [shortened(label, 60) for label in labels],
        loc="outside upper center",
        ncols=3 if max(map(len, labels)) < 34 else 2,
        fontsize=8.5,
        frameon=False,
    )


def shortened(name: str, length: int) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= length else f"...{name[3 - length :]}"
