"""How a model is drawn in every figure: networks in colour, baselines black, oracles grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zoo.api import Evaluation

__all__ = ["Style", "legend", "shortened", "styles_of"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, distinguishable for the colour-blind."""
_MARKERS = "osD^vP"
_DASHES = {
    "baseline": ("--", "-.", (0, (5, 2, 1, 2, 1, 2)), (0, (14, 4))),
    "oracle": (":", (0, (1, 3))),
}
"""In the order of rows; displays have lines alone, so that no marker tells baselines apart."""


@dataclass(frozen=True)
class Style:
    """Of one model.

    Attributes:
        label: In legends.
        line: Keywords of a line without points.
        points: Keywords of a line with points.
        filled: Whether it is a network.
    """

    label: str
    line: dict[str, Any]
    points: dict[str, Any]
    filled: bool

    @property
    def colour(self) -> str:
        """Of line and points."""
        return str(self.line["color"])


def styles_of(evaluations: Sequence[Evaluation]) -> dict[str, Style]:
    """Style by the name of the row."""
    styles: dict[str, Style] = {}
    seen: dict[str, int] = {}
    for one in evaluations:
        place = seen[one.role] = seen.get(one.role, -1) + 1
        marker = _MARKERS[(place + place // len(_COLOURS)) % len(_MARKERS)]
        label, face = shortened(one.model, 44), "white"
        line: dict[str, Any] = {"linewidth": 1.3}
        if one.role == "model":
            face = _COLOURS[place % len(_COLOURS)]
            line |= {"color": face, "linestyle": "-"}
        else:
            label = f"{label} ({one.role})"
            dashes = _DASHES[one.role]
            colour = "black" if one.role == "baseline" else "0.5"
            line |= {"color": colour, "linestyle": dashes[place % len(dashes)]}
        points = {**line, "marker": marker, "markersize": 4, "markerfacecolor": face}
        styles[one.model] = Style(label, line, points, filled=one.role == "model")
    return styles


def legend(figure: Figure, styles: Sequence[Style], *others: Line2D, points: bool = True) -> None:
    """One legend above all axes of a figure.

    Args:
        figure: With a constrained layout.
        styles: Of the models.
        others: Lines with labels that are drawn besides.
        points: Whether models are drawn with points.
    """
    handles = [
        Line2D([], [], label=style.label, **(style.points if points else style.line))
        for style in styles
    ]
    handles += others
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(4 if longest < 24 else 3 if longest < 34 else 2, max(len(handles), 1)),
        fontsize=8.5,
        frameon=False,
    )


def shortened(name: str, length: int) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= length else f"...{name[3 - length :]}"
