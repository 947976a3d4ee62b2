"""What the loss compares with, worked out by hand on tiny events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.codec import SparseCodec
from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.targets import class_targets

Make = Callable[[Sequence[dict[str, Any]]], Table]
EQUAL = {"semantic": np.ones(5), "ghost": np.ones(2)}


def test_classes_by_hand() -> None:
    semantic = Ragged.of([np.array([0, 5, -1], np.int8), np.array([], np.int8), np.array([3, 5])])
    weights = {"semantic": np.array([1, 2, 3, 4, 5.0]), "ghost": np.array([0.5, 2.0])}
    config = UResNetConfig.model_validate({"ghosts": True, "dice": 1.0})
    found = class_targets(semantic, config, weights)
    assert found["semantic"].tolist() == [0, 0, 0, 3, 0]
    assert found["semantic_weight"].tolist() == [1, 0, 0, 4, 0]
    assert found["ghost"].tolist() == [0, 1, 0, 0, 1]
    assert found["ghost_weight"].tolist() == [0.5, 2, 0, 0.5, 2]
    assert found["lengths"].tolist() == [3, 0, 2]
    assert found["counts"] == {"semantic": 5.0, "ghost": 5.0}
    plain = class_targets(semantic, UResNetConfig(), EQUAL)
    assert set(plain) == {"semantic", "semantic_weight", "counts"}


def _line(last: int) -> np.ndarray:
    return np.array([[4, 4, z] for z in range(1, last + 1)])


def _event(voxels: np.ndarray, points: Sequence[Any], **columns: Any) -> dict[str, Any]:
    """Points are (x, y, z, class, end, particle)."""
    stacked = np.array(points, np.float64).reshape(-1, 6)
    return {
        "voxels": voxels,
        "deposit": np.ones(len(voxels), np.float32),
        "semantic": np.ones(len(voxels), np.int8),
        "particle": np.full(len(voxels), 7, np.int32),
        **{f"point_{x}": stacked[:, i].astype(np.float32) for i, x in enumerate("xyz")},
        "point_semantic": stacked[:, 3].astype(np.int8),
        "point_end": stacked[:, 4].astype(np.int8),
        "point_particle": stacked[:, 5].astype(np.int32),
        **columns,
    }


def _targets(table: Make, grid: VoxelGrid, events: Sequence[Any], **settings: Any) -> Any:
    config = UResNetPpnConfig.model_validate({"filters": 2, "depth": 4, **settings})
    return SparseCodec(config, grid.facts, {}).encode(table(events)).targets


def test_points_by_hand(table: Make, grid: VoxelGrid) -> None:
    """A track of 14 voxels along z from 1: its start at its first voxel's middle, its end at 14."""
    line = _line(14)
    event = _event(line, [(4.5, 4.5, 1.5, 1, 0, 7), (4.5, 4.5, 14.0, 1, 1, 7)])
    found = _targets(table, grid, [_event(line[:0], []), event])
    # Middles 1.5 to 5.5 are nearer than 5 to the start, 6.5 is at 5; 9.5 to 14.5 to the end.
    near_start, near_end = [0, 1, 2, 3, 4], [8, 9, 10, 11, 12, 13]
    assert found["anchor"].tolist() == near_start + near_end
    z = np.array([1.5 - (1.5 + i) for i in range(5)] + [14.0 - (9.5 + i) for i in range(6)])
    np.testing.assert_allclose(found["offset"], np.column_stack([0 * z, 0 * z, z]))
    assert found["type"].tolist() == [1] * 11
    assert found["end"].tolist() == [0] * 5 + [1] * 6
    assert found["point_score_0"].tolist() == [1] * 5 + [0] * 3 + [1] * 6
    # Of twice the size: z / 2 is 0, 1, ..., 7; of four times: 0 to 3. Voxels 6 to 8 are positive
    # nowhere, so that only place 3 (voxels 6, 7) has no positive child.
    assert found["point_score_1"].tolist() == [1, 1, 1, 0, 1, 1, 1, 1]
    assert found["point_score_2"].tolist() == [1, 1, 1, 1]
    assert found["counts"] == {
        "semantic": 14.0,
        "offset": 33.0,
        "type": 11.0,
        "end": 11.0,
        "point_score_0": 14.0,
        "point_score_1": 8.0,
        "point_score_2": 4.0,
    }


