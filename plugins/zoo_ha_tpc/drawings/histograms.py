"""Residuals and pulls of all tracks, with Gaussians fitted to their cores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_ha_tpc.drawings.styles import Style, legend
from zoo_ha_tpc.robust import Core, gaussian_core, shape_of

__all__ = ["pulls", "residuals"]

Array = NDArray[np.float64]

_BINS = 80
_COLUMNS = 3
_REACH = 4.5  # widths on either side
_NARROWEST = 3.0  # the widest distribution counts at most as often as wide as the narrowest


@dataclass(frozen=True)
class _Panel:
    column: str
    label: str
    factor: float = 1.0


_RESIDUALS = (
    _Panel("relative_q_over_pt", r"$1/p_t$: predicted / true $-$ 1 [%]", 100),
    _Panel("relative_p_t", r"$p_t$: predicted / true $-$ 1 [%]", 100),
    _Panel("relative_p_y", r"$p_y$: predicted / true $-$ 1 [%]", 100),
    _Panel("relative_p_z", r"$p_z$: predicted / true $-$ 1 [%]", 100),
    _Panel("residual_sin_phi", r"$\sin\phi$: predicted $-$ true [$10^{-3}$]", 1e3),
    _Panel("residual_phi", r"$\phi$: predicted $-$ true [mrad]", 1e3),
    _Panel("residual_y_ini", r"$y_{ini}$: predicted $-$ true [mm]"),
    _Panel("residual_z_ini", r"$z_{ini}$: predicted $-$ true [mm]"),
)
_PULLS = (
    _Panel("pull_q_over_pt", "pull of $1/p_t$"),
    _Panel("pull_p_t", "pull of $p_t$"),
    _Panel("pull_p_y", "pull of $p_y$"),
    _Panel("pull_p_z", "pull of $p_z$"),
    _Panel("pull_phi", r"pull of $\phi$"),
    _Panel("pull_sin_phi", r"pull of $\sin\phi$"),
    _Panel("pull_y_ini", "pull of $y_{ini}$"),
    _Panel("pull_z_ini", "pull of $z_{ini}$"),
)
_UNIT = Line2D([], [], color="#b8860b", linewidth=2.2, alpha=0.8, label="unit Gaussian")


def residuals(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing | None:
    """Histograms of what models tell; nothing where they tell nothing."""
    return _drawn(
        _panels(evaluations, _RESIDUALS),
        styles,
        name="residuals",
        caption="Residuals of all tracks, as shares of all of them, and the Gaussians that "
        "describe them within two standard deviations of their centre (thin lines), whose mean "
        "and standard deviation stand in the panels in the order of the legend.",
    )


def pulls(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing | None:
    """Residuals over the errors that models tell; nothing where they tell none."""
    return _drawn(
        _panels(evaluations, _PULLS),
        styles,
        name="pulls",
        caption="Residuals over the errors that the models tell, as shares of all tracks, beside "
        "the unit Gaussian that right errors give, with mean and standard deviation of the "
        "Gaussians that describe the cores.",
    )


Found = dict[_Panel, dict[str, Array]]


def _panels(evaluations: Sequence[Evaluation], wanted: Sequence[_Panel]) -> Found:
    """Panel -> model -> values, of what someone tells."""
    panels: Found = {}
    for panel in wanted:
        for one in evaluations:
            if one.rows is None or panel.column not in one.rows:
                continue
            values = panel.factor * one.rows[panel.column].astype(np.float64)
            if np.isfinite(values).any():
                panels.setdefault(panel, {})[one.model] = values[np.isfinite(values)]
    return panels


def _drawn(
    panels: Found, styles: Mapping[str, Style], *, name: str, caption: str
) -> Drawing | None:
    if not panels:
        return None
    are_pulls = name == "pulls"
    columns = min(len(panels), _COLUMNS if len(panels) != 4 else 2)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(0.4 + 3.2 * columns, 0.7 + 2.7 * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    for place in places[len(panels) :]:
        place.axis("off")
    data: dict[str, Array] = {}
    for number, (place, (panel, found)) in enumerate(zip(places, panels.items(), strict=False)):
        edges = np.linspace(-5, 5, _BINS + 1) if are_pulls else _edges(found)
        data[f"{panel.column} from"] = edges[:-1]
        if are_pulls:
            _gaussian(place, edges, Core(0, 1, 1), color=_UNIT.get_color(), linewidth=2.2)
        for row, (model, values) in enumerate(found.items()):
            share = np.histogram(values, edges)[0] / len(values)
            data[f"{model} {panel.column}"] = share
            core = gaussian_core(values)
            _model(
                place, edges, share, styles[model], core._replace(total=core.total / len(values))
            )
            _tell(place, row, core, styles[model])
        place.set(xlabel=panel.label, xlim=(edges[0], edges[-1]))
        place.set_ylim(0, 1.25 * place.get_ylim()[1])
        place.grid(alpha=0.25)
        if number % columns == 0:
            place.set_ylabel("share of the tracks per bin")
    told = [styles[model] for model in styles if any(model in found for found in panels.values())]
    legend(figure, told, *([_UNIT] if are_pulls else []), points=False)
    return Drawing(name=name, caption=caption, figure=figure, data=data)


def _edges(found: Mapping[str, Array]) -> Array:
    """Wide enough for the widest and its bias, unless it is much wider than the narrowest."""
    shapes = [shape_of(values.astype(np.float32)) for values in found.values()]
    narrowest = min(shape.s68 for shape in shapes)
    widest = min(max(shape.s68 for shape in shapes), _NARROWEST * narrowest)
    reach = _REACH * widest
    half = reach + min(max(abs(shape.median) for shape in shapes), 2 * reach) or 1.0
    return np.linspace(-half, half, _BINS + 1)


def _model(place: Axes, edges: Array, share: Array, style: Style, core: Core) -> None:
    place.stairs(share, edges, **style.line)
    if style.filled:
        place.stairs(share, edges, fill=True, color=style.colour, alpha=0.1)
    if np.isfinite(core.sigma) and core.sigma > 0:
        _gaussian(place, edges, core, color=style.colour, linewidth=0.8)


def _gaussian(place: Axes, edges: Array, core: Core, *, color: object, linewidth: float) -> None:
    where = np.linspace(edges[0], edges[-1], 400)
    peak = core.total * (edges[1] - edges[0]) / (core.sigma * np.sqrt(2 * np.pi))
    height = peak * np.exp(-0.5 * np.square((where - core.mean) / core.sigma))
    place.plot(where, height, color=str(color), linewidth=linewidth, alpha=0.8)


def _tell(place: Axes, row: int, core: Core, style: Style) -> None:
    if np.isfinite(core.sigma):
        digits = max(2 - int(np.floor(np.log10(max(core.sigma, 1e-9)))), 0)
        text = rf"$\mu$ {core.mean:z.{digits}f}  $\sigma$ {core.sigma:.{digits}f}"
        place.text(
            0.03,
            0.96 - 0.075 * row,
            text,
            transform=place.transAxes,
            color=style.colour,
            fontsize=7.5,
            verticalalignment="top",
        )
