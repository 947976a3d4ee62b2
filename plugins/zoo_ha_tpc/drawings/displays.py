"""Pad displays: charge on the pads, the true track and those of the models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from zoo.api import Drawing, Table
from zoo_ha_tpc.drawings.styles import Style, legend
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane
from zoo_ha_tpc.track_lengths import extent_of, positions

__all__ = ["TRACK", "display", "whole_tracks"]

TRACK: dict[str, Any] = {"linewidth": 1.2, "zorder": 3}
"""Of a model's track, whatever its style."""

Array = NDArray[np.float64]

_TRACK = ("q_over_pt", "phi", "z_ini", "y_ini")
_POINTS = 200
_MARGIN = 12.0  # mm around the plane
_SPARE = 1.25  # a window is larger than the track
_CLOSEST = 0.3  # of the plane
_TRUTH: dict[str, Any] = {"color": "#e6ab02", "linewidth": 3.2, "alpha": 0.9}
_CLUSTERS: dict[str, Any] = {"color": "0.45", "marker": ".", "markersize": 3, "linestyle": ""}


def whole_tracks(predictions: Mapping[str, Table], samples: Table) -> dict[str, Table]:
    """Those of models that tell all that a track is drawn from.

    A track of a model that does not tell ``z_ini`` begins at the true one.
    """
    begun = {
        name: table.with_columns({"z_ini": samples["z_ini"]})
        if "z_ini" in samples and "z_ini" not in table
        else table
        for name, table in predictions.items()
    }
    return {n: table for n, table in begun.items() if all(c in table for c in _TRACK)}


def display(
    samples: Table,
    tracks: Mapping[str, Table],
    row: int,
    styles: Mapping[str, Style],
    plane: PadPlane,
) -> Drawing:
    """One track: its pads, and below how far the models' tracks are from the true one.

    Args:
        samples: ``hit_row``, ``hit_column``, ``hit_charge`` and, where they have them, the truth
            and ``cluster_z``, ``cluster_y``.
        tracks: Predictions by model, with all of a track.
        row: The sample.
        styles: By model.
        plane: The pads.
    """
    known = all(name in samples for name in _TRACK)
    heights = (3.9, 2.0) if known else (3.9,)
    figure = Figure(figsize=(9.0, 0.7 + sum(heights)), layout="constrained")
    places = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
    _pads(figure, places[0], samples, row, plane)
    others = []
    data: dict[str, Array] = {}
    length = _length(samples, row, plane)
    along = np.linspace(0, length, _POINTS)
    if known:
        truth = _track(samples, row)
        line = positions(truth, along, plane.field_tesla)
        places[0].plot(*line, zorder=2, **_TRUTH)
        places[0].plot(*(each[0] for each in line), marker="*", markersize=9, color="#b8860b")
        places[0].set_title(_title(samples, row, length), fontsize=10)
        others = [Line2D([], [], label="truth", **_TRUTH)]
        others += _residuals(places[1], _clusters(samples, row), truth, along, plane)
        data = {"length [mm]": along, "true z [mm]": line[0], "true y [mm]": line[1]}
    for name, table in tracks.items():
        found = _track(table, row)
        place = positions(found, along, plane.field_tesla)
        style = {**styles[name].line, **TRACK}
        places[0].plot(*place, **style)
        data |= {f"{name} z [mm]": place[0], f"{name} y [mm]": place[1]}
        if known:
            apart = _across(truth, along, place, plane)
            places[1].plot(along, apart, **style)
            data[f"{name} minus truth [mm]"] = apart
    legend(figure, [styles[name] for name in tracks], *others, points=False)
    hits = {
        "hit z [mm]": plane.z_mm[samples["hit_column"][row]],
        "hit y [mm]": plane.y_mm[samples["hit_row"][row]],
        "hit charge [ADC]": samples["hit_charge"][row].astype(np.float64),
    }
    return Drawing(
        name=f"display-{row + 1}",
        caption="Pads with charge (largest amplitude) on the modules of the plane, the true track "
        "from its start (star) and those of the models; one that does not tell where along z it "
        "starts begins at the true place. Below, how far these are from the true "
        "track, across it; dots are the true mean places of the electrons that arrive.",
        figure=figure,
        data={**hits, **data},
    )


