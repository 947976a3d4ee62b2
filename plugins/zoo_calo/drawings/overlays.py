"""Mean showers seen from the front, from the side and from above; and single showers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Table
from zoo_calo.drawings.styles import shortened
from zoo_calo.observables.hits import Hits, hits_of
from zoo_calo.physics.grid import Grid

__all__ = ["event_display", "overlays", "projections"]

Array = NDArray[np.float64]

_VIEWS = (("x", "y"), ("z", "y"), ("z", "x"))
_TITLES = ("X-Y", "Y-Z", "Z-X")
_SHOWN = 4
_RING_BINS = 45
_DECADES = 4.0


def projections(hits: Hits, row: int | None = None) -> list[tuple[Array, Array, Array]]:
    """Energy, MeV, on x-y, z-y and z-x: (first, second) with the edges of both.

    Args:
        hits: Of many showers.
        row: Of one of them; ``None``: their mean.
    """
    grid = hits.grid
    part = hits if row is None else hits.where(hits.shower == row)
    count = hits.showers if row is None else 1
    edges = _edges(grid)
    place = {
        "x": grid.x_mm[part.cell],
        "y": grid.y_mm[part.cell],
        "z": part.layer.astype(np.float64),
    }
    return [
        (
            np.histogram2d(place[a], place[b], [edges[a], edges[b]], weights=part.energy)[0]
            / max(count, 1),
            edges[a],
            edges[b],
        )
        for a, b in _VIEWS
    ]


def overlays(grid: Grid, samples: Table, predictions: Mapping[str, Mapping[str, Any]]) -> Drawing:
    """Mean showers of the reference and of the models, and ratios.

    Args:
        grid: Of all.
        samples: The true showers.
        predictions: Those of the models, for the same samples.
    """
    shown = {name: predictions[name] for name in list(predictions)[:_SHOWN]}
    sides = {"reference": samples, **shown}
    hits = {name: hits_of(one, grid).above(grid.threshold_mev) for name, one in sides.items()}
    return _pictures(
        {name: projections(one) for name, one in hits.items()},
        name="overlays",
        title=f"mean of {samples.rows} showers",
        caption=f"Mean shower of {samples.rows}, seen from the front and along the layers: MeV per "
        "shower in cells that are summed along the third direction, on one logarithmic scale for "
        "reference and models. Cells below the threshold are left out.",
    )


def event_display(
    grid: Grid, samples: Table, predictions: Mapping[str, Mapping[str, Any]], row: int
) -> Drawing:
    """One true shower and those that models made of its energy and angle."""
    shown = {name: predictions[name] for name in list(predictions)[:_SHOWN]}
    sides = {"reference": samples, **shown}
    hits = {name: hits_of(one, grid).above(grid.threshold_mev) for name, one in sides.items()}
    energy = float(samples["energy"][row])
    angle = f", {np.degrees(float(samples['theta'][row])):.0f} deg" if "theta" in samples else ""
    return _pictures(
        {name: projections(one, row) for name, one in hits.items()},
        name=f"display-{row + 1}",
        title=f"{energy:.3g} GeV{angle}",
        caption="One shower of the reference and others of the same energy and angle, which are "
        "not meant to be like it cell by cell: MeV summed along the third direction.",
    )


def _pictures(
    views: Mapping[str, Sequence[tuple[Array, Array, Array]]],
    *,
    name: str,
    title: str,
    caption: str,
) -> Drawing:
    columns = len(views)
    figure = Figure(figsize=(1.4 + 3.0 * columns, 8.6), layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False)
    data: dict[str, list[Array]] = {"view": [], "first": [], "second": []}
    for line, (across, up) in enumerate(_VIEWS):
        top = max(float(view[line][0].max()) for view in views.values()) or 1.0
        scale = LogNorm(top * 10**-_DECADES, top)
        for place, (label, view) in enumerate(views.items()):
            energy, first, second = view[line]
            image = axes[line, place].pcolormesh(
                first, second, np.where(energy > 0, energy, np.nan).T, norm=scale, cmap="viridis"
            )
            axes[line, place].set_xlabel(_label(across))
            if place == 0:
                axes[line, place].set_ylabel(f"{_TITLES[line]}\n{_label(up)}")
                count = len(first) - 1, len(second) - 1
                data["view"].append(np.full(count[0] * count[1], line, np.float64))
                data["first"].append(np.repeat(first[:-1], count[1]))
                data["second"].append(np.tile(second[:-1], count[0]))
            if line == 0:
                axes[line, place].set_title(shortened(label, 26), fontsize=9.5)
            data.setdefault(f"{label} [MeV]", []).append(energy.ravel())
        figure.colorbar(image, ax=axes[line], label="MeV", pad=0.01, aspect=22)
    figure.suptitle(title)
    return Drawing(
        name=name,
        caption=caption,
        figure=figure,
        data={column: np.concatenate(parts) for column, parts in data.items()},
    )


def _label(axis: str) -> str:
    return "layer" if axis == "z" else f"{axis} [mm]"


def _edges(grid: Grid) -> dict[str, Array]:
    layers = (np.arange(grid.layers + 1) - 0.5).astype(np.float64)
    box = grid.box
    if box is None:
        reach = max(ring.r_mm[-1] for ring in grid.rings)
        plane = np.linspace(-reach, reach, _RING_BINS + 1).astype(np.float64)
        return {"x": plane, "y": plane, "z": layers}
    x = box.low_x_mm + box.cell_mm * np.arange(box.nx + 1)
    y = box.low_y_mm + box.cell_mm * np.arange(box.ny + 1)
    return {"x": x.astype(np.float64), "y": y.astype(np.float64), "z": layers}
