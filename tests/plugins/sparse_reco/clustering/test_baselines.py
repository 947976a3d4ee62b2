"""DBSCAN, how tracks are broken, and the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import Ragged, Table
from zoo_sparse_reco.clustering.baselines import Dbscan, DbscanBends, TrueFragments
from zoo_sparse_reco.clustering.config import (
    DbscanBendsConfig,
    DbscanConfig,
    TrueFragmentsConfig,
)
from zoo_sparse_reco.clustering.dbscan import bent, broken, near_points, pieces
from zoo_sparse_reco.clustering_measures import Overlaps
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Drawn = Callable[..., Table]
Make = Callable[[Sequence[Mapping[str, Any]]], Table]


def ari_of_tracks(samples: Table, predictions: Table, row: int) -> float:
    track = samples["semantic"][row] == 1
    true, found = samples["fragment"][row][track], predictions["fragment"][row][track]
    return Overlaps.of(true, found).adjusted_rand_index()


def test_tracks_are_broken_at_points_or_where_they_bend(drawn: Drawn, grid: VoxelGrid) -> None:
    """Two tracks at a right angle: together without either, apart with both."""
    samples = drawn(4)
    whole = Dbscan(DbscanConfig(break_radius=0), grid.facts).predict(samples)
    for found in (
        Dbscan(DbscanConfig(break_radius=3), grid.facts).predict(samples),
        DbscanBends(DbscanBendsConfig(), grid.facts).predict(samples),
    ):
        for row in range(4):
            assert ari_of_tracks(samples, whole, row) == 0
            assert ari_of_tracks(samples, found, row) > 0.8
            others = samples["semantic"][row] >= 4
            assert (found["fragment"][row][others] == -1).all()
            assert found["fragment"][row].max() == whole["fragment"][row].max() + 1


def test_points_of_other_classes_and_events_break_nothing(drawn: Drawn, grid: VoxelGrid) -> None:
    samples = drawn(2)
    kind = samples["input_point_semantic"]
    other = samples.with_columns(
        {"input_point_semantic": Ragged(np.zeros_like(kind.values), kind.offsets)}
    )
    whole = Dbscan(DbscanConfig(break_radius=0), grid.facts).predict(samples)["fragment"]
    found = Dbscan(DbscanConfig(), grid.facts).predict(other)["fragment"]
    np.testing.assert_array_equal(found.values, whole.values)
    place = np.array([[5, 5, 5], [5, 5, 5]])
    near = near_points(place, np.array([0, 1]), np.array([[5.5, 5.5, 8.0]]), np.array([1]), 2.5)
    assert near.tolist() == [False, True]


@pytest.mark.parametrize("kind", [Dbscan, DbscanBends])
def test_events_do_not_see_each_other(kind: Any, drawn: Drawn, grid: VoxelGrid) -> None:
    """Voxels of a broken track are often as near to one piece as to another."""
    samples = drawn(6, seed=5)
    predictor = kind(DbscanConfig(break_radius=4), grid.facts)
    whole = predictor.predict(samples)["fragment"]
    turned = predictor.predict(samples.take([5, 4, 3, 2, 1, 0]))["fragment"]
    for row in range(6):
        alone = predictor.predict(samples.take([row]))["fragment"]
        np.testing.assert_array_equal(alone[0], whole[row])
        np.testing.assert_array_equal(turned[5 - row], whole[row])


def test_of_equally_near_pieces_the_first_is_taken() -> None:
    """Whatever other pieces there are: the tree of the voxels is another then."""
    line = np.array([[0, 0, z] for z in range(9)])
    out = line[:, 2] == 4
    alone = broken(line, np.zeros(9, np.int64), out, 1.999, 3)
    rng = np.random.default_rng(0)
    for count in (1, 40, 300):
        more = np.unique(rng.integers(20, 60, (count, 3)), axis=0)
        place = np.concatenate([more, line])
        whole = np.repeat([3, 9], [len(more), 9])
        left = np.concatenate([np.zeros(len(more), np.bool_), out])
        found = broken(place, whole, left, 1.999, 3)[len(more) :]
        np.testing.assert_array_equal(found == found[0], alone == alone[0])


def test_pieces_do_not_cross_classes_or_events() -> None:
    place = np.array([[1, 1, 1], [1, 1, 2], [1, 1, 3], [1, 1, 6], [1, 1, 2]])
    event, semantic = np.array([0, 0, 0, 0, 1]), np.array([0, 1, 0, 0, 0])
    found = pieces(place, event, semantic, {0: 2.0, 1: 1.0})
    assert len(set(found.tolist())) == 4
    assert found[0] == found[2]
    assert pieces(place, event, semantic, {1: 1.0}).tolist() == [-1, 0, -1, -1, -1]
    wide = pieces(place, event, semantic, {0: 3.0})
    assert wide[0] == wide[2] == wide[3] != wide[4]


def test_what_is_left_out_goes_back_to_the_nearest() -> None:
    """A line of 9 without its middle three; a piece of two that is left out whole."""
    place = np.array([[0, 0, z] for z in range(9)] + [[0, 5, 0], [0, 5, 1]])
    whole = np.array([7] * 9 + [8] * 2)
    out = np.isin(np.arange(11), [3, 4, 5, 9, 10])
    found = broken(place, whole, out, 1.999, 3)
    assert found[:4].tolist() == [found[0]] * 4
    assert found[5:9].tolist() == [found[8]] * 4
    assert len({int(found[0]), int(found[8]), int(found[9])}) == 3
    assert found[9] == found[10]
    # What remains is too small to be a piece: all stays together.
    assert len(set(broken(place[:9], whole[:9], out[:9], 1.999, 4).tolist())) == 1


def test_a_straight_line_is_not_bent_and_a_corner_is() -> None:
    line = np.column_stack([np.zeros(30), np.zeros(30), np.arange(30)]).astype(np.int64)
    corner = np.concatenate([line, line[1:, [0, 2, 1]]])
    event = np.zeros(len(corner), np.int64)
    assert not bent(line, event[:30], 5.0).any()
    found = bent(corner, event, 5.0)
    assert found[0]
    assert not found[10:30].any()
    assert len(bent(line[:0], event[:0], 5.0)) == 0


def test_the_oracle_cuts_where_classes_differ(table: Make, grid: VoxelGrid) -> None:
    event = {
        "voxels": [[1, 1, z] for z in range(6)],
        "semantic": [1, 1, 1, 1, 4, 5],
        "fragment": [9, 9, 9, 2, 3, -1],
        "input_semantic": [1, 1, 0, 1, 1, 5],
    }
    samples = table([event, {**event, "input_semantic": event["semantic"]}])
    found = TrueFragments(TrueFragmentsConfig(), grid.facts).predict(samples)["fragment"]
    assert found[0].tolist() == [0, 0, 1, 2, 3, -1]
    assert found[1].tolist() == [0, 0, 0, 1, -1, -1]


@pytest.mark.parametrize("kind", [Dbscan, DbscanBends, TrueFragments])
def test_events_without_voxels(kind: Any, drawn: Drawn, grid: VoxelGrid) -> None:
    config = TrueFragmentsConfig() if kind is TrueFragments else DbscanConfig()
    samples = drawn(1)
    nothing = Table(
        {
            "id": samples.ids,
            **{
                name: Ragged(samples[name].values[:0], np.zeros(2, np.int64))
                for name in samples
                if name != "id"
            },
        }
    )
    assert len(kind(config, grid.facts).predict(nothing)["fragment"].values) == 0


def test_both_schemes_of_classes(grid: VoxelGrid) -> None:
    other = VoxelGrid(name="small", shape=grid.shape, voxel_mm=3.0, scheme="hip-mip")
    settings = DbscanConfig(track=1.5, delta=3.0)
    assert Dbscan(settings, grid.facts).steps == {0: 1.999, 1: 1.5, 2: 1.999, 3: 3.0}
    assert Dbscan(settings, other.facts).steps == {0: 1.5, 1: 1.5, 2: 1.999, 3: 3.0, 4: 1.999}
    assert Dbscan(settings, other.facts).tracks == (0, 1)


@pytest.mark.parametrize("changes", [{"track": 0}, {"smallest": 0}, {"break_radius": -1}])
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DbscanConfig.model_validate(changes)