def _pads(figure: Figure, place: Axes, samples: Table, row: int, plane: PadPlane) -> None:
    height = plane.y.length_mm
    place.set_facecolor("0.88")
    for left, across in _modules(plane.z):
        for low, up in _modules(plane.y):
            corner = (left, low - height / 2)
            place.add_patch(Rectangle(corner, across, up, facecolor="white", zorder=0))
    charge = samples["hit_charge"][row].astype(np.float64)
    scale = LogNorm(max(charge.min(initial=20.0), 1.0), max(charge.max(initial=400.0), 100.0))
    colours = ListedColormap(colormaps["Blues"](np.linspace(0.12, 0.75, 256)))
    z, y = plane.z_mm[samples["hit_column"][row]], plane.y_mm[samples["hit_row"][row]]
    half = 0.94 * np.array([plane.z.pitch_mm, plane.y.pitch_mm]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    pads = np.stack([z, y], axis=1)[:, None] + corners
    if len(pads):
        place.add_collection(
            PolyCollection(
                list(pads), array=charge, cmap=colours, norm=scale, linewidth=0, zorder=1
            )
        )
    window = _window(z, y, plane).tolist()
    place.set(xlim=window[0], ylim=window[1], xlabel="z [mm]", ylabel="y [mm]", aspect="equal")
    bar = ScalarMappable(norm=scale, cmap=colours)
    figure.colorbar(bar, ax=place, label="charge [ADC]", pad=0.01, aspect=25)


def _window(z: Array, y: Array, plane: PadPlane) -> Array:
    """Limits around pads, (2, 2): of z, of y; in the proportions of the plane, and inside it."""
    sizes = np.array([plane.z.length_mm, plane.y.length_mm]) + 2 * _MARGIN
    lowest = np.array([0, -plane.y.length_mm / 2]) - _MARGIN
    if not len(z):
        z, y = np.array([0, plane.z.length_mm]), np.array([-1, 1]) * plane.y.length_mm / 2
    extent = np.array([np.ptp(z), np.ptp(y)]) + 2 * plane.z.pitch_mm
    share = float(np.clip(np.max(_SPARE * extent / sizes), _CLOSEST, 1))
    middle = np.array([z.max() + z.min(), y.max() + y.min()]) / 2
    low = np.clip(middle - share * sizes / 2, lowest, lowest + (1 - share) * sizes)
    return np.stack([low, low + share * sizes], axis=1)


def _modules(axis: Axis) -> list[tuple[float, float]]:
    """Lower edge and length of every module, mm."""
    starts = axis.low_edges()[:: axis.pads_of_a_module]
    return [(float(start), axis.pads_of_a_module * axis.pitch_mm) for start in starts]


def _length(samples: Table, row: int, plane: PadPlane) -> float:
    return float(max(extent_of(samples.take([row]), plane).length_mm[0], 1.0))


def _track(table: Table, row: int) -> dict[str, float]:
    return {name: float(table[name][row]) for name in _TRACK}


def _title(samples: Table, row: int, length: float) -> str:
    q, phi = float(samples["q_over_pt"][row]), float(samples["phi"][row])
    sign = "+" if q > 0 else "\N{MINUS SIGN}"
    p_t = 1 / max(abs(q), 1e-9)
    return (
        rf"charge {sign}1, $p_t$ = {p_t:.2f} GeV/c, $\phi$ = {np.degrees(phi):.0f}°, "
        f"{length / 1000:.2f} m on the plane"
    )


def _clusters(samples: Table, row: int) -> tuple[Array, Array]:
    """Places of clusters, (z, y) mm; none where samples do not know them."""
    if "cluster_z" not in samples or "cluster_y" not in samples:
        return np.empty(0), np.empty(0)
    z, y = (np.asarray(samples[name][row], np.float64) for name in ("cluster_z", "cluster_y"))
    return z, y


def _residuals(
    place: Axes,
    clusters: tuple[Array, Array],
    truth: Mapping[str, float],
    along: Array,
    plane: PadPlane,
) -> list[Line2D]:
    """The lower panel with the places of electrons; returns their handles of the legend."""
    place.axhline(0, zorder=2, **_TRUTH)
    place.set(
        xlabel="length along the true track [mm]",
        ylabel=r"track $-$ truth [mm]",
        xlim=(0, along[-1]),
    )
    place.grid(alpha=0.3)
    z, y = clusters
    if not len(z):
        return []
    fine = np.linspace(0, along[-1], 2000)
    line = positions(truth, fine, plane.field_tesla)
    nearest = np.argmin(np.hypot(z[:, None] - line[0], y[:, None] - line[1]), axis=1)
    place.plot(fine[nearest], _across(truth, fine[nearest], (z, y), plane), **_CLUSTERS)
    return [Line2D([], [], label="electrons", **_CLUSTERS)]


def _across(
    truth: Mapping[str, float], along: Array, place: tuple[Array, Array], plane: PadPlane
) -> Array:
    """Distance from the true track at these lengths, positive on the left of its direction."""
    z, y = positions(truth, along, plane.field_tesla)
    ahead_z, ahead_y = positions(truth, along + 0.01, plane.field_tesla)
    direction = np.arctan2(ahead_y - y, ahead_z - z)
    apart: Array = (place[1] - y) * np.cos(direction) - (place[0] - z) * np.sin(direction)
    return apart
