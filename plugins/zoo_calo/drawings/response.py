"""Linearity and width against energy, and the response against the angle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_calo.digi.resolution import EnergyPoint, energy_points
from zoo_calo.drawings.styles import Shown, legend
from zoo_calo.fidelity.robust import Peak, mean90

__all__ = ["against_angle", "against_energy", "ticks"]

Array = NDArray[np.float64]

_ANGLES = np.arange(20.0, 161.0, 7.5)
_FEWEST = 20
_MOST_TICKS = 8


def against_energy(reference: Shown, models: Sequence[Shown]) -> Drawing | None:
    """Response and resolution, from mean90 and from a Gaussian; ``None`` of too few showers."""
    samples = (reference, *models)
    points = [energy_points(one.columns["visible"], one.energy) for one in samples]
    if not points[0]:
        return None
    figure = Figure(figsize=(10.0, 7.6), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    data: dict[str, Array] = {"energy [GeV]": np.array([point.energy for point in points[0]])}
    kinds: tuple[tuple[str, Callable[[EnergyPoint], Peak]], ...] = (
        ("mean90, rms90", lambda point: point.mean90),
        ("Gaussian", lambda point: point.gaussian),
    )
    for column, (kind, of) in enumerate(kinds):
        truth = {point.energy: of(point) for point in points[0]}
        for one, found in zip(samples, points, strict=True):
            energy = np.array([point.energy for point in found])
            peaks = [of(point) for point in found]
            bias, bar = _bias(peaks, [_nearest(truth, e) for e in energy])
            axes[0, column].errorbar(energy, bias, bar, **one.points)
            width = 100 * np.array([peak.resolution for peak in peaks])
            error = 100 * np.array([peak.width_error / peak.mean for peak in peaks])
            axes[1, column].errorbar(energy, width, error, **one.points)
            if len(energy) == len(data["energy [GeV]"]):
                data[f"{one.label} {kind}: mean over reference - 1 [%]"] = bias
                data[f"{one.label} {kind}: width over mean [%]"] = width
        axes[0, column].set(title=kind, ylabel="mean / reference - 1 [%]")
        axes[1, column].set(xlabel="energy [GeV]", ylabel="width / mean [%]", xscale="log")
        axes[1, column].set_ylim(bottom=0)
        ticks(axes[1, column], data["energy [GeV]"])
    for place in axes.ravel():
        place.grid(alpha=0.3)
    legend(figure, models, filled=False)
    return Drawing(
        name="linearity-and-width",
        caption="Visible energy per energy of the particle against that energy: its mean over the "
        "reference's, and its width over its mean. Left, mean and RMS of the shortest 90 %; right, "
        "a Gaussian fitted within two of its widths.",
        figure=figure,
        data=data,
    )


def against_angle(reference: Shown, models: Sequence[Shown]) -> Drawing | None:
    """Visible energy per energy against the angle; ``None`` where angles do not vary."""
    edges = _filled(reference.theta)
    if len(edges) < 3:
        return None
    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    middle = (edges[1:] + edges[:-1]) / 2
    data: dict[str, Array] = {"theta from [deg]": edges[:-1], "theta to [deg]": edges[1:]}
    truth, _ = _means(reference, edges)
    for one in (reference, *models):
        mean, error = _means(one, edges)
        top.errorbar(middle, mean, error, **one.points)
        if one is not reference:
            below.errorbar(middle, mean / truth, error / truth, **one.points)
        data[f"{one.label} [MeV/GeV]"], data[f"{one.label} error"] = mean, error
    below.axhline(1, color="0.4", linewidth=0.8)
    top.set(ylabel="visible / incident [MeV/GeV]")
    below.set(xlabel="polar angle [deg]", ylabel="ratio")
    _grids(top, below)
    legend(figure, models, filled=False)
    return Drawing(
        name="angle-response",
        caption="Visible energy (mean90) per energy of the particle against its polar angle; 90 "
        "degrees are along the normal of the layers. Below, models over the reference.",
        figure=figure,
        data=data,
    )


def _bias(peaks: list[Peak], truth: list[Peak]) -> tuple[Array, Array]:
    bias = [100 * (p.mean / t.mean - 1) for p, t in zip(peaks, truth, strict=True)]
    error = [100 * p.mean_error / t.mean for p, t in zip(peaks, truth, strict=True)]
    return np.array(bias), np.array(error)


def _nearest(truth: dict[float, Peak], energy: float) -> Peak:
    return truth[min(truth, key=lambda one: abs(np.log(one / energy)))]


def _filled(theta: Array) -> Array:
    """Edges around the bins that have enough showers, one after another."""
    known = theta[np.isfinite(theta)]
    counts = np.histogram(known, _ANGLES)[0]
    filled = np.flatnonzero(counts >= _FEWEST)
    return _ANGLES[filled[0] : filled[-1] + 2] if len(filled) else _ANGLES[:0]


def _means(one: Shown, edges: Array) -> tuple[Array, Array]:
    response = one.columns["visible"].astype(np.float64) / one.energy
    place = np.searchsorted(edges, one.theta, side="right") - 1
    peaks = [mean90(response[place == p]) for p in range(len(edges) - 1)]
    return np.array([p.mean for p in peaks]), np.array([p.mean_error for p in peaks])


def ticks(axes: Axes, energy: Array) -> None:
    """A few energies by themselves: a logarithmic axis of less than a decade has no ticks."""
    if len(energy) > _MOST_TICKS:
        return
    axes.set_xticks(energy, [f"{one:.3g}" for one in energy])
    axes.xaxis.set_minor_formatter(NullFormatter())


def _grids(*axes: Axes) -> None:
    for one in axes:
        one.grid(alpha=0.3)
