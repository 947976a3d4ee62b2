"""Numbers against momentum for tracks of several lengths, and against the angle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation, Table
from zoo_ha_tpc.drawings.scatter import momentum_axis
from zoo_ha_tpc.drawings.styles import Style, legend
from zoo_ha_tpc.metrics import LENGTHS_MM, PRIMARY, crossing
from zoo_ha_tpc.physics.resolution import limit

__all__ = ["BIAS", "RESOLUTION", "Content", "against_angle", "against_momentum"]

Array = NDArray[np.float64]

_LIMIT = Line2D([], [], color="#b8860b", linewidth=2.2, alpha=0.8, label="textbook curve")
_COLUMNS = 3
_LINEAR = 5.0  # percent of bias: the axis is linear up to there
_BIASES = (-200, -100, -50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a figure against momentum shows.

    Attributes:
        drawing: Its name.
        number: Of the metrics.
        label: Of the vertical axis.
        text: For the caption.
        limit: Whether it is a width, with a limit, on a logarithmic axis.
    """

    drawing: str
    number: str
    label: str
    text: str
    limit: bool


RESOLUTION = Content(
    drawing="resolution",
    number=PRIMARY,
    label="s68 of $1/p_t$ [%]",
    text="Half of the central 68 % interval of the relative residual of 1/p_t",
    limit=True,
)
BIAS = Content(
    drawing="bias",
    number="bias of 1/p_t",
    label="bias of $1/p_t$ [%]",
    text="Median of the relative residual of 1/p_t",
    limit=False,
)
_AGAINST_ANGLE = (
    (PRIMARY, "s68 of $1/p_t$ [%]"),
    ("s68 of sin(phi)", r"s68 of $\sin\phi$ [$10^{-3}$]"),
    ("s68 of y_ini", "s68 of $y_{ini}$ [mm]"),
    ("s68 of z_ini", "s68 of $z_{ini}$ [mm]"),
)


def against_momentum(
    evaluations: Sequence[Evaluation],
    styles: Mapping[str, Style],
    content: Content,
    field_tesla: float,
) -> Drawing | None:
    """One number of every model against p_t, one panel for each range of lengths.

    Args:
        evaluations: Those with rows.
        styles: By model.
        content: Which number.
        field_tesla: For the limit.
    """
    panels = {
        (low, high): found
        for low, high in pairwise(LENGTHS_MM)
        if (found := _points(evaluations, crossing(low, high), content.number, width=content.limit))
    }
    if not panels:
        return None
    told = [styles[name] for name in styles if any(name in found for found in panels.values())]
    figure, places = _grid(len(panels))
    data: dict[str, Array] = {}
    for place, ((low, high), found) in zip(places, panels.items(), strict=True):
        label = f"{low:g} to {high:g} mm"
        rows = _rows(evaluations, low, high)
        ends = float(np.min(rows["p_t"])) / 1.1, float(np.max(rows["p_t"])) * 1.1
        for number, (name, points) in enumerate(found.items()):
            centre = _medians(rows["p_t"], points) * 1.02 ** (number - (len(found) - 1) / 2)
            _error_bars(place, centre, points, styles[name])
            data |= _columns(f"{name}, {label}", points, "GeV/c")
        if content.limit:
            data |= _draw_limit(place, rows, ends, field_tesla, label)
        _finish(place, content)
        momentum_axis(place, *ends)
        place.set_title(f"length {label} (n = {rows.rows})", fontsize=9)
    for place in places[max(len(places) - _COLUMNS, 0) :]:
        place.set_xlabel("true $p_t$ [GeV/c]")
    legend(figure, told, *([_LIMIT] if content.limit else []))
    curve = (
        " The limit is that of Gluckstern's formula and multiple scattering for a track of median "
        "length."
        if content.limit
        else f" The axis is linear up to {_LINEAR:g} %."
    )
    return Drawing(
        name=content.drawing,
        caption=f"{content.text} against the true transverse momentum, for tracks of several "
        "lengths on the pad plane, at the median of each bin; points of several models are drawn "
        f"side by side, bars are 95 % intervals.{curve}",
        figure=figure,
        data=data,
    )


