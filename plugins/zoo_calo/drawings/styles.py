"""What is drawn of a model, and how: networks in colour, baselines black, oracles grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from zoo.api import Evaluation, Table

__all__ = [
    "REFERENCE",
    "REFERENCE_STROKE",
    "Shown",
    "legend",
    "of_evaluations",
    "of_pair",
    "shortened",
    "stroke",
]

Array = NDArray[np.float64]

REFERENCE = "0.82"
"""Colour of the filled histograms of the reference."""

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, distinguishable for the colour-blind."""
_MARKERS = "osD^vP"
REFERENCE_STROKE: tuple[dict[str, Any], dict[str, Any]] = (
    {"color": "0.3", "linestyle": "-", "linewidth": 1.0},
    {"marker": "o"},
)
_DASHES = {"baseline": ("--", "-."), "oracle": (":", (0, (1, 3)))}


@dataclass(frozen=True, eq=False)
class Shown:
    """Showers of one origin.

    Attributes:
        label: In legends.
        line: Keywords of a line.
        mark: Those of its points, beside them.
        columns: Of :func:`zoo_calo.observables.observed.observed`.
        energy: (N,), GeV.
        theta: (N,), degrees, NaN where unknown.
    """

    label: str
    line: Mapping[str, Any]
    mark: Mapping[str, Any]
    columns: Mapping[str, Any]
    energy: Array
    theta: Array

    @property
    def points(self) -> dict[str, Any]:
        """Keywords of a line with points."""
        return {"marker": "o", "markersize": 4, **self.line, **self.mark}

    def where(self, chosen: NDArray[np.bool_]) -> Shown:
        """Some of the showers."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        energy, theta = self.energy[chosen], self.theta[chosen]
        return Shown(self.label, self.line, self.mark, columns, energy, theta)


def of_evaluations(evaluations: Sequence[Evaluation]) -> tuple[Shown, list[Shown]]:
    """The reference, and the models, of evaluations with rows; at least one."""
    models: list[Shown] = []
    seen: dict[str, int] = {}
    for one in evaluations:
        if one.rows is None:
            continue
        place = seen[one.role] = seen.get(one.role, -1) + 1
        label = shortened(one.model, 40)
        label = label if one.role == "model" else f"{label} ({one.role})"
        models.append(_side(one.rows, "made", label, *stroke(one.role, place)))
    first = next(one.rows for one in evaluations if one.rows is not None)
    return _side(first, "true", "reference", *REFERENCE_STROKE), models


def of_pair(
    reference: tuple[Mapping[str, Any], Array, Array],
    generated: tuple[Mapping[str, Any], Array, Array],
    label: str,
) -> tuple[Shown, list[Shown]]:
    """A reference and one generated sample: observables, energy, and theta in degrees of each."""
    line, mark = stroke("model", 0)
    made = Shown(shortened(label, 40), line, mark, generated[0], generated[1], generated[2])
    line, mark = REFERENCE_STROKE
    return Shown("reference", line, mark, reference[0], reference[1], reference[2]), [made]


def legend(figure: Figure, models: Sequence[Shown], *, filled: bool = True) -> None:
    """One legend above all axes: the reference, filled or as points, and the models."""
    handles: list[Any] = [
        Patch(color=REFERENCE, label="reference")
        if filled
        else Line2D([], [], color="0.3", marker="o", markersize=4, label="reference")
    ]
    handles += [
        Line2D([], [], label=one.label, **(one.line if filled else one.points)) for one in models
    ]
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = 5 if longest < 16 else 3 if longest < 34 else 2
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(columns, len(handles)),
        fontsize=8.5,
        frameon=False,
    )


def shortened(name: str, length: int) -> str:
    """The end of a name, which tells runs of one folder apart."""
    return name if len(name) <= length else f"...{name[3 - length :]}"


def stroke(role: str, place: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Line and points of a model."""
    mark = {"marker": _MARKERS[place % len(_MARKERS)]}
    if role == "model":
        colour = _COLOURS[place % len(_COLOURS)]
        return {"color": colour, "linestyle": "-", "linewidth": 1.4}, mark
    dashes = _DASHES[role]
    colour = "black" if role == "baseline" else "0.45"
    line = {"color": colour, "linestyle": dashes[place % len(dashes)], "linewidth": 1.4}
    return line, {**mark, "markerfacecolor": "white"}


def _side(
    rows: Table, side: str, label: str, line: Mapping[str, Any], mark: Mapping[str, Any]
) -> Shown:
    prefix = f"{side}_"
    columns = {name[len(prefix) :]: rows[name] for name in rows if name.startswith(prefix)}
    return Shown(
        label,
        line,
        mark,
        columns,
        rows["energy"].astype(np.float64),
        rows["theta"].astype(np.float64),
    )
