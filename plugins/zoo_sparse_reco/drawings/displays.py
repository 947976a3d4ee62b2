"""Event displays for print: two projections and a view in space, truth and models side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_sparse_reco.drawings.interactive import interactive
from zoo_sparse_reco.drawings.styles import class_colours, shortened
from zoo_sparse_reco.drawings.views import CLASS, Event, View
from zoo_sparse_reco.physics.labels import GHOST
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["MOST_VIEWS", "display"]

Floats = NDArray[np.float64]
Projection = Callable[[Floats], Floats]

MOST_VIEWS = 4
"""Truth and models that are drawn side by side; an interactive display has all."""

_MARGIN = 6.0  # voxels around an event
_TURN, _TILT = np.radians(-38.0), np.radians(24.0)
_PALETTE = colormaps["tab20"]([*range(14), *range(16, 20)])[:, :3]  # without grey: that is of none
_MICHEL = "michel"


def display(
    event: Event,
    grid: VoxelGrid,
    names: Sequence[str],
    name: str,
    by: Sequence[str] = (CLASS, "fragment"),
) -> Drawing:
    """One event, coloured by one thing in three views and by others in one each.

    Args:
        event: With at least one view.
        grid: Of the voxels.
        names: Of the five classes.
        name: Of the drawing.
        by: What gives voxels their colours: ``class``, or kinds of clusters that the event has. The
            first is seen from three sides.
    """
    shown = event.views[:MOST_VIEWS]
    rows: list[tuple[str, Projection, str]] = [
        (f"{by[0]}, x-y", lambda place: place[:, [0, 1]], by[0]),
        (f"{by[0]}, z-y", lambda place: place[:, [2, 1]], by[0]),
        *((kind, _in_space, kind) for kind in by),
    ]
    figure = Figure(figsize=(0.7 + 2.9 * len(shown), 0.6 + 2.6 * len(rows)), layout="constrained")
    places = figure.subplots(len(rows), len(shown), squeeze=False)
    colours = _Colours(names)
    for (line, row), (column, view) in product(enumerate(rows), enumerate(shown)):
        label, projection, kind = row
        place = places[line, column]
        _draw(place, event, view, projection, colours.of(view, kind))
        if kind == by[0]:  # on clusters they would hide what they are to show
            _points(place, view, projection, colours)
        _frame(place, event, projection)
        if column == 0:
            place.set_ylabel(label if line >= 2 else f"{label}\n{label[-1]} [voxel]", fontsize=8.5)
        if line < 2:
            place.set_xlabel(f"{label[-3]} [voxel]", fontsize=8)
        if line == 0:
            place.set_title(shortened(view.name, 34), fontsize=9)
    if CLASS in by:
        _legend(figure, event, colours)
    return Drawing(
        name=name,
        caption=f"An event of {len(event.place):,} voxels of {grid.voxel_mm:g} mm and "
        f"{event.energy.sum():,.0f} MeV: by {by[0]} seen along z, along x and from aside"
        + "".join(f", and by {kind}" for kind in by[1:])
        + _told(event, by),
        figure=figure,
        data=_table(event),
        interactive=interactive(event, grid, names, by),
    )


def _told(event: Event, by: Sequence[str]) -> str:
    """What a caption says of colours and marks."""
    text = ""
    if any(kind != CLASS for kind in by):
        text = " (grey: of none; colours repeat; a cluster has that of the true one it is most of)"
    if any(len(view.points) for view in event.views):
        text += (
            ". Triangles are where particles start, squares where tracks end, stars where Michel "
            "electrons start"
        )
    return f"{text}."


class _Colours:
    """RGBA of voxels and points."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.hex = class_colours(names)
        self._rgb = np.array([[int(one[k : k + 2], 16) for k in (1, 3, 5)] for one in self.hex])

    def of(self, view: View, kind: str) -> Floats:
        """(voxels, 3), 0 to 1, by class or by a kind of clusters."""
        if kind == CLASS:
            rgb: Floats = self._rgb[view.semantic] / 255  # -1 is the last: unknown
            return rgb
        grey = np.full((len(view.semantic), 3), 0.85)
        if kind not in view.clusters:
            return grey
        number = view.clusters[kind]
        # Neighbouring numbers get colours that are far apart, not light and dark of one.
        chosen = _PALETTE[(number * 7) % len(_PALETTE)]
        return np.where(number[:, None] >= 0, chosen, grey)


