"""Tables of neighbours against a search through all pairs of voxels."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError
from zoo_sparse_reco.sparse.tables import (
    build_levels,
    flatten_levels,
    neighbour_table,
    table_names,
)


def slow_table(coordinates: Any, events: Any, kernel: int) -> list[list[int]]:
    """One dictionary of voxels, one look-up per voxel and offset."""
    found = {
        (event, *place): row
        for row, (event, place) in enumerate(zip(events, coordinates.tolist(), strict=False))
    }
    reach = range(-(kernel // 2), kernel // 2 + 1)
    offsets = list(product(reach, repeat=coordinates.shape[1]))
    return [
        [found.get((event, *(np.add(place, offset).tolist())), -1) for offset in offsets]
        for event, place in zip(events.tolist(), coordinates.tolist(), strict=False)
    ]


def voxels(seed: int, dims: int, count: int = 80) -> tuple[Any, Any]:
    """Unsorted ones, of which some are negative, in three of five events."""
    drawn = np.random.default_rng(seed)
    every = np.array(list(product((0, 1, 4), *[range(-3, 4)] * dims)))
    chosen = every[drawn.permutation(len(every))[:count]]
    return chosen[:, 1:], chosen[:, 0]


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_neighbours(dims: int, kernel: int, seed: int) -> None:
    coordinates, events = voxels(seed, dims)
    table = neighbour_table(coordinates, events, kernel)
    assert table.dtype == np.int32
    assert table.tolist() == slow_table(coordinates, events, kernel)


def test_order_of_offsets() -> None:
    table = neighbour_table(np.array([[5, 5, 5], [5, 5, 6], [6, 5, 5]]), np.zeros(3, int))
    assert table[0, 13] == 0
    assert table[0, 14] == 1  # (0, 0, 1)
    assert table[0, 22] == 2  # (1, 0, 0): 13 + 9


@pytest.mark.parametrize("dims", [2, 3])
def test_coarser_levels(dims: int) -> None:
    coordinates, events = voxels(2, dims)
    levels = build_levels(coordinates, events, 4)
    for fine, coarse in pairwise(levels):
        assert fine.parent is not None
        assert fine.slot is not None
        assert coarse.children is not None
        np.testing.assert_array_equal(coarse.coordinates[fine.parent], fine.coordinates // 2)
        np.testing.assert_array_equal(coarse.events[fine.parent], fine.events)
        digits = (fine.coordinates % 2) @ 2 ** np.arange(dims)[::-1]
        np.testing.assert_array_equal(fine.slot, digits)
        rows = np.arange(len(fine.events))
        np.testing.assert_array_equal(coarse.children[fine.parent, fine.slot], rows)
        assert (coarse.children >= 0).sum() == len(rows)
        voxel = np.concatenate([coarse.events[:, None], coarse.coordinates], 1).tolist()
        assert voxel == sorted(voxel)
        assert len({tuple(one) for one in voxel}) == len(voxel)
        assert coarse.neighbours.tolist() == slow_table(coarse.coordinates, coarse.events, 3)


def test_names() -> None:
    tables = flatten_levels(build_levels(*voxels(0, 3), 3))
    assert tuple(tables) == table_names(3)
    assert [*tables][:5] == ["neighbours_0", "parent_0", "slot_0", "neighbours_1", "children_1"]
    assert {table.dtype for table in tables.values()} == {np.dtype(np.int32)}


def test_permuted_voxels() -> None:
    """Rows of the tables follow the voxels, and coarser levels do not change."""
    coordinates, events = voxels(3, 3)
    order = np.random.default_rng(4).permutation(len(events))
    one, other = build_levels(coordinates, events, 2), build_levels(*voxels_in(order), 2)
    back = np.argsort(order)
    renamed = np.append(back, -1)[one[0].neighbours]
    np.testing.assert_array_equal(other[0].neighbours, renamed[order])
    np.testing.assert_array_equal(other[1].coordinates, one[1].coordinates)
    np.testing.assert_array_equal(other[1].neighbours, one[1].neighbours)


def voxels_in(order: Any) -> tuple[Any, Any]:
    coordinates, events = voxels(3, 3)
    return coordinates[order], events[order]


def test_no_voxels() -> None:
    tables = flatten_levels(build_levels(np.zeros((0, 3), int), np.zeros(0, int), 3))
    assert tables["neighbours_2"].shape == (0, 27)
    assert tables["children_1"].shape == (0, 8)
    assert tables["parent_0"].shape == (0,)


def test_the_largest_grid() -> None:
    """65,536 voxels along each axis, in 32,000 events: corners, and what lies across an edge."""
    last = 65_535
    coordinates = np.array([[0, 0, 0], [0, 0, last], [0, 1, 0], [last] * 3, [0, 0, 0]], np.uint16)
    events = np.array([0, 0, 0, 31_998, 31_999])
    table = neighbour_table(coordinates, events)
    assert table.tolist() == slow_table(coordinates, events, 3)
    assert (table >= 0).sum() == 5 + 2  # (0, 0, 0) and (0, 1, 0) are neighbours
    with pytest.raises(DataError, match="too many for 63 bits"):
        neighbour_table(coordinates, events + 1000)


@pytest.mark.parametrize(
    ("coordinates", "events", "message"),
    [
        ([[1, 2, 3], [4, 5, 6], [1, 2, 3]], [0, 0, 0], r"1 voxels are there twice.*\(1, 2, 3\)"),
        ([[1, 2, 3]], [-1], "event is number -1"),
        ([[1.5, 2, 3]], [0], "float64"),
        ([[1, 2, 3, 4]], [0], "shape"),
        ([[1, 2, 3]], [0, 0], "shape"),
    ],
)
def test_what_is_refused(coordinates: Any, events: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_levels(np.array(coordinates), np.array(events), 2)


def test_even_kernels_are_refused() -> None:
    with pytest.raises(DataError, match="kernel of size 4"):
        neighbour_table(np.zeros((1, 3), int), np.zeros(1, int), 4)
