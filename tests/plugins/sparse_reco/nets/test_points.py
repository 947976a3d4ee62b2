"""Points and fragments of small events, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.points import Proposals, fragments_of, points_of
from zoo_sparse_reco.points.components import connected

Make = Callable[[Sequence[dict[str, Any]]], Table]


def _classes(*rows: Sequence[int]) -> Ragged:
    return Ragged.of([np.array(row, np.int8) for row in rows])


def test_steps_reach_the_26_voxels_around_one() -> None:
    around = np.stack(np.meshgrid(*[[-2, -1, 0, 1, 2]] * 3, indexing="ij"), -1).reshape(-1, 3)
    for other in around:
        if not other.any():
            continue
        piece = connected(np.stack([np.zeros(3, int), other]), np.zeros(2, int), 1.999)
        assert (piece[0] == piece[1]) == (np.abs(other).max() == 1)


def test_pieces_are_those_of_any_search() -> None:
    """Against a flood fill, which knows no tree."""
    rng = np.random.default_rng(3)
    place = np.unique(rng.integers(0, 9, (150, 3)), axis=0)
    group = rng.integers(0, 2, len(place))
    near = np.linalg.norm(place[:, None] - place, axis=2) <= 1.999
    near &= group[:, None] == group
    label = np.full(len(place), -1)
    for start in range(len(place)):
        if label[start] < 0:
            reached = np.zeros(len(place), bool)
            reached[start] = True
            while (wider := near[reached].any(0)).sum() > reached.sum():
                reached = wider
            label[reached] = label.max() + 1
    np.testing.assert_array_equal(connected(place, group, 1.999), label)


def test_fragments_by_hand(table: Make) -> None:
    line = np.array([[1, 1, z] for z in range(1, 9)])
    samples = table(
        [
            {"voxels": line},
            {"voxels": np.zeros((0, 3), int)},
            {"voxels": line[:4]},
            {"voxels": line[:1]},
        ]
    )
    semantic = _classes([1, 1, 1, 0, 0, 1, 1, 1], [], [5, 2, 2, 2], [1])
    found = fragments_of(samples, semantic)
    assert found.values.dtype == np.int32
    # The two voxels of class 0 are too few; what they part are two tracks.
    np.testing.assert_array_equal(found[0], [0, 0, 0, -1, -1, 1, 1, 1])
    assert len(found[1]) == 0
    np.testing.assert_array_equal(found[2], [-1, 0, 0, 0])
    np.testing.assert_array_equal(found[3], [-1])
    np.testing.assert_array_equal(
        fragments_of(samples, semantic, smallest=1)[0], [0, 0, 0, 1, 1, 2, 2, 2]
    )
    np.testing.assert_array_equal(fragments_of(samples, semantic, classes=[0, 2])[0], [-1] * 8)
    # From voxel 3 to voxel 6 it is a step of 3.
    np.testing.assert_array_equal(
        fragments_of(samples, semantic, distance=3.0)[0], [0, 0, 0, -1, -1, 0, 0, 0]
    )


def _proposals(voxels: int, **changes: Any) -> Proposals:
    """Nothing proposed but what is changed: ``voxel=(score, class, offset, end)``."""
    offset, score = np.zeros((voxels, 3)), np.zeros(voxels)
    types, end = np.full((voxels, 5), 0.1), np.zeros(voxels)
    for name, (how_sure, semantic, shift, ends) in changes.items():
        voxel = int(name.removeprefix("v"))
        score[voxel], types[voxel, semantic], offset[voxel], end[voxel] = how_sure, 0.6, shift, ends
    return Proposals(offset=offset, score=score, types=types, end=end)


def test_points_by_hand(table: Make) -> None:
    line = np.array([[4, 4, z] for z in range(1, 9)])
    samples = table([{"voxels": line}, {"voxels": line[:0]}, {"voxels": line[:2]}])
    semantic = _classes([1, 1, 1, 1, 1, 1, 0, 0], [], [1, 5])
    proposals = _proposals(
        10,
        v0=(0.7, 1, (0, 0, 0.5), 0.2),  # at z = 2, like ...
        v1=(0.9, 1, (0, 0, 0.5), 0.4),  # ... z = 3: one point at 2.5
        v3=(0.4, 1, (0, 0, 0), 0),  # score below the cut
        v4=(0.8, 2, (0, 0, 0), 0),  # no voxel is of its class
        v5=(0.8, 1, (3, 0, 0), 0),  # 3 from the nearest voxel of its class
        v7=(0.8, 0, (0, 0, 0), 1.0),  # alone
        v9=(0.8, 1, (0, 0, 0), 0),  # a ghost proposes nothing
    )
    found = points_of(samples, semantic, proposals)
    np.testing.assert_array_equal(found["point_z"].offsets, [0, 2, 2, 2])
    np.testing.assert_allclose(found["point_x"][0], [4.5, 4.5])
    np.testing.assert_allclose(found["point_z"][0], [2.5, 8.5])
    np.testing.assert_allclose(found["point_score"][0], [0.9, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(found["point_semantic"][0], [1, 0])
    np.testing.assert_allclose(found["point_end"][0], [0.3, 1.0], rtol=1e-6)
    assert all(column.values.dtype.name in {"float32", "int8"} for column in found.values())


def test_classes_may_be_merged_or_not(table: Make) -> None:
    samples = table([{"voxels": np.array([[4, 4, z] for z in range(1, 5)])}])
    semantic = _classes([1, 1, 0, 0])
    proposals = _proposals(4, v1=(0.7, 1, (0, 0, 0), 0.0), v2=(0.9, 0, (0, 0, 0), 0.0))
    merged = points_of(samples, semantic, proposals)
    assert merged["point_z"][0].tolist() == [3.0]
    apart = points_of(samples, semantic, proposals, merge_classes=False)
    assert apart["point_z"][0].tolist() == [2.5, 3.5]
    assert apart["point_semantic"][0].tolist() == [1, 0]


@pytest.mark.parametrize("voxels", [0, 1])
def test_nothing_proposed_is_no_point(table: Make, voxels: int) -> None:
    samples = table([{"voxels": np.ones((voxels, 3), int)}] * 2)
    semantic = _classes([1] * voxels, [5] * voxels)
    found = points_of(samples, semantic, _proposals(2 * voxels))
    assert all(column.offsets.tolist() == [0, 0, 0] for column in found.values())
