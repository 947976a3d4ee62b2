"""Numbers of hidden energies and voxels: by hand, and against slow sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.masking.baselines import TrueVoxels
from zoo_sparse_reco.masking.config import TrueVoxelsConfig
from zoo_sparse_reco.masking.metrics import MaskedMetrics
from zoo_sparse_reco.masking.patches import log_energy
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
Make = Callable[..., Table]


def _numbers(metrics: MaskedMetrics, rows: Table) -> dict[str, float]:
    return {one.name: one.value for one in metrics.summarise(rows)}


def _prediction(samples: Table, row: dict[str, Any]) -> Table:
    offsets = np.array([0, len(row["place"])], np.int64)
    place = np.array(row["place"])
    columns = {
        **{f"asked_{axis}": place[:, n].astype(np.uint16) for n, axis in enumerate("xyz")},
        "asked_place": np.array(row["hidden"], np.int8),
        "asked_energy": np.array(row["energy"], np.float32),
        "asked_occupancy": np.array(row["occupancy"], np.float32),
    }
    ragged = {name: Ragged(values, offsets) for name, values in columns.items()}
    return Table({"id": samples.ids, **ragged})


@pytest.fixture
def metrics(grid: VoxelGrid) -> MaskedMetrics:
    return MaskedMetrics(grid.facts)


def test_numbers_by_hand(table: Make, metrics: MaskedMetrics) -> None:
    """Two known voxels of 1 and 3 MeV told as 2 MeV; a hidden one; three empty places."""
    samples = table([np.array([[1, 1, 1], [1, 1, 5], [4, 4, 4]])], [np.array([1.0, 3.0, 2.0])])
    found = _prediction(
        samples,
        {
            "place": [[1, 1, 1], [1, 1, 5], [4, 4, 3], [4, 4, 4], [4, 4, 5], [4, 5, 5]],
            "hidden": [0, 0, 1, 1, 1, 1],
            "energy": [2.0, 2.0, 9.0, 1.0, 9.0, 9.0],
            "occupancy": [1, 1, 0.7, 0.6, 0.2, 0.1],
        },
    )
    numbers = _numbers(metrics, metrics.measure(samples, found))
    low, high = math.log(2.01 / 1.01), math.log(2.01 / 3.01)
    mean = (low**2 + high**2) / 2
    middle = (math.log(1.01) + math.log(3.01)) / 2
    variance = ((math.log(1.01) - middle) ** 2 + (math.log(3.01) - middle) ** 2) / 2
    expected = {
        "log energy RMS error": math.sqrt(mean),
        "explained variance": 100 * (1 - mean / variance),
        "log energy bias": (low + high) / 2,
        "log energy RMS error, hidden voxels": math.log(2.01 / 1.01),
        "occupancy AUC": 100 * 2 / 3,  # above two of three empty places
        "occupancy cross-entropy": -math.log(0.6 * 0.3 * 0.8 * 0.9) / 4,
        "hidden voxels found": 100.0,
        "found voxels that are there": 50.0,
    }
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value, rel=1e-5), name
    assert math.isnan(numbers["explained variance, hidden voxels"])  # of one voxel


def test_the_area_is_that_of_all_pairs(metrics: MaskedMetrics, table: Make) -> None:
    rng = np.random.default_rng(5)
    cube = np.stack(np.unravel_index(np.arange(512), (8, 8, 8)), 1)
    there = rng.random(512) < 0.3
    chance = np.round(1 / (1 + np.exp(-rng.normal(np.where(there, 0.5, -1), 1.0))), 2)
    samples = table([cube[there]], [np.ones(there.sum())])
    row = {"place": cube, "hidden": [1] * 512, "energy": [1] * 512, "occupancy": chance}
    numbers = _numbers(metrics, metrics.measure(samples, _prediction(samples, row)))
    one, other = chance[there][:, None], chance[~there][None]
    area = ((one > other) + (one == other) / 2).mean()
    assert numbers["occupancy AUC"] == pytest.approx(100 * area, abs=0.3)  # bins of logits


def test_the_truth_is_without_error(
    events: Events, grid: VoxelGrid, metrics: MaskedMetrics
) -> None:
    samples = events(4)
    found = TrueVoxels(TrueVoxelsConfig(), grid.facts).predict(samples)
    numbers = _numbers(metrics, metrics.measure(samples, found))
    assert numbers["log energy RMS error"] == pytest.approx(0, abs=1e-6)
    for name in ("explained variance", "occupancy AUC", "hidden voxels found"):
        assert numbers[name] == pytest.approx(100)


def test_numbers_of_many_events_are_those_of_all_voxels(
    events: Events, grid: VoxelGrid, metrics: MaskedMetrics
) -> None:
    samples = events(5)
    found = TrueVoxels(TrueVoxelsConfig(), grid.facts).predict(samples)
    energy = found["asked_energy"]
    told = np.exp(np.random.default_rng(0).normal(size=len(energy.values))).astype(np.float32)
    changed = found.with_columns({"asked_energy": Ragged(told, energy.offsets)})
    numbers = _numbers(metrics, metrics.measure(samples, changed))
    known = found["asked_place"].values == 0
    true, wrong = log_energy(energy.values[known]), log_energy(told[known])
    mean = ((true - wrong) ** 2).mean()
    assert numbers["log energy RMS error"] == pytest.approx(math.sqrt(mean))
    assert numbers["explained variance"] == pytest.approx(100 * (1 - mean / true.var()))


def test_no_number_and_no_event(events: Events, grid: VoxelGrid, metrics: MaskedMetrics) -> None:
    samples = events(2)
    found = TrueVoxels(TrueVoxelsConfig(), grid.facts).predict(samples)
    rows = metrics.measure(samples, found)
    assert all(math.isnan(one) for one in _numbers(metrics, rows.take([])).values())
    column = found["asked_occupancy"]
    broken = np.where(found["asked_place"].values == 1, np.nan, column.values)
    nan = found.with_columns({"asked_occupancy": Ragged(broken, column.offsets)})
    numbers = _numbers(metrics, metrics.measure(samples, nan))
    assert math.isnan(numbers["occupancy AUC"])
    assert math.isnan(numbers["occupancy cross-entropy"])
    assert numbers["log energy RMS error"] == pytest.approx(0, abs=1e-6)


def test_predictions_of_other_events_are_refused(
    events: Events, grid: VoxelGrid, metrics: MaskedMetrics
) -> None:
    found = TrueVoxels(TrueVoxelsConfig(), grid.facts).predict(events(1))
    with pytest.raises(DataError, match="where the event has no voxel"):
        metrics.measure(events(1, seed=3), found)
