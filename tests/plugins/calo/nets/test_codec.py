"""Showers to batches and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_calo.codec import ShowerCodec
from zoo_calo.config import CaloConfig
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]
Showers = Callable[..., Table]


def codec(grid: Grid, **settings: object) -> ShowerCodec:
    return ShowerCodec(CaloConfig.model_validate(settings), grid.facts(), {})


def test_inputs_are_as_a_simulation_gives_them(grids: Grids, showers: Showers) -> None:
    grid = grids(10, 9)
    samples = showers(grid, 300)
    batch = codec(grid, angle=True).encode(samples)
    assert list(batch.inputs) == ["latent", "energy", "theta"]
    assert batch.inputs["latent"].shape == (300, 100, 1, 1, 1)
    assert batch.inputs["energy"].shape == batch.inputs["theta"].shape == (300, 1, 1, 1, 1)
    assert {array.dtype.name for array in batch.inputs.values()} == {"float32"}
    np.testing.assert_array_equal(batch.inputs["energy"].ravel(), samples["energy"])
    np.testing.assert_array_equal(batch.inputs["theta"].ravel(), samples["theta"])
    latent = batch.inputs["latent"]
    assert -1 <= latent.min() < -0.99 < 0.99 < latent.max() < 1
    # A uniform distribution from -1 to 1: mean 0, variance 1/3; 30,000 numbers.
    assert latent.mean() == pytest.approx(0, abs=0.014)
    assert latent.var() == pytest.approx(1 / 3, rel=0.03)


def test_latent_numbers_are_of_the_sample_alone(grids: Grids, showers: Showers) -> None:
    grid = grids(10, 9)
    samples = showers(grid, 7)
    whole = codec(grid).encode(samples).inputs["latent"]
    part = codec(grid).encode(samples.take(np.array([5, 2]))).inputs["latent"]
    np.testing.assert_array_equal(part, whole[[5, 2]])
    assert len(np.unique(whole)) > 600


def test_cells_lie_where_the_grid_has_them(grids: Grids) -> None:
    grid = grids(10, 9, 8)
    samples = one_hit(grid, layer=7, x=3, y=5, deposit=0.34)
    for settings, expected in (
        ({}, 0.34),
        ({"cell_unit": "MIP"}, 0.34 / 0.17),
        ({"layer_weights": True}, 0.68),  # layer 7 of 10 counts twice
        ({"cell_unit": "MIP", "layer_weights": True}, 0.68 / 0.17),
    ):
        cells = codec(grid, **settings).encode(samples).targets["cells"]
        assert cells.shape == (1, 10, 9, 8)
        assert cells.dtype == np.float32
        assert cells[0, 7, 3, 5] == pytest.approx(expected, rel=1e-6)
        assert np.count_nonzero(cells) == 1


def test_what_is_decoded_is_what_was_encoded(grids: Grids, showers: Showers) -> None:
    grid = grids(10, 9)
    samples = showers(grid, 5)
    made = codec(grid)
    cells = made.encode(samples).targets["cells"]
    back = made.decode({"deposits": cells.reshape(5, -1)}, samples)
    for name in ("cell", "deposit"):
        np.testing.assert_array_equal(back[name].offsets, samples[name].offsets)
        np.testing.assert_array_equal(back[name].values, samples[name].values)
    np.testing.assert_array_equal(back.ids, samples.ids)


def test_cells_below_the_threshold_are_dropped(grids: Grids) -> None:
    grid = grids(10, 9)  # half of a MIP is 0.1 MeV
    deposits = np.zeros((1, grid.cells), np.float32)
    deposits[0, [3, 50, 70]] = 0.04, 0.06, 0.2
    samples = one_hit(grid)
    kept = {
        share: codec(grid, threshold=share).decode({"deposits": deposits}, samples)["cell"].values
        for share in (0.0, 0.5, 1.0)
    }
    assert [kept[share].tolist() for share in kept] == [[3, 50, 70], [50, 70], [70]]


def test_a_particle_without_energy_is_refused(grids: Grids) -> None:
    grid = grids(10, 9)
    for wrong in (0.0, np.nan):
        samples = one_hit(grid).with_columns({"energy": np.array([wrong], np.float32)})
        with pytest.raises(DataError, match="energy above zero"):
            codec(grid).encode(samples)


def test_a_cell_outside_is_refused(grids: Grids) -> None:
    with pytest.raises(DataError, match="the grid has 490"):
        codec(grids(10, 7)).encode(one_hit(grids(10, 9), layer=9))


def one_hit(grid: Grid, layer: int = 0, x: int = 0, y: int = 0, deposit: float = 1.0) -> Table:
    _, nx, ny = grid.shape
    offsets = np.array([0, 1], np.int64)
    cell = np.array([(layer * nx + x) * ny + y], np.int32)
    return Table(
        {
            "id": np.array([1], np.uint64),
            "energy": np.array([5.0], np.float32),
            "cell": Ragged(cell, offsets),
            "deposit": Ragged(np.array([deposit], np.float32), offsets),
        }
    )
