"""Events to inputs, outputs to predictions; settings that are refused."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import DataError, Table
from zoo_sparse_reco.codec import SparseCodec
from zoo_sparse_reco.config import Fragments, PointCuts, UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.features import logarithmic
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.points import fragments_of, points_of
from zoo_sparse_reco.specs import PREDICTION

Make = Callable[[Sequence[dict[str, Any]]], Table]
Events = Callable[..., Table]


def test_energies_are_scaled_as_published() -> None:
    """2 (log10(E + 0.01) - log10(0.01)) / (log10(20.01) - log10(0.01)) - 1, of arXiv:2502.02558."""
    for energy in (0.0, 0.05, 1.7, 20.0):
        reach = math.log10(20.01) - math.log10(0.01)
        expected = 2 * (math.log10(energy + 0.01) - math.log10(0.01)) / reach - 1
        assert logarithmic(np.array([energy]))[0] == pytest.approx(expected, abs=1e-12)
    assert logarithmic(np.array([-0.5]))[0] == -1


def test_features_in_their_order(table: Make) -> None:
    grid = VoxelGrid(name="flat", shape=(8, 16, 32), voxel_mm=3.0)
    event = {
        "voxels": np.array([[0, 0, 31], [7, 8, 0]]),
        "deposit": np.array([20.0, 2.0], np.float32),
        "plane_charge": np.array([[0, 6e5, 3e4], [0, 0, 0]], np.float32),
    }
    order = ["plane_charge", "deposit", "coordinates"]
    config = UResNetConfig.model_validate({"features": order, "depth": 2})
    codec = SparseCodec(config, grid.facts, {})
    assert codec.needs == {"voxel_x", "voxel_y", "voxel_z", "deposit", "plane_charge"}
    found = codec.encode(table([event])).inputs["features"]
    assert found.dtype == np.float32
    expected = [-1, 1, logarithmic(np.array([1.0]))[0], 1, -7 / 8, -15 / 16, 31 / 32]
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    np.testing.assert_allclose(found[1, 4:], [7 / 8, 1 / 16, -31 / 32], atol=1e-6)
    linear = SparseCodec(config.model_copy(update={"scale": "linear"}), grid.facts, {})
    found = linear.encode(table([event])).inputs["features"]
    np.testing.assert_allclose(found[:, :4], [[0, 20, 1, 20], [0, 0, 0, 2]])


def test_tables_are_those_of_the_whole_batch(events: Events, grid: VoxelGrid) -> None:
    """Rows of an event do not depend on the events beside it, but for where they begin."""
    codec = SparseCodec(UResNetConfig(depth=3), grid.facts, {})
    samples = events(3)
    whole = codec.encode(samples).inputs
    firsts = dict.fromkeys(("neighbours_0", "neighbours_1", "neighbours_2"), 0)
    for row in range(3):
        alone = codec.encode(samples.take([row])).inputs
        for name, first in firsts.items():
            count = len(alone[name])
            shifted = np.where(alone[name] < 0, -1, alone[name] + first)
            np.testing.assert_array_equal(whole[name][first : first + count], shifted)
            firsts[name] += count
    assert [len(whole[name]) for name in firsts] == list(firsts.values())


def test_samples_without_truth_have_no_targets(events: Events, grid: VoxelGrid) -> None:
    codec = SparseCodec(UResNetPpnConfig(depth=2), grid.facts, {})
    samples = events(2)
    assert not codec.encode(samples.select(codec.needs)).targets
    assert not codec.encode(samples.select(codec.needs | {"semantic"})).targets
    assert codec.encode(samples).targets


def _decoded(samples: Table, grid: VoxelGrid, ghost: Sequence[float], **settings: Any) -> Table:
    config = UResNetPpnConfig.model_validate({"depth": 2, "ghosts": True, **settings})
    voxels = len(ghost)
    score = np.full((voxels, 5), 0.1, np.float32)
    score[:, 1] = 0.6
    outputs = {
        "score": score,
        "ghost_score": np.array(ghost, np.float32),
        "point_offset": np.zeros((voxels, 3), np.float32),
        "point_score": np.array([0.9, *[0.0] * (voxels - 1)], np.float32)[:voxels],
        "point_type": score,
        "point_end": np.full(voxels, 0.25, np.float32),
    }
    return SparseCodec(config, grid.facts, {}).decode(outputs, samples)


def test_predictions_by_hand(table: Make, grid: VoxelGrid) -> None:
    line = np.array([[4, 4, z] for z in range(1, 6)])
    samples = table([{"voxels": line}, {"voxels": line[:0]}])
    found = _decoded(samples, grid, [0.1, 0.5, 0.2, 0.6, 0.0])
    assert set(found) == {"id", *PREDICTION}
    for name, field in PREDICTION.items():
        values = found[name].values
        assert (values.dtype.name, values.ndim) == (field.dtype, len(field.dims))
    assert found["semantic"].values.tolist() == [1, 1, 1, 5, 1]
    assert found["fragment"].values.tolist() == [0, 0, 0, -1, -1]
    assert found["point_z"].offsets.tolist() == [0, 1, 1]
    assert found["point_z"].values.tolist() == [1.5]
    assert found["point_end"].values.tolist() == [0.25]
    strict = _decoded(samples, grid, [0.1, 0.5, 0.2, 0.6, 0.0], ghost_threshold=0.15, ends=False)
    assert strict["semantic"].values.tolist() == [1, 5, 5, 5, 1]
    assert "point_end" not in strict
    assert "fragment" not in _decoded(samples, grid, [0.0] * 5, fragments=None)
    assert _decoded(samples, grid, [1.0] * 5)["fragment"].values.tolist() == [-1] * 5


def test_nothing_at_all_is_predicted_of_nothing(table: Make, grid: VoxelGrid) -> None:
    samples = table([{"voxels": np.zeros((0, 3), int)}] * 2)
    found = _decoded(samples, grid, [])
    assert all(
        len(found[name]) == 2 and not len(found[name].values) for name in found if name != "id"
    )


def test_voxels_twice_are_refused(table: Make, grid: VoxelGrid) -> None:
    voxels = np.array([[1, 1, 1], [1, 1, 1]])
    samples = table([{"voxels": voxels, "deposit": np.ones(2, np.float32)}])
    with pytest.raises(DataError, match="twice"):
        SparseCodec(UResNetConfig(), grid.facts, {}).encode(samples)


def test_facts_without_a_grid_are_refused(events: Events) -> None:
    with pytest.raises(DataError, match="what grid of voxels"):
        SparseCodec(UResNetConfig(), {}, {}).encode(events(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": ["deposit", "deposit"]}, "distinct"),
        ({"features": []}, "at least 1"),
        ({"input_kernel": 4}, "odd"),
        ({"score_levels": [1]}, "0 among them"),
        ({"score_levels": [0, 4]}, "from 0 to 3"),
        ({"score_levels": [0, 0]}, "distinct"),
        ({"depth": 1}, "greater than or equal to 2"),
        ({"balance": "equal"}, "none"),
        ({"focal": -1}, "greater than or equal to 0"),
        ({"augmentation": {"dropout": 1.0}}, "less than 1"),
        ({"fragments": {"smallest": 0}}, "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        UResNetPpnConfig.model_validate(settings)


def test_an_exported_file_predicts_without_torch() -> None:
    """What stands between samples and the file imports no torch."""
    code = "import sys, zoo_sparse_reco.codec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_are_those_of_the_functions() -> None:
    """Classical models call the same functions without settings."""
    for config, function in ((Fragments(), fragments_of), (PointCuts(), points_of)):
        parameters = inspect.signature(function).parameters
        for name, value in config.model_dump().items():
            assert parameters[name].default == value
