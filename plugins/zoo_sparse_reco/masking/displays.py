"""An event with hidden patches: what was seen, what is true, what models told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Table
from zoo_sparse_reco.drawings.styles import shortened
from zoo_sparse_reco.masking.patches import log_energy
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["display"]

Floats = NDArray[np.float64]

_MODELS = 2  # beside what was seen and the truth
_COLOURS = "viridis"
_RANGE = Normalize(-3.0, 1.5)  # 0.05 to 4.5 MeV
_VIEWS = (("x", "y"), ("z", "y"))
_MARGIN = 4


@dataclass(frozen=True, eq=False)
class _Panel:
    """Voxels (V, 3) with logarithms of energies (V,), and places in grey."""

    title: str
    place: Floats
    logarithm: Floats
    grey: Floats


def display(
    samples: Table, predictions: Mapping[str, Table], row: int, grid: VoxelGrid, name: str
) -> Drawing:
    """One event in two projections.

    Args:
        samples: With a voxel in that row.
        predictions: By model, at least one; the first tells what was hidden.
        row: Which sample.
        grid: Of the voxels.
        name: Of the drawing.
    """
    place = np.stack([samples[f"voxel_{axis}"][row] for axis in "xyz"], 1).astype(np.float64)
    logarithm = log_energy(samples["deposit"][row])
    shown = list(predictions.items())[:_MODELS]
    seen, known, hidden = _parts(place, shown[0][1], row)
    panels = [
        _Panel("seen (grey: hidden energies)", place[seen], logarithm[seen], place[known]),
        _Panel("truth", place, logarithm, np.zeros((0, 3))),
        *(
            _told(shortened(model, 34), table, row, place[seen], logarithm[seen])
            for model, table in shown
        ),
    ]
    return Drawing(
        name=name,
        caption=f"An event of {len(place):,} voxels of {grid.voxel_mm:g} mm: energies of "
        f"{known.sum():,} voxels are hidden (grey), and {hidden.sum():,} voxels are hidden "
        "altogether. Models tell both; hidden voxels are drawn where they are told with a "
        "probability above 1/2.",
        figure=_figure(panels, place),
        data=_table(panels),
    )


def _parts(
    place: Floats, table: Table, row: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Voxels that were seen, whose energies were hidden, and that were hidden themselves."""
    asked = _asked(table, row)
    is_place = table["asked_place"][row] == 1
    known, hidden = (
        np.isin(_code(place), _code(asked[chosen])) for chosen in (~is_place, is_place)
    )
    return ~(known | hidden), known, hidden


def _told(title: str, table: Table, row: int, seen: Floats, logarithm: Floats) -> _Panel:
    there = table["asked_occupancy"][row] > 0.5
    told = log_energy(table["asked_energy"][row])
    place = np.concatenate([seen, _asked(table, row)[there]])
    return _Panel(title, place, np.concatenate([logarithm, told[there]]), np.zeros((0, 3)))


def _asked(table: Table, row: int) -> Floats:
    columns = [table[f"asked_{axis}"][row] for axis in "xyz"]
    return np.stack(columns, 1).astype(np.float64)


def _code(place: Floats) -> NDArray[np.int64]:
    x, y, z = place.astype(np.int64).T
    code: NDArray[np.int64] = (x << 32) | (y << 16) | z
    return code


def _figure(panels: list[_Panel], place: Floats) -> Figure:
    figure = Figure(
        figsize=(1.0 + 2.7 * len(panels), 0.5 + 2.6 * len(_VIEWS)), layout="constrained"
    )
    axes = figure.subplots(len(_VIEWS), len(panels), squeeze=False)
    low, high = place.min(0) - _MARGIN, place.max(0) + _MARGIN
    half = (high - low).max() / 2
    middle = (high + low) / 2
    for line, (across, up) in zip(axes, _VIEWS, strict=True):
        for place_of, panel in zip(line, panels, strict=True):
            a, b = "xyz".index(across), "xyz".index(up)
            _draw(place_of, panel, (a, b))
            place_of.set(
                xlim=(middle[a] - half, middle[a] + half), ylim=(middle[b] - half, middle[b] + half)
            )
            place_of.set_xlabel(f"{across} [voxel]", fontsize=8)
        line[0].set_ylabel(f"{up} [voxel]", fontsize=8)
    for top, panel in zip(axes[0], panels, strict=True):
        top.set_title(panel.title, fontsize=9)
    bar = figure.colorbar(ScalarMappable(_RANGE, _COLOURS), ax=axes, shrink=0.7)
    bar.set_label("ln(E / MeV + 0.01)")
    return figure


def _draw(place: Axes, panel: _Panel, axes: tuple[int, int]) -> None:
    a, b = axes
    size = float(np.clip(3e3 / max(len(panel.place) + len(panel.grey), 1), 0.4, 6))
    place.scatter(
        panel.grey[:, a],
        panel.grey[:, b],
        s=size,
        c="0.8",
        marker="s",
        linewidths=0,
        rasterized=True,
    )
    order = np.argsort(panel.logarithm, kind="stable")
    place.scatter(
        panel.place[order, a],
        panel.place[order, b],
        s=size,
        c=panel.logarithm[order],
        norm=_RANGE,
        cmap=_COLOURS,
        marker="s",
        linewidths=0,
        rasterized=True,
    )
    place.set_aspect("equal")
    place.tick_params(labelsize=7)


def _table(panels: list[_Panel]) -> dict[str, Floats]:
    return {
        f"{panel.title}: {name}": values
        for panel in panels
        for name, values in (
            *((f"{axis} [voxel]", panel.place[:, n]) for n, axis in enumerate("xyz")),
            ("ln(E / MeV + 0.01)", panel.logarithm),
        )
    }
