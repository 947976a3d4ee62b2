"""What is hidden: whole cubes, drawn from the key alone, and nothing beyond the grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import Table, uniform
from zoo_sparse_reco.masking.config import MaskedUResNetConfig, Masking
from zoo_sparse_reco.masking.patches import ENERGY, PLACE, SEEN, hide, log_energy, mev
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
Make = Callable[..., Table]

KEYS = np.array([11, 12, 13], np.uint64)


def test_logarithms_by_hand() -> None:
    """ln(0.51) and ln(0.01); noise below zero counts as zero."""
    found = log_energy(np.array([0.5, 0.0, -2.0]))
    np.testing.assert_allclose(found, [math.log(0.51), math.log(0.01), math.log(0.01)])
    np.testing.assert_allclose(mev(found), [0.5, 0.0, 0.0], atol=1e-15)
    assert mev(np.array([-9.0]))[0] == 0


def test_all_places_of_a_cube_are_asked_once(table: Make) -> None:
    """Against cubes that are counted one by one, at a corner of the grid too."""
    shape = (7, 7, 7)
    place = np.array([[0, 0, 0], [3, 3, 3], [3, 3, 4], [6, 6, 6]])
    samples = table([place], [np.ones(4)])
    key = np.array([5], np.uint64)
    found = hide(samples, key, Masking(patch=3, energies=0, voxels=1), shape)
    shift = np.floor(3 * uniform(key, 3, tag=11)).astype(int)[0]
    cubes = {tuple((one + shift) // 3) for one in place}
    expected = [
        (x, y, z)
        for x in range(7)
        for y in range(7)
        for z in range(7)
        if tuple((np.array([x, y, z]) + shift) // 3) in cubes
    ]
    assert [tuple(one) for one in found.place.tolist()] == expected  # in rising order, too
    assert (found.kind == PLACE).all()
    there = found.voxel >= 0
    np.testing.assert_array_equal(found.place[there], place[found.voxel[there]])
    assert there.sum() == 4
    assert found.lengths.tolist() == [len(expected)]


def test_a_patch_is_hidden_as_a_whole(events: Events, grid: VoxelGrid) -> None:
    samples, masking = events(3), Masking(patch=4, energies=0.5, voxels=0.1)
    found = hide(samples, KEYS, masking, grid.shape)
    shift = np.floor(4 * uniform(KEYS, 3, tag=11)).astype(int)
    patch = np.column_stack([found.event, (found.place + shift[found.event]) // 4])
    kinds: dict[tuple[int, ...], set[int]] = {}
    for one, kind in zip(map(tuple, patch.tolist()), found.kind.tolist(), strict=True):
        kinds.setdefault(one, set()).add(kind)
    assert all(len(kind) == 1 for kind in kinds.values())
    assert {kind for some in kinds.values() for kind in some} == {SEEN, ENERGY, PLACE}
    assert (found.voxel[found.kind != PLACE] >= 0).all()


def test_shares_are_those_of_the_settings(table: Make) -> None:
    """Of 8,000 patches with one voxel each: within four standard errors."""
    line = np.stack(np.unravel_index(np.arange(8000), (20, 20, 20)), 1) * 5 + 2
    samples = table([line], [np.ones(8000)])
    found = hide(samples, KEYS[:1], Masking(patch=1, energies=0.3, voxels=0.2), (100, 100, 100))
    for kind, share in ((ENERGY, 0.3), (PLACE, 0.2)):
        error = math.sqrt(share * (1 - share) / 8000)
        assert abs((found.kind == kind).mean() - share) < 4 * error


def test_it_depends_on_the_key_and_the_event_alone(events: Events, grid: VoxelGrid) -> None:
    samples = events(3)
    whole = hide(samples, KEYS, Masking(), grid.shape)
    for row in range(3):
        alone = hide(samples.take([row]), KEYS[row : row + 1], Masking(), grid.shape)
        chosen = whole.event == row
        np.testing.assert_array_equal(alone.place, whole.place[chosen])
        np.testing.assert_array_equal(alone.kind, whole.kind[chosen])
    other = hide(samples, KEYS + np.uint64(1), Masking(), grid.shape)
    assert not np.array_equal(other.kind, whole.kind)


def test_nothing_to_hide(table: Make, grid: VoxelGrid) -> None:
    empty = np.zeros((0, 3), np.int64)
    samples = table([empty, empty], [np.zeros(0)] * 2)
    found = hide(samples, KEYS[:2], Masking(), grid.shape)
    assert found.place.shape == (0, 3)
    assert found.lengths.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"masking": {"energies": 0.0, "voxels": 0.0}}, "above 0 and at most 1"),
        ({"masking": {"energies": 0.8, "voxels": 0.3}}, "above 0 and at most 1"),
        ({"masking": {"patch": 0}}, "greater than or equal to 1"),
        ({"features": ["coordinates"]}, "must have 'deposit'"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MaskedUResNetConfig.model_validate(settings)
