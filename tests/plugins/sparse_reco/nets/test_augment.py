"""Random changes of events keep what belongs together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.augment import augment
from zoo_sparse_reco.config import Augmentation

Events = Callable[..., Table]
SHAPE = (32, 32, 32)
KEYS = np.arange(11, 51, dtype=np.uint64)
TURNS = Augmentation(exchange=True, mirror=True)


def _places(samples: Table, row: int) -> np.ndarray:
    columns = [samples[f"voxel_{axis}"][row] for axis in "xyz"]
    return np.stack(columns, 1).astype(np.int64)


def _points(samples: Table, row: int) -> np.ndarray:
    return np.stack([samples[f"point_{axis}"][row] for axis in "xyz"], 1)


def test_nothing_is_changed_by_default(events: Events) -> None:
    samples = events(2)
    assert augment(samples, KEYS[:2], Augmentation(), SHAPE) is samples


def test_turns_keep_order_labels_and_distances(events: Events) -> None:
    samples = events(8)
    found = augment(samples, KEYS[:8], TURNS, SHAPE)
    seen = set()
    for row in range(8):
        before, after = _places(samples, row), _places(found, row)
        key = (after[:, 0] * 32 + after[:, 1]) * 32 + after[:, 2]
        assert (np.diff(key) > 0).all()
        assert after.min() >= 0
        assert after.max() < 32
        # A deposit names its voxel: distances of voxels and points are as before.
        back = np.argsort(found["deposit"][row])[np.argsort(np.argsort(samples["deposit"][row]))]
        for name in ("semantic", "particle", "plane_charge"):
            np.testing.assert_array_equal(found[name][row][back], samples[name][row])
        for point_before, point_after in zip(
            _points(samples, row), _points(found, row), strict=True
        ):
            np.testing.assert_allclose(
                np.linalg.norm(after[back] + 0.5 - point_after, axis=1),
                np.linalg.norm(before + 0.5 - point_before, axis=1),
                atol=1e-5,
            )
        step = after[back][-4] - after[back][-5]
        seen.add(tuple(step))
    assert len(seen) > 3


def test_all_48_turns_of_a_cube_occur() -> None:
    """Of a corner of three different distances from the walls."""
    count = 2000
    keys = np.arange(count, dtype=np.uint64)
    columns = {
        f"voxel_{axis}": Ragged(np.full(count, place, np.uint16), np.arange(count + 1))
        for axis, place in zip("xyz", (0, 3, 7), strict=True)
    }
    found = augment(Table({"id": keys, **columns}), keys, TURNS, SHAPE)
    places = [tuple(_places(found, row)[0]) for row in range(count)]
    assert len(set(places)) == 48
    assert np.unique(places, axis=0, return_counts=True)[1].min() > count / 48 / 2.5


def test_axes_of_different_lengths_stay(events: Events) -> None:
    samples = events(6)
    found = augment(samples, KEYS[:6], Augmentation(exchange=True), (32, 40, 32))
    assert any((found["voxel_z"][row] != samples["voxel_z"][row]).any() for row in range(6))
    for row in range(6):
        assert sorted(found["voxel_y"][row]) == sorted(samples["voxel_y"][row])


def test_truth_of_particles_turns_too(events: Events) -> None:
    samples = events(3)
    start = Ragged.of([np.array([[1.0, 2.0, 3.0]], np.float32)] * 3)
    more = samples.with_columns({"particle_start": start, "particle_momentum": start})
    found = augment(more, KEYS[:3], Augmentation(mirror=True), SHAPE)
    for row in range(3):
        flipped = found["voxel_z"][row].max() != samples["voxel_z"][row].max()
        place, momentum = found["particle_start"][row][0], found["particle_momentum"][row][0]
        assert place[2] == (32 - 3 if flipped else 3)
        assert momentum[2] == (-3 if flipped else 3)


def test_energies_are_scaled_event_by_event(events: Events) -> None:
    samples = events(40)
    found = augment(samples, KEYS, Augmentation(energy=0.05), SHAPE)
    factors = []
    for row in range(40):
        ratio = found["deposit"][row] / samples["deposit"][row]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
        charge = found["plane_charge"][row] / samples["plane_charge"][row]
        np.testing.assert_allclose(charge, ratio[0], rtol=1e-5)
        factors.append(float(ratio[0]))
    assert 0.95 <= min(factors) < 0.97
    assert 1.03 < max(factors) <= 1.05
    np.testing.assert_array_equal(found["voxel_x"].values, samples["voxel_x"].values)


def test_voxels_are_lost_with_all_that_they_have(events: Events) -> None:
    samples = events(40)
    found = augment(samples, KEYS, Augmentation(dropout=0.2), SHAPE)
    before, after = samples["deposit"].lengths.sum(), found["deposit"].lengths.sum()
    assert after / before == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / before))
    for row in range(40):
        kept = np.isin(samples["deposit"][row], found["deposit"][row])
        for name in ("voxel_x", "semantic", "particle", "plane_charge"):
            np.testing.assert_array_equal(found[name][row], samples[name][row][kept])
        np.testing.assert_array_equal(found["point_x"][row], samples["point_x"][row])


def test_an_event_changes_alike_wherever_it_is(events: Events) -> None:
    settings = Augmentation(exchange=True, mirror=True, energy=0.1, dropout=0.3)
    samples = events(3)
    whole = augment(samples, KEYS[:3], settings, SHAPE)
    alone = augment(samples.take([2]), KEYS[2:3], settings, SHAPE)
    for name in alone:
        if name != "id":
            np.testing.assert_array_equal(alone[name][0], whole[name][2])