def _in_space(place: Floats) -> Floats:
    """Seen from aside and a little from above, without perspective; y is up."""
    x, y, z = place.T
    depth = x * np.sin(_TURN) + z * np.cos(_TURN)
    return np.stack(
        [x * np.cos(_TURN) - z * np.sin(_TURN), y * np.cos(_TILT) + depth * np.sin(_TILT)], axis=1
    )


def _draw(place: Axes, event: Event, view: View, projection: Projection, colours: Floats) -> None:
    flat = projection(event.place.astype(np.float64) + 0.5)
    # Ghosts lie below, then voxels of little energy.
    order = np.lexsort((event.energy, view.semantic != GHOST))
    size = float(np.clip(1e4 / max(len(flat), 1), 0.8, 6))
    place.scatter(
        flat[order, 0],
        flat[order, 1],
        s=size,
        c=colours[order],
        marker="s",
        linewidths=0,
        rasterized=True,
    )


def _points(place: Axes, view: View, projection: Projection, colours: _Colours) -> None:
    if not len(view.points):
        return
    flat = projection(view.points)
    kinds = np.where(view.point_end, "s", "^").astype(object)
    size = float(np.clip(1800 / len(flat), 5, 18))
    if _MICHEL in colours.names:
        kinds[view.point_semantic == colours.names.index(_MICHEL)] = "*"
    for kind in dict.fromkeys(kinds):
        chosen = kinds == kind
        place.scatter(
            flat[chosen, 0],
            flat[chosen, 1],
            s=2.5 * size if kind == "*" else size,
            c=[colours.hex[number] for number in view.point_semantic[chosen]],
            marker=str(kind),
            edgecolors="black",
            linewidths=0.7 if size > 10 else 0.35,
            zorder=3,
        )


def _frame(place: Axes, event: Event, projection: Projection) -> None:
    """Around the event, with equal scales."""
    low, high = (event.place.min(0), event.place.max(0) + 1) if len(event.place) else _UNIT
    corners = np.array(list(product(*zip(low, high, strict=True))), np.float64)
    flat = projection(corners)
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    half = float(np.max(flat.max(axis=0) - middle)) + _MARGIN
    for axis, centre in zip("xy", middle, strict=True):
        place.set(**{f"{axis}lim": (centre - half, centre + half)})
    place.set_aspect("equal")
    place.tick_params(labelsize=7)
    if projection is _in_space:
        place.set(xticks=[], yticks=[])
        for one, other in _EDGES:
            place.plot(*flat[[one, other]].T, color="0.8", linewidth=0.6, zorder=0)


_UNIT = (np.zeros(3), np.ones(3))
_EDGES = [
    (one, other) for one in range(8) for other in range(one) if (one ^ other).bit_count() == 1
]


def _legend(figure: Figure, event: Event, colours: _Colours) -> None:
    labels = [*colours.names, "ghost", "unknown"]
    there = np.unique(np.concatenate([view.semantic for view in event.views]) % len(labels))
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colours.hex[one], label=labels[one])
        for one in there
    ]
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=max(len(handles), 1),
        fontsize=8.5,
        frameon=False,
        handletextpad=0.1,
    )


def _table(event: Event) -> Mapping[str, Floats]:
    columns: dict[str, NDArray[Any]] = {
        f"{axis} [voxel]": event.place[:, n] for n, axis in enumerate("xyz")
    }
    columns["energy [MeV]"] = event.energy
    for view in event.views:
        columns[f"{view.name}: class"] = view.semantic
        columns |= {f"{view.name}: {kind}": number for kind, number in view.clusters.items()}
    return {name: values.astype(np.float64) for name, values in columns.items()}
