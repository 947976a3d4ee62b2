"""Cutting at the walls of voxels, against a walk step by step; connected pieces."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from scipy import ndimage

from zoo_sparse_reco.physics.connected import connected
from zoo_sparse_reco.physics.voxelise import cut_at_walls


def walk(start: np.ndarray, end: np.ndarray) -> dict[tuple[int, ...], float]:
    """Length in each voxel, wall by wall: Amanatides and Woo, Eurographics 1987."""
    step = end - start
    length = float(np.linalg.norm(step))
    voxel = np.floor(start).astype(int)
    found: dict[tuple[int, ...], float] = defaultdict(float)
    at = 0.0
    while at < 1.0:
        nearest, axis = 1.0, -1
        for i in range(3):
            if step[i]:
                wall = voxel[i] + (step[i] > 0)
                place = (wall - start[i]) / step[i]
                if place < nearest:
                    nearest, axis = place, i
        found[tuple(voxel.tolist())] += (nearest - at) * length
        at = nearest
        if axis < 0:
            break
        voxel[axis] += 1 if step[axis] > 0 else -1
    return found


def test_shares_are_those_of_a_walk_from_wall_to_wall() -> None:
    random = np.random.default_rng(1)
    start = random.uniform(-20, 20, (200, 3))
    end = start + random.normal(0, 1, (200, 3)) * random.choice([0.2, 3, 30], (200, 1))
    cuts = cut_at_walls(start, end)
    length = np.linalg.norm(end - start, axis=1)
    for piece in range(len(start)):
        mine: dict[tuple[int, ...], float] = defaultdict(float)
        for voxel, share in zip(
            cuts.voxel[cuts.piece == piece], cuts.share[cuts.piece == piece], strict=True
        ):
            mine[tuple(voxel.tolist())] += share * length[piece]
        theirs = {k: v for k, v in walk(start[piece], end[piece]).items() if v > 1e-9}
        assert {k for k, v in mine.items() if v > 1e-9} == set(theirs)
        for voxel, seen in theirs.items():
            assert mine[voxel] == pytest.approx(seen, abs=1e-9)
    np.testing.assert_allclose(np.bincount(cuts.piece, cuts.share), 1, atol=1e-12)


@pytest.mark.parametrize(
    ("start", "end", "voxels", "shares"),
    [
        ((0.5, 0.5, 0.5), (2.5, 0.5, 0.5), [(0, 0, 0), (1, 0, 0), (2, 0, 0)], [0.25, 0.5, 0.25]),
        ((2.5, 0.5, 0.5), (0.5, 0.5, 0.5), [(2, 0, 0), (1, 0, 0), (0, 0, 0)], [0.25, 0.5, 0.25]),
        # Through an edge: no voxel beside it gets anything.
        ((0.5, 0.5, 0.5), (1.5, 1.5, 0.5), [(0, 0, 0), (1, 1, 0)], [0.5, 0.5]),
        # From wall to wall, and without length: the voxel above the wall.
        ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), [(0, 0, 0)], [1.0]),
        ((3.0, 4.2, -0.1), (3.0, 4.2, -0.1), [(3, 4, -1)], [1.0]),
        # Along a wall: the voxel above it.
        ((0.5, 1.0, 0.5), (1.5, 1.0, 0.5), [(0, 1, 0), (1, 1, 0)], [0.5, 0.5]),
    ],
)
def test_pieces_at_walls(
    start: tuple[float, ...],
    end: tuple[float, ...],
    voxels: list[tuple[int, ...]],
    shares: list[float],
) -> None:
    cuts = cut_at_walls(np.array([start]), np.array([end]))
    assert [tuple(v) for v in cuts.voxel.tolist()] == voxels
    np.testing.assert_allclose(cuts.share, shares, atol=1e-12)


def test_flat_illumination_gives_flat_occupancy() -> None:
    """Pieces of every direction in a periodic box: each voxel gets the same within its noise."""
    random = np.random.default_rng(2)
    count, box = 40_000, 4
    start = random.uniform(0, box, (count, 3))
    direction = random.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    cuts = cut_at_walls(start, start + 2.7 * direction)
    place = cuts.voxel % box
    flat = np.bincount((place[:, 0] * box + place[:, 1]) * box + place[:, 2], cuts.share)
    mean = count / box**3
    noise = np.sqrt(len(cuts.share) / box**3 * np.mean(cuts.share**2))
    assert flat.mean() == pytest.approx(mean)
    assert np.abs(flat - mean).max() < 5 * noise
    assert flat.std() == pytest.approx(noise, rel=0.3)


def test_connected_pieces_are_those_of_scipy() -> None:
    """26 neighbours, in two events and of two labels that do not mix."""
    random = np.random.default_rng(3)
    dense = random.uniform(size=(2, 12, 12, 12)) < 0.06
    voxel, label, theirs = [], [], []
    for event in range(2):
        found, _ = ndimage.label(dense[event], np.ones((3, 3, 3)))
        place = np.argwhere(dense[event])
        voxel.append(place)
        label.append(np.full(len(place), event * 1000 - 7))
        theirs.append(found[dense[event]] + 1000 * event)
    mine = connected(np.concatenate(voxel), np.concatenate(label))
    pairs = set(zip(mine.tolist(), np.concatenate(theirs).tolist(), strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    assert mine[0] == 0
    assert len(connected(np.zeros((0, 3), int), np.zeros(0, int))) == 0