def against_angle(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing | None:
    """Widths of curvature, direction and start against the angle of the track."""
    panels = {
        label: found
        for number, label in _AGAINST_ANGLE
        if (found := _points(evaluations, "angle", number, width=True))
    }
    if not panels:
        return None
    told = [styles[name] for name in styles if any(name in found for found in panels.values())]
    columns = 2 if len(panels) > 1 else 1
    figure, places = _grid(len(panels), columns)
    data: dict[str, Array] = {}
    for place, (label, found) in zip(places, panels.items(), strict=True):
        for number, (name, points) in enumerate(found.items()):
            middle = np.array([(point.lower + point.upper) / 2 for point in points])
            shift = number - (len(found) - 1) / 2
            _error_bars(place, middle + 0.8 * shift, points, styles[name])
            data |= _columns(f"{name} {points[0].number.name}", points, "deg")
        place.set(ylabel=label, xlabel=r"$|\phi|$ to the beam axis [deg]")
        place.set_xticks([15 * step for step in range(7)])
        _logarithmic(place)
    legend(figure, told)
    return Drawing(
        name="angles",
        caption="Half of the central 68 % interval of the residuals, in bins of the angle between "
        "the track and the direction of the columns; points of several models are drawn side by "
        "side, bars are 95 % intervals.",
        figure=figure,
        data=data,
    )


def _points(
    evaluations: Sequence[Evaluation], column: str, number: str, *, width: bool
) -> dict[str, list[BinnedNumber]]:
    """One number in every bin of a column, by the models that tell it.

    A width of nothing, such as that of a single track, has no place on a logarithmic axis.
    """
    least = 0 if width else -np.inf
    found = {
        one.model: [
            n
            for n in one.numbers
            if n.column == column and n.number.name == number and n.number.value > least
        ]
        for one in evaluations
    }
    return {name: points for name, points in found.items() if points}


def _grid(count: int, columns: int = _COLUMNS) -> tuple[Figure, Sequence[Axes]]:
    columns = min(count, columns)
    lines = -(-count // columns)
    figure = Figure(figsize=(0.6 + 3.1 * columns, 0.8 + 2.6 * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    for place in places[count:]:
        place.axis("off")
    return figure, list(places[:count])


def _rows(evaluations: Sequence[Evaluation], low: float, high: float) -> Table:
    """Tracks of these lengths with a known momentum; those of one training."""
    table = next(one.rows for one in evaluations if one.rows is not None)
    inside = (table["length"] >= low) & (table["length"] < high) & np.isfinite(table["p_t"])
    if "training" in table:
        inside &= table["training"] == table["training"][0]
    return table.take(inside).select(["p_t", "length", "clusters"])


def _medians(p_t: Array, points: Iterable[BinnedNumber]) -> Array:
    return np.array(
        [np.median(p_t[(p_t >= point.lower) & (p_t <= point.upper)]) for point in points]
    )


def _draw_limit(
    place: Axes, rows: Table, ends: tuple[float, float], field_tesla: float, label: str
) -> dict[str, Array]:
    length, clusters = (float(np.median(rows[name])) for name in ("length", "clusters"))
    p_t = np.geomspace(*ends, 60)
    value = 100 * limit(p_t, length, clusters, field_tesla)
    place.plot(
        p_t, value, color=_LIMIT.get_color(), linewidth=_LIMIT.get_linewidth(), alpha=0.8, zorder=1
    )
    return {f"limit, {label}: p_t [GeV/c]": p_t, f"limit, {label} [%]": value}


def _finish(place: Axes, content: Content) -> None:
    place.set_ylabel(content.label)
    if content.limit:
        _logarithmic(place)
    else:
        place.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        place.set_yscale("symlog", linthresh=_LINEAR, linscale=1.2)
        low, high = place.get_ylim()
        low, high = min(1.2 * low, -_LINEAR), max(1.2 * high, _LINEAR)
        place.set_yticks([tick for tick in _BIASES if low <= tick <= high])
        place.set_ylim(low, high)
        place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        place.yaxis.set_minor_locator(NullLocator())
        place.grid(alpha=0.3)


def _logarithmic(place: Axes) -> None:
    """At least a factor of five, so that there are numbers at the axis."""
    place.set_yscale("log")
    low, high = place.get_ylim()
    spare = max(5.0 * low / high, 1.0) ** 0.5
    place.set_ylim(low / spare, high * spare)
    place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    place.yaxis.set_minor_locator(LogLocator(subs=(3, 4, 6, 7, 8, 9)))
    place.yaxis.set_minor_formatter(NullFormatter())
    place.grid(alpha=0.3)


def _error_bars(place: Axes, where: Array, points: Sequence[BinnedNumber], style: Style) -> None:
    value = np.array([point.number.value for point in points])
    below = value - np.array([point.low for point in points])
    above = np.array([point.high for point in points]) - value
    bars = np.nan_to_num(np.maximum(np.array([below, above]), 0))  # no bar where undefined
    place.errorbar(where, value, yerr=bars, capsize=1.5, elinewidth=0.9, **style.points)


def _columns(name: str, points: Sequence[BinnedNumber], unit: str) -> dict[str, Array]:
    return {
        f"{name}: {what}": np.array(values, dtype=np.float64)
        for what, values in (
            (f"from [{unit}]", [point.lower for point in points]),
            (f"to [{unit}]", [point.upper for point in points]),
            (f"value [{points[0].number.unit}]", [point.number.value for point in points]),
            ("low", [point.low for point in points]),
            ("high", [point.high for point in points]),
            ("tracks", [point.n for point in points]),
        )
    }
