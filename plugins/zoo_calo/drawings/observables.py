"""The six observables, and occupancy: the reference filled, models as lines, ratios below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_calo.drawings.styles import REFERENCE, Shown, legend
from zoo_calo.fidelity.binning import ENERGY_EDGES, stratum_of
from zoo_calo.observables.profiles import radial_edges, spectrum_edges
from zoo_calo.physics.grid import Grid

__all__ = ["observables", "occupancies"]

Array = NDArray[np.float64]

_BINS = 30
_FEWEST = 30
_PUBLISHED = (2.0, 5.0, 8.0, 20.0, 50.0, 80.0)  # GeV


@dataclass(frozen=True)
class _Panel:
    """One observable of all samples."""

    label: str
    ylabel: str
    edges: Array
    heights: list[Array]  # the reference first
    errors: list[Array]
    xscale: Literal["linear", "log"] = "linear"
    yscale: Literal["linear", "log"] = "linear"


def observables(grid: Grid, reference: Shown, models: Sequence[Shown]) -> Iterator[Drawing]:
    """Of all showers, and of those around the energies of published figures."""
    yield _figure(grid, "observables", "all energies", reference, models)
    stratum = stratum_of(reference.energy)
    if len(np.unique(stratum)) < 2:
        return
    for energy in _PUBLISHED:
        wanted = stratum_of(np.array([energy]))[0]
        if (stratum == wanted).sum() < _FEWEST:
            continue
        low, high = ENERGY_EDGES[wanted], ENERGY_EDGES[wanted + 1]
        chosen = [one.where(stratum_of(one.energy) == wanted) for one in (reference, *models)]
        text = f"{low:g} to {high:g} GeV"
        yield _figure(grid, f"observables-{energy:g}-gev", text, chosen[0], chosen[1:])


def occupancies(grid: Grid, reference: Shown, models: Sequence[Shown]) -> Drawing:
    """Shares of cells that were hit."""
    samples = (reference, *models)
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    values = [one.columns["hits"] / grid.cells * 100 for one in samples]
    panel = _histogram("occupancy [%]", values)
    data = _draw(figure.subplots(2, 1, sharex=True, height_ratios=[3, 1]), panel, models)
    legend(figure, models)
    return Drawing(
        name="occupancy",
        caption=f"Share of the {grid.cells} cells with {grid.threshold_mev:g} MeV and more, by "
        "shower; below, models over the reference. Bars are counting errors.",
        figure=figure,
        data=data,
    )


def _figure(grid: Grid, name: str, text: str, reference: Shown, models: Sequence[Shown]) -> Drawing:
    samples = (reference, *models)
    figure = Figure(figsize=(12.6, 8.6), layout="constrained")
    data: dict[str, Array] = {}
    places = np.ravel(np.asarray(figure.subfigures(2, 3)))
    for place, panel in zip(places, _panels(grid, samples), strict=True):
        axes = place.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        data |= _draw(axes, panel, models)
    legend(figure, models)
    return Drawing(
        name=name,
        caption=f"The six observables, {text}: reference filled, models as lines, and their ratio "
        f"to the reference. Cells below {grid.threshold_mev:g} MeV count in the spectrum alone. "
        "Bars are counting errors, of profiles those over showers.",
        figure=figure,
        data=_equal_lengths(data),
    )


def _panels(grid: Grid, samples: Sequence[Shown]) -> Iterator[_Panel]:
    def each(name: str) -> list[Any]:
        return [one.columns[name] for one in samples]

    yield _histogram("visible energy [MeV]", each("visible"))
    yield _histogram("hits", each("hits"))
    edges = spectrum_edges(grid)
    yield _summed("energy of a cell [MeV]", "cells / shower", edges, each("spectrum"), "log")
    radii = radial_edges(grid)
    label = "distance from the axis [mm]"
    yield _summed(label, "energy / shower [MeV]", radii, each("radial"), "linear")
    layers = (np.arange(grid.layers + 1) - 0.5).astype(np.float64)
    yield _summed("layer", "energy / shower [MeV]", layers, each("longitudinal"), None)
    yield _histogram("centre of gravity [layers]", each("cog"))


def _histogram(label: str, values: list[Any]) -> _Panel:
    """Equal bins from the 0.1 to the 99.9 % quantile of the reference, a little wider."""
    known = [np.asarray(one, np.float64)[np.isfinite(one)] for one in values]
    low, high = np.quantile(known[0], [0.001, 0.999]) if len(known[0]) else (0.0, 1.0)
    margin = 0.15 * (high - low) or 0.5
    edges = np.linspace(max(low - margin, 0.0), high + margin, _BINS + 1)
    heights, errors = [], []
    for one in known:
        counts = np.histogram(one, edges)[0].astype(np.float64)
        total = max(len(one), 1)
        heights.append(counts / total)
        errors.append(np.sqrt(counts) / total)
    return _Panel(label, "showers, normalised", edges, heights, errors)


def _summed(
    label: str,
    ylabel: str,
    edges: Array,
    values: list[Any],
    scale: Literal["linear", "log"] | None,
) -> _Panel:
    """Means of profiles; a logarithmic ordinate unless ``scale`` is ``None``."""
    heights = [np.asarray(one, np.float64).mean(0) for one in values]
    errors = [
        np.asarray(one, np.float64).std(0) / max(len(one), 1) ** 0.5  # over showers
        for one in values
    ]
    filled = np.flatnonzero(np.sum(heights, axis=0))
    if len(filled):
        part = slice(int(filled[0]), int(filled[-1]) + 1)
        edges = edges[part.start : part.stop + 1]
        heights, errors = [h[part] for h in heights], [e[part] for e in errors]
    return _Panel(
        label, ylabel, edges, heights, errors, scale or "linear", "log" if scale else "linear"
    )


def _draw(axes: Any, panel: _Panel, models: Sequence[Shown]) -> dict[str, Array]:
    top, below = axes
    true, error = panel.heights[0], panel.errors[0]
    top.stairs(true, panel.edges, fill=True, color=REFERENCE, baseline=_baseline(panel))
    data = {f"{panel.label} from": panel.edges[:-1], f"{panel.label} reference": true}
    with np.errstate(divide="ignore", invalid="ignore"):
        share = error / true
    known = np.nan_to_num(share, nan=0.0, posinf=0.0)
    below.stairs(1 + known, panel.edges, baseline=1 - known, fill=True, color=REFERENCE)
    middle = (panel.edges[1:] + panel.edges[:-1]) / 2
    for model, height, spread in zip(models, panel.heights[1:], panel.errors[1:], strict=True):
        top.stairs(height, panel.edges, baseline=None, **model.line)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(true > 0, height / true, np.nan)
            bar = np.where(true > 0, spread / true, np.nan)
        below.errorbar(
            middle, ratio, bar, fmt="none", ecolor=model.line["color"], elinewidth=0.8, alpha=0.6
        )
        below.stairs(ratio, panel.edges, baseline=None, **model.line)
        data[f"{panel.label} {model.label}"] = height
        data[f"{panel.label} {model.label} error"] = spread
    below.axhline(1, color="0.4", linewidth=0.8)
    below.set(ylim=(0.4, 1.6), xlabel=panel.label, ylabel="ratio", xscale=panel.xscale)
    top.set(ylabel=panel.ylabel, yscale=panel.yscale)
    _limit(top, panel)
    for one in axes:
        one.grid(alpha=0.3)
    return data


def _baseline(panel: _Panel) -> float:
    positive = [h[h > 0].min() for h in panel.heights if (h > 0).any()]
    return min(positive) / 10 if panel.yscale == "log" and positive else 0.0


def _limit(axes: Axes, panel: _Panel) -> None:
    if panel.yscale == "log":
        highest = max((h.max() for h in panel.heights), default=1.0)
        lowest = max(_baseline(panel) * 5, highest * 1e-7)
        if highest > 0:
            axes.set_ylim(lowest, 3 * highest)


def _equal_lengths(data: dict[str, Array]) -> dict[str, Array]:
    """Columns of one file: the shorter ones end in NaN."""
    longest = max(map(len, data.values()))
    return {
        name: np.concatenate([column, np.full(longest - len(column), np.nan)])
        for name, column in data.items()
    }
