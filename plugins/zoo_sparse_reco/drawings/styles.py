"""How models and classes are drawn in every figure.

Networks are in colour, baselines black, oracles grey. Colours of classes are those of Okabe and
Ito, distinguishable for the colour-blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zoo.api import BinnedNumber, Evaluation

__all__ = ["CLASS_COLOURS", "Style", "class_colours", "legend", "overall", "shortened", "styles_of"]

CLASS_COLOURS: Mapping[str, str] = {
    "shower": "#0072b2",
    "track": "#d55e00",
    "michel": "#009e73",
    "delta": "#b8860b",
    "low-energy": "#8c9399",
    "hip": "#7b3294",
    "mip": "#d55e00",
    "ghost": "#d3d3d3",
    "unknown": "#000000",
}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_MARKERS = "osD^vP"
_DASHES: Mapping[str, Sequence[Any]] = {
    "baseline": ("--", "-.", (0, (5, 1))),
    "oracle": (":", (0, (1, 3))),
}


@dataclass(frozen=True)
class Style:
    """Of one model: its label in legends, and keywords of a line without and with points."""

    label: str
    line: Mapping[str, Any]
    points: Mapping[str, Any]


def class_colours(names: Sequence[str]) -> list[str]:
    """Of the five classes, of ghosts and of the unknown, (7,)."""
    return [CLASS_COLOURS[name] for name in (*names, "ghost", "unknown")]


def styles_of(evaluations: Sequence[Evaluation]) -> dict[str, Style]:
    """Style by the name of the row."""
    styles: dict[str, Style] = {}
    seen: dict[str, int] = {}
    for one in evaluations:
        place = seen[one.role] = seen.get(one.role, -1) + 1
        label, face = shortened(one.model, 40), "white"
        line: dict[str, Any] = {"linewidth": 1.4}
        if one.role == "model":
            face = _COLOURS[place % len(_COLOURS)]
            line |= {"color": face, "linestyle": "-"}
        else:
            label = f"{label} ({one.role})"
            dashes = _DASHES[one.role]
            line |= {
                "color": "black" if one.role == "baseline" else "0.55",
                "linestyle": dashes[place % len(dashes)],
            }
        marker = _MARKERS[(place + place // len(_COLOURS)) % len(_MARKERS)]
        points = {**line, "marker": marker, "markersize": 5, "markerfacecolor": face}
        styles[one.model] = Style(label, line, points)
    return styles


def legend(figure: Figure, styles: Sequence[Style], *, points: bool, most: int = 4) -> None:
    """One legend, of at most so many columns, above all axes of a constrained layout."""
    handles = [
        Line2D([], [], label=style.label, **(style.points if points else style.line))
        for style in styles
    ]
    longest = max((len(style.label) for style in styles), default=0)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(most, 4 if longest < 24 else 3 if longest < 34 else 2, max(len(handles), 1)),
        fontsize=8.5,
        frameon=False,
    )


def overall(evaluation: Evaluation) -> dict[str, BinnedNumber]:
    """Numbers of all rows by name."""
    return {one.number.name: one for one in evaluation.numbers if not one.column}


def shortened(name: str, length: int) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= length else f"...{name[3 - length :]}"
