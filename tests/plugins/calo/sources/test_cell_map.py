"""Cell maps: flat illumination gives flat occupancy, no energy is lost, edges are in one cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import ConfigError
from zoo_calo.sources.cell_map import CellMap, identity_map
from zoo_calo.sources.cell_map_file import NAMED_MAPS, CellMapConfig, read_cell_map

MAP: dict[str, Any] = {
    "axes": ["x", "-z", "y"],
    "origin_mm": [10.0, 1800.0, -50.0],
    "plane_mm": [1805.0, 1815.0, 1830.0],
    "tolerance_mm": 2.0,
    "shape": [6, 8],
    "cell_mm": 5.0,
    "low_mm": [-15.0, -20.0],
    "threshold_mev": 0.1,
    "mip_mev": 0.2,
}


def declared(**changes: Any) -> CellMap:
    return CellMapConfig.model_validate(MAP | changes).cell_map()


def lattice(cell_map: CellMap, layer: int, pitch: float, shift: tuple[float, float]) -> Any:
    """Cells of a detector, each lit once: middles of a lattice over the whole layer and beyond."""
    steps = np.arange(-20, 20)
    x, y = np.meshgrid((steps + 0.5) * pitch + shift[0], (steps + 0.5) * pitch + shift[1])
    place = np.empty((x.size, 3))
    place[:, 0] = 10.0 + x.ravel()
    place[:, 1] = cell_map.plane_mm[layer]
    place[:, 2] = -50.0 - y.ravel()  # our y runs against the detector's z
    return place


@pytest.mark.parametrize("pitch", [5.0, 2.5])
@pytest.mark.parametrize("shifts", [(), ((0.0, 0.0), (2.5, 0.0), (1.0, 3.0))])
def test_flat_illumination_gives_flat_occupancy(pitch: float, shifts: Any) -> None:
    cell_map = declared(shift_mm=shifts)
    for layer in range(3):
        place = lattice(cell_map, layer, pitch, shifts[layer] if shifts else (0.0, 0.0))
        cell = cell_map.cells(place)
        count = np.bincount(cell[cell >= 0], minlength=cell_map.grid.cells)
        lit = count[cell_map.grid.layer == layer]
        assert set(lit.tolist()) == {round((5.0 / pitch) ** 2)}
        assert count.sum() == lit.sum()


def test_a_map_of_other_cells_shows_stripes() -> None:
    """Cells of 6 mm in bins of 5 mm: some bins have none. Why shifts and sizes are declared."""
    cell_map = declared()
    cell = cell_map.cells(lattice(cell_map, 0, 6.0, (0.0, 0.0)))
    count = np.bincount(cell[cell >= 0], minlength=cell_map.grid.cells)
    assert set(count[cell_map.grid.layer == 0].tolist()) == {0, 1}


def test_energy_is_conserved_and_what_is_outside_is_told() -> None:
    cell_map = declared()
    rng = np.random.default_rng(1)
    place = np.stack(
        [rng.uniform(-20, 40, 5000), rng.choice([1805.3, 1813.5, 1822.0, 1831.9], 5000),
         rng.uniform(-80, -20, 5000)], axis=1
    )  # fmt: skip
    energy = rng.exponential(1e-3, 5000)
    offsets = np.array([0, 1000, 1000, 5000])
    filled = cell_map.fill(place, energy, offsets)
    for row in range(3):
        hits = slice(offsets[row], offsets[row + 1])
        total = filled.deposit[row].sum(dtype=np.float64) + filled.outside[row]
        assert total == pytest.approx(1000 * energy[hits].sum(), rel=1e-6)
        assert np.all(np.diff(filled.cell[row]) > 0), "each cell once, in rising order"
    beyond = cell_map.cells(place) < 0
    assert filled.outside[2] == pytest.approx(1000 * energy[1000:][beyond[1000:]].sum(), rel=1e-6)
    assert 0 < filled.outside[2] < 1000 * energy[1000:].sum()
    assert np.all(beyond[place[:, 1] == 1822.0]), "between the planes"


def test_hits_on_edges_are_in_one_cell() -> None:
    cell_map = declared()
    grid = cell_map.grid
    edges = np.arange(-15.0, 15.1, 5.0)
    place = np.stack([10 + edges, np.full(7, 1805.0), np.full(7, -50.0 - 2.0)], axis=1)
    cell = cell_map.cells(place)
    assert cell[-1] == -1, "the upper edge of the last cell is outside"
    np.testing.assert_allclose(grid.x_mm[cell[:-1]], edges[:-1] + 2.5)
    # Planes: the lower end of the tolerance is in, the upper one is not; half-way, the upper plane.
    depth = np.stack([np.full(3, 10.0), [1803.0, 1807.0, 1817.0], np.full(3, -50.0)], axis=1)
    assert (cell_map.cells(depth) >= 0).tolist() == [True, False, False]
    wide = declared(tolerance_mm=5.0)
    middle = wide.cells(np.array([[10.0, 1810.0, -50.0]]))
    assert grid.layer[middle[0]] == 1


def test_a_map_that_ignores_a_shift_shows_it_at_the_edge() -> None:
    """Cells shifted by 3 mm out of 5: the first column sees nothing of a detector as large."""
    cell_map = declared()
    place = lattice(cell_map, 0, 5.0, (3.0, 0.0))
    inside = (place[:, 0] > 10 - 15 + 3) & (place[:, 0] < 10 + 15 + 3)
    cell = cell_map.cells(place[inside])
    count = np.bincount(cell[cell >= 0], minlength=cell_map.grid.cells).reshape(3, 6, 8)[0]
    assert count[0].tolist() == [0] * 8
    assert set(count[1:].ravel().tolist()) == {1}


@pytest.mark.parametrize("shifts", [(), ((0.0, 0.0), (2.5, 0.0), (1.0, 3.0))])
@pytest.mark.parametrize("axes", [("x", "-z", "y"), ("-y", "x", "z"), ("z", "y", "-x")])
def test_places_are_the_reverse_of_cells(shifts: Any, axes: Any) -> None:
    planes = {"y": (1805, 1815, 1830), "z": (-45, -35, -20), "-x": (5, -5, -20)}[axes[2]]
    cell_map = declared(shift_mm=shifts, axes=axes, plane_mm=planes)
    assert cell_map.grid.depth_mm == (5.0, 15.0, 30.0)
    cells = np.arange(cell_map.grid.cells)
    np.testing.assert_array_equal(cell_map.cells(cell_map.places(cells)), cells)


@pytest.mark.parametrize("name", NAMED_MAPS)
def test_named_maps_and_the_grids_own_frame_hold_their_cells(name: str) -> None:
    for cell_map in (read_cell_map(name), identity_map(read_cell_map(name).grid)):
        cells = np.arange(0, cell_map.grid.cells, 7)
        np.testing.assert_array_equal(cell_map.cells(cell_map.places(cells)), cells)


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_maps_are_read_from_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map{suffix}"
    lines = [f"{name} = {json.dumps(value)}" for name, value in MAP.items()]
    path.write_text(json.dumps(MAP) if suffix == ".json" else "\n".join(lines))
    assert read_cell_map(str(path)) == declared()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": ["x", "y", "-x"]}, "are not three different ones"),
        ({"plane_mm": [1805.0, 1830.0, 1815.0]}, "do not follow one another"),
        ({"shift_mm": [[1, 1]]}, "1 of shift_mm for 3 layers"),
        ({"tolerance_mm": 0}, "tolerance_mm: Input should be greater than 0"),
        ({"cells": 5}, "cells: Extra inputs"),
        ({"origin_mm": [0, float("inf"), 0]}, "finite"),
    ],
)
def test_maps_that_make_no_sense_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(MAP | changes))
    with pytest.raises(ConfigError, match=message):
        read_cell_map(str(path))


def test_files_that_are_no_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such cell map") as caught:
        read_cell_map(str(tmp_path / "none.toml"))
    assert "ild-ecal" in caught.value.remedy
    path = tmp_path / "map.toml"
    path.write_text("axes = [")
    with pytest.raises(ConfigError, match="no TOML or JSON"):
        read_cell_map(str(path))
    path.write_text("#" * (2**20 + 1))
    with pytest.raises(ConfigError, match="more than 1 MiB"):
        read_cell_map(str(path))
    with pytest.raises(ConfigError, match="no such cell map"):
        read_cell_map("")


def test_the_map_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "plugins" / "calo-files.md"
    text = page.read_text(encoding="utf-8")
    path = tmp_path / "map.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0])
    cell_map = read_cell_map(str(path))
    assert cell_map.grid.shape == (3, 30, 40)
    assert cell_map.grid.depth_mm == (1.5, 4.5, 14.5)
