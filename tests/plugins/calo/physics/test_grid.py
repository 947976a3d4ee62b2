"""Cells: their order and places, by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged
from zoo_calo.physics.grid import Box, Grid, Rings, grid_of
from zoo_calo.physics.showers import dense, listed

SHARED: dict[str, Any] = {"name": "test", "threshold_mev": 0.1, "mip_mev": 0.2}


def box() -> Grid:
    return Grid(
        depth_mm=(5.0, 9.0),
        layer_weight=(1.0, 2.0),
        box=Box(nx=2, ny=3, cell_mm=4.0, low_x_mm=-4.0, low_y_mm=-2.0),
        **SHARED,
    )


def rings() -> Grid:
    each = (Rings(r_mm=(0.0, 2.0), alphas=1), Rings(r_mm=(0.0, 2.0, 6.0), alphas=4))
    return Grid(depth_mm=(1.0, 2.0), layer_weight=(1.0, 1.0), rings=each, **SHARED)


def test_a_box_counts_layer_x_y() -> None:
    grid = box()
    assert (grid.cells, grid.shape) == (12, (2, 2, 3))
    cell = (1 * 2 + 1) * 3 + 2  # layer 1, x 1, y 2
    assert grid.layer[cell] == 1
    assert (grid.x_mm[cell], grid.y_mm[cell], grid.weight[cell]) == (2.0, 8.0, 2.0)


def test_rings_count_r_fastest_and_layers_may_differ() -> None:
    grid = rings()
    assert grid.first_cell.tolist() == [0, 1, 9]
    cell = 1 + 1 * 2 + 1  # layer 1, alpha 1 of 4, r 1: at 135 degrees and 4 mm
    np.testing.assert_allclose(
        [grid.x_mm[cell], grid.y_mm[cell]], [-4 / np.sqrt(2), 4 / np.sqrt(2)]
    )
    with pytest.raises(DataError, match="different bins"):
        _ = grid.shape


@pytest.mark.parametrize("grid", [box(), rings()])
def test_facts_survive_json(grid: Grid) -> None:
    assert grid_of(json.loads(json.dumps(grid.facts()))) == grid


@pytest.mark.parametrize("facts", [{}, {"grid": {"name": "half"}}, {"grid": 3}])
def test_facts_without_a_grid_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="describe no grid"):
        grid_of(facts)


def test_a_grid_of_unequal_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="layer weights"):
        Grid(
            depth_mm=(1.0,),
            layer_weight=(1.0, 2.0),
            rings=(Rings(r_mm=(0, 1), alphas=1),),
            **SHARED,
        )
    with pytest.raises(ValueError, match="either"):
        Grid(depth_mm=(1.0,), layer_weight=(1.0,), **SHARED)


def test_lists_and_arrays_say_the_same() -> None:
    energy = np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0.25]], np.float32)
    cell, deposit = listed(energy)
    assert cell.lengths.tolist() == [2, 0, 2]
    np.testing.assert_array_equal(dense(cell, deposit, 4), energy)
    with pytest.raises(DataError, match="grid has 3"):
        dense(Ragged(np.array([3], np.int32), np.array([0, 1])), deposit, 3)
