"""Ghosts against all voxels tried one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo_sparse_reco.physics.wire_planes import Recorded, record, wires_of

SHAPE = (6, 23, 17)


def cloud(count: int, seed: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = np.stack([rng.integers(0, size, count) for size in SHAPE], axis=1)
    return np.unique(found, axis=0)


def everywhere() -> np.ndarray:
    return np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1).reshape(-1, 3)


def seen(voxel: np.ndarray, charge: np.ndarray, **more: Any) -> Recorded:
    settings: dict[str, Any] = {"spread": 0.0, "least_charge": 10.0, "noise": (0.0, 0.0), **more}
    rng = np.random.default_rng(1)
    return record(voxel, charge, SHAPE, rng=rng, **settings)


def test_wires_lie_at_0_and_60_degrees() -> None:
    """One voxel along y is 0.866 wires of the tilted planes; one along z is half of one."""
    wires = wires_of(np.array([0, 20, 0]), np.array([0, 0, 10]), SHAPE)
    assert wires[0].tolist() == [0, 0, 10]
    np.testing.assert_allclose(np.diff(wires[1][[0, 1]]), 20 * np.sqrt(3) / 2, atol=1)
    np.testing.assert_allclose(np.diff(wires[2][[0, 1]]), -20 * np.sqrt(3) / 2, atol=1)
    assert wires[1][2] - wires[1][0] == wires[2][2] - wires[2][0] == 5
    assert min(wires_of(np.array([SHAPE[1] - 1]), np.array([0]), SHAPE)[2]) >= 0


@pytest.mark.parametrize("seed", range(4))
def test_every_voxel_on_three_hit_wires_is_recorded(seed: int) -> None:
    """By brute force: all voxels of the grid, all wires of the true ones."""
    voxel = cloud(60, seed)
    charge = np.random.default_rng(seed).random(len(voxel)) * 100 + 20
    found = seen(voxel, charge)
    sums: dict[tuple[int, int, int], float] = {}
    for place, value in zip(voxel, charge, strict=True):
        for plane, wire in enumerate(wires_of(place[1:2], place[2:3], SHAPE)):
            key = (plane, int(place[0]), int(wire[0]))
            sums[key] = sums.get(key, 0.0) + value
    expected = []
    for place in everywhere():
        wires = wires_of(place[1:2], place[2:3], SHAPE)
        charges = [sums.get((plane, place[0], int(w[0])), 0) for plane, w in enumerate(wires)]
        if min(charges) > 10:
            expected.append((*place, *charges))
    np.testing.assert_array_equal(found.voxel, np.array(expected)[:, :3])
    np.testing.assert_allclose(found.charge, np.array(expected)[:, 3:])
    true = {tuple(place): row for row, place in enumerate(voxel.tolist())}
    sources = [true.get(tuple(place), -1) for place in found.voxel.tolist()]
    assert found.source.tolist() == sources
    assert sorted(found.source[found.source >= 0].tolist()) == list(range(len(voxel)))
    assert (found.source < 0).any()


def test_a_lone_voxel_has_few_ghosts_all_beside_it() -> None:
    found = seen(np.array([[3, 10, 8]]), np.array([100.0]))
    assert (found.source == 0).sum() == 1
    assert np.abs(found.voxel - [3, 10, 8]).max() <= 1


def test_spread_reaches_one_voxel_further() -> None:
    one, charge = np.array([[3, 10, 8]]), np.array([100.0])
    found = seen(one, charge, spread=0.2)
    assert sorted(set(found.voxel[:, 0].tolist())) == [2, 3, 4]
    own = found.charge[found.source == 0]
    np.testing.assert_allclose(own, 60.0)
    np.testing.assert_allclose(found.charge[found.voxel[:, 0] == 2], 20.0)
    assert set(seen(one, charge, spread=0.05).voxel[:, 0].tolist()) == {3}
    at_border = seen(np.array([[0, 10, 8]]), charge, spread=0.2)
    assert set(at_border.voxel[:, 0].tolist()) == {0, 1}


def test_noise_is_the_same_for_all_voxels_of_a_wire() -> None:
    voxel = cloud(60)
    found = seen(voxel, np.full(len(voxel), 1000.0), noise=(0.1, 5.0))
    wire = wires_of(found.voxel[:, 1], found.voxel[:, 2], SHAPE)[0] + 100 * found.voxel[:, 0]
    for one in np.unique(wire):
        assert len(np.unique(found.charge[wire == one, 0])) == 1
    assert found.charge.std() > 0


def test_nothing_gives_nothing() -> None:
    found = seen(np.zeros((0, 3), np.int64), np.zeros(0))
    assert len(found.voxel) == len(found.charge) == len(found.source) == 0
