"""What a network sees of an event, and what it is asked: nothing that is hidden leaks."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Batch, DataError, Ragged, Table
from zoo_sparse_reco.features import logarithmic
from zoo_sparse_reco.masking.codec import MaskedCodec
from zoo_sparse_reco.masking.config import MaskedUResNetConfig, Masking
from zoo_sparse_reco.masking.patches import ENERGY, PLACE, SEEN
from zoo_sparse_reco.masking.specs import PREDICTION
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
Make = Callable[..., Table]


def _codec(grid: VoxelGrid, **settings: Any) -> MaskedCodec:
    config = MaskedUResNetConfig.model_validate({"depth": 2, **settings})
    return MaskedCodec(config, grid.facts, {})


def _same_inputs(one: Batch, other: Batch) -> bool:
    return one.inputs.keys() == other.inputs.keys() and all(
        np.array_equal(one.inputs[name], other.inputs[name]) for name in one.inputs
    )


def test_hidden_energies_do_not_reach_the_network(events: Events, grid: VoxelGrid) -> None:
    samples, codec = events(2), _codec(grid)
    before = codec.encode(samples)
    kind, has_energy = before.inputs["kind"], before.targets["has_energy"] > 0
    assert set(kind[has_energy].tolist()) == {ENERGY, PLACE}
    seen = samples["deposit"].values.copy()
    order = np.flatnonzero(before.targets["occupied"])  # voxels, in their order
    hidden = kind[order] != SEEN
    seen[hidden] *= 7
    changed = samples.with_columns({"deposit": Ragged(seen, samples["deposit"].offsets)})
    after = codec.encode(changed)
    assert _same_inputs(before, after)
    assert not np.array_equal(before.targets["log_energy"], after.targets["log_energy"])
    seen[~hidden] *= 2
    changed = samples.with_columns({"deposit": Ragged(seen, samples["deposit"].offsets)})
    assert not _same_inputs(before, codec.encode(changed))


def test_hidden_voxels_do_not_reach_the_network(table: Make, grid: VoxelGrid) -> None:
    """Another voxel of the same cube in its place: nothing that is seen differs."""
    codec = _codec(grid)
    for number in range(1, 200):
        place = np.array([[20, 20, z] for z in range(5, 35)])
        samples = table([place], [np.ones(30)]).with_columns({"id": np.array([number], np.uint64)})
        batch = codec.encode(samples)
        hidden = (batch.inputs["kind"] == PLACE) & (batch.targets["occupied"] > 0)
        empty = (batch.inputs["kind"] == PLACE) & ~hidden
        if hidden.sum() == 4 and (batch.targets["place"][empty][:, 0] == 21).any():
            break
    else:
        pytest.fail("no event with one hidden cube")
    (first, *_), asked = np.flatnonzero(hidden), batch.targets["place"]
    moved = asked[first] + [1, 0, 0]
    if not (asked == moved).all(1).any():
        moved = asked[first] - [1, 0, 0]
    rows = np.array([one for one in place.tolist() if one != asked[first].tolist()] + [moved])
    rows = rows[np.lexsort(rows.T[::-1])]
    other = codec.encode(table([rows], [np.ones(30)]).with_columns({"id": samples.ids}))
    assert _same_inputs(batch, other)
    assert not np.array_equal(batch.targets["occupied"], other.targets["occupied"])


def test_targets_by_hand(table: Make, grid: VoxelGrid) -> None:
    place = np.array([[10, 10, 10], [30, 30, 30]])
    samples = table([place], [np.array([0.5, 2.0])])
    everything = {"patch": 1, "energies": 0.0, "voxels": 1.0}
    codec = _codec(grid, masking=everything)
    keyed = codec.augment(samples, np.array([9], np.uint64))
    batch = codec.encode(keyed)
    np.testing.assert_allclose(
        batch.targets["log_energy"], [math.log(0.51), math.log(2.01)], rtol=1e-6
    )
    assert batch.targets["counts"] == {"energy": 2.0, "occupancy": 2.0}
    assert batch.targets["is_place"].tolist() == batch.targets["occupied"].tolist() == [1, 1]
    assert batch.inputs["features"].tolist() == [[-1.0], [-1.0]]  # those of 0 MeV
    nothing = _codec(grid, masking={"patch": 1, "energies": 1e-9, "voxels": 0.0})
    seen = nothing.encode(nothing.augment(samples, np.array([9], np.uint64)))
    np.testing.assert_allclose(
        seen.inputs["features"][:, 0], logarithmic(np.array([0.5, 2.0])), rtol=1e-6
    )
    assert seen.targets["counts"] == {"energy": 0.0, "occupancy": 0.0}


def test_training_draws_anew_and_judgement_does_not(events: Events, grid: VoxelGrid) -> None:
    """A model trained with other patches is judged like any other."""
    samples = events(2)
    one, other = _codec(grid), _codec(grid, masking={"patch": 8, "energies": 0.9})
    assert _same_inputs(one.encode(samples), other.encode(samples))
    keys = np.array([1, 2], np.uint64)
    first = one.encode(one.augment(samples, keys))
    assert _same_inputs(first, one.encode(one.augment(samples, keys)))
    assert not _same_inputs(first, one.encode(one.augment(samples, keys + np.uint64(5))))
    assert not _same_inputs(first, other.encode(other.augment(samples, keys)))
    assert Masking() == one.config.masking


def test_answers_come_back_to_their_places(events: Events, grid: VoxelGrid) -> None:
    """An encode with other keys than the ids, as ``predict(keys=...)`` makes it."""
    samples, codec = events(2), _codec(grid)
    batch = codec.encode(samples.with_columns({"id": np.array([77, 78], np.uint64)}))
    count = len(batch.inputs["kind"])
    outputs = {
        "log_energy": np.log(np.arange(count) + 1.01),
        "occupancy": np.full(count, 0.25),
        "kind": batch.inputs["kind"],
        **{name: batch.targets[name] for name in ("place", "event", "lengths")},
    }
    found = codec.decode(outputs, samples)
    np.testing.assert_array_equal(found.ids, samples.ids)
    assert set(found) == {"id", *PREDICTION}
    for name, field in PREDICTION.items():
        assert found[name].values.dtype.name == field.dtype
    asked = batch.inputs["kind"] != SEEN
    np.testing.assert_allclose(found["asked_energy"].values, np.arange(count)[asked] + 1, rtol=1e-6)
    np.testing.assert_array_equal(found["asked_y"].values, batch.targets["place"][asked, 1])
    hidden = batch.inputs["kind"][asked] == PLACE
    np.testing.assert_array_equal(
        found["asked_occupancy"].values, np.where(hidden, np.float32(0.25), 1)
    )
    assert found["asked_x"].lengths.tolist() == [
        int((asked & (batch.targets["event"] == row)).sum()) for row in range(2)
    ]


def test_events_of_one_voxel_and_of_none(table: Make, grid: VoxelGrid) -> None:
    empty, single = np.zeros((0, 3), np.int64), np.array([[39, 0, 39]])
    samples = table([empty, single], [np.zeros(0), np.ones(1)])
    codec = _codec(grid)
    for number in range(30):  # nothing, its energy, or itself is hidden
        ids = np.array([number + 100, number], np.uint64)
        batch = codec.encode(samples.with_columns({"id": ids}))
        assert batch.targets["lengths"][0] == 0
        assert ((batch.targets["place"] < 40) & (batch.targets["place"] >= 0)).all()
        assert batch.targets["occupied"].sum() == 1


def test_voxels_twice_are_refused(table: Make, grid: VoxelGrid) -> None:
    samples = table([np.array([[1, 1, 1], [1, 1, 1]])], [np.ones(2)])
    with pytest.raises(DataError, match="twice"):
        _codec(grid).encode(samples)


def test_facts_without_a_grid_are_refused(events: Events) -> None:
    with pytest.raises(DataError, match="what grid of voxels"):
        MaskedCodec(MaskedUResNetConfig(), {}, {}).encode(events(1))


def test_codec_and_metrics_import_no_torch() -> None:
    modules = (f"zoo_sparse_reco.masking.{one}" for one in ("codec", "metrics", "baselines"))
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
