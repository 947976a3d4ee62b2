"""Cells of points, and sums over them."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.locate import as_columns, cell_at, summed


@pytest.mark.parametrize("name", ["ild-ecal", "ild-ecal-angled", "calochallenge"])
def test_the_middle_of_every_cell_lies_in_it(name: str) -> None:
    grid = read_stack(name).grid
    found = cell_at(grid, grid.layer, grid.x_mm, grid.y_mm)
    assert np.array_equal(found, np.arange(grid.cells))


def test_flat_illumination_fills_cells_by_their_area_and_loses_none() -> None:
    grid = read_stack("calochallenge").grid
    random = np.random.default_rng(1)
    x, y = random.uniform(-50, 50, (2, 400_000))
    cell = cell_at(grid, np.zeros(len(x), np.int64), x, y)
    per_ring = np.bincount(cell[cell >= 0] % 9, minlength=9)
    # Rings of equal width: areas as 1, 3, 5, ... of 81 within 41.85 mm.
    expected = 4 * len(x) * np.pi * 41.85**2 / 200**2 * (2 * np.arange(9) + 1) / 81
    assert per_ring == pytest.approx(expected, rel=0.03)
    assert (cell < 0).sum() == len(x) - per_ring.sum()


def test_edges_belong_to_the_cell_above() -> None:
    grid = read_stack("ild-ecal").grid
    at = cell_at(grid, np.zeros(3, np.int64), np.array([-77.5, -72.5, 72.5]), np.zeros(3))
    assert at.tolist() == [15, 45, -1]


def test_sums() -> None:
    cell, energy, outside = summed(np.array([7, -1, 3, 7]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (cell.tolist(), energy.tolist(), outside) == ([3, 7], [3.0, 5.0], 2.0)
    cells, energies = as_columns([(cell, energy, outside), (cell[:0], energy[:0], 0.0)])
    assert cells.offsets.tolist() == energies.offsets.tolist() == [0, 2, 2]
    assert cells.values.dtype == np.int32
    assert energies.values.dtype == np.float32