def test_only_voxels_of_the_particle_propose_its_points(table: Make, grid: VoxelGrid) -> None:
    line = _line(4)
    particle = np.array([7, 7, 9, -1], np.int32)
    semantic = np.array([1, 1, 0, 5], np.int8)
    points = [(4.5, 4.5, 1.5, 1, 0, 7), (4.5, 4.5, 3.5, 0, 0, 9)]
    event = _event(line, points, particle=particle, semantic=semantic)
    found = _targets(table, grid, [event])
    assert found["anchor"].tolist() == [0, 1, 2]
    assert found["offset"][:, 2].tolist() == [0, -1, 0]
    assert found["type"].tolist() == [1, 1, 0]
    assert found["end"].tolist() == [0, 0, -1]  # nothing to learn of a shower
    assert found["counts"]["end"] == 2
    any_particle = _targets(table, grid, [event], points={"same_particle": False})
    # Voxel 1 is as near to both: the first counts. The ghost proposes nothing.
    assert any_particle["anchor"].tolist() == [0, 1, 2]
    assert any_particle["offset"][:, 2].tolist() == [0, -1, 0]
    unknown = [(4.5, 4.5, 1.5, 1, 0, -1)]
    of_any = _targets(table, grid, [_event(line, unknown, particle=particle, semantic=semantic)])
    assert of_any["anchor"].tolist() == [0, 1, 2]


def test_points_of_another_event_are_far(table: Make, grid: VoxelGrid) -> None:
    events = [_event(_line(3), []), _event(_line(3), [(4.5, 4.5, 1.5, 1, 0, 7)])]
    found = _targets(table, grid, events)
    assert found["anchor"].tolist() == [3, 4, 5]
    assert _targets(table, grid, events[:1])["anchor"].tolist() == []


def test_under_hip_mip_both_tracks_end(table: Make) -> None:
    grid = VoxelGrid(name="small", shape=(32, 32, 32), voxel_mm=3.0, scheme="hip-mip")
    points = [(4.5, 4.5, 1.5, 0, 0, 7), (4.5, 4.5, 9.5, 1, 1, 7), (4.5, 4.5, 20.5, 2, 0, 7)]
    found = _targets(table, grid, [_event(_line(25), points)])
    pairs = set(zip(found["type"].tolist(), found["end"].tolist(), strict=True))
    assert pairs == {(0, 0), (1, 1), (2, -1)}


def test_positive_weight_is_in_the_counts(table: Make, grid: VoxelGrid) -> None:
    event = _event(_line(14), [(4.5, 4.5, 1.5, 1, 0, 7)])
    found = _targets(table, grid, [event], points={"positive_weight": 3.0}, score_levels=[0, 2])
    assert found["counts"]["point_score_0"] == 5 * 3 + 9
    assert "point_score_1" not in found
    assert found["point_score_2"].tolist() == [1, 1, 0, 0]


def test_class_weights_by_hand(grid: VoxelGrid) -> None:
    """100 tracks, 25 showers, no other class: 125 / (2 * 25) and so on."""
    label = np.array([1] * 100 + [0] * 25 + [5] * 375 + [-1] * 9, np.int8)
    part = Table({"id": np.ones(1, np.uint64), "semantic": Ragged.of([label])})
    for balance, power in (("inverse", 1.0), ("root", 0.5)):
        config = UResNetConfig.model_validate({"balance": balance})
        constants = SparseCodec.fit(config, grid.facts, [part, part])
        assert constants == {"class_counts": [50, 200, 0, 0, 0], "ghost_counts": [250, 750]}
        weights = SparseCodec(config, grid.facts, constants).class_weights()
        np.testing.assert_allclose(
            weights["semantic"], np.array([2.5, 0.625, 0, 0, 0]) ** power, rtol=1e-12
        )
        np.testing.assert_allclose(weights["ghost"], np.array([2, 2 / 3]) ** power, rtol=1e-12)
    assert SparseCodec.fit(UResNetConfig(), grid.facts, []) == {}


def test_unknown_classes_cannot_be_balanced(grid: VoxelGrid) -> None:
    label = Ragged.of([np.full(3, -1, np.int8)])
    part = Table({"id": np.ones(1, np.uint64), "semantic": label})
    with pytest.raises(DataError, match="no training voxel has a known class"):
        SparseCodec.fit(UResNetConfig(balance="inverse"), grid.facts, [part])
