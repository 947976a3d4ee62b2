"""Weights of spconv give what spconv gave; MinkowskiEngine's follow its documented order.

``spconv_golden.json`` is made by ``make_spconv_golden.py`` with spconv 2.3.8 on a CPU.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import DataError
from zoo_sparse_reco.sparse.convert import from_minkowski, from_spconv, to_minkowski, to_spconv
from zoo_sparse_reco.sparse.convolution import convolve
from zoo_sparse_reco.sparse.maps import level_maps
from zoo_sparse_reco.sparse.tables import build_levels, flatten_levels

GOLDEN = json.loads(Path(__file__).with_name("spconv_golden.json").read_text())


def rows_by_voxel(answer: Any) -> dict[tuple[int, ...], list[int]]:
    return {
        tuple(voxel): row for voxel, row in zip(answer["indices"], answer["features"], strict=True)
    }


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("axes", ["forward", "backward"])
def test_spconv(dims: int, axes: str) -> None:
    """With its axes as ours, and with ours the other way round."""
    wanted = GOLDEN[str(dims)]
    voxels = np.array(wanted["indices"])
    names, places = "xyz"[:dims], voxels[:, 1:]
    if axes == "backward":
        names, places = names[::-1], places[:, ::-1]
    levels = build_levels(places, voxels[:, 0], 2)
    tables = flatten_levels(levels)
    maps = level_maps({name: torch.from_numpy(table) for name, table in tables.items()})
    features = torch.tensor(wanted["features"]).float()
    steps = (("submanifold", maps[0].neighbours, 0), ("strided", maps[0].down, 1))
    for kind, kernel_map, level in (*steps, ("transposed", maps[0].up, 0)):
        weight = from_spconv(torch.tensor(wanted[kind]["weight"]).float(), names)
        features = convolve(features, weight, kernel_map)
        found = levels[level].coordinates
        found = found[:, ::-1] if axes == "backward" else found
        keys = np.concatenate([levels[level].events[:, None], found], 1).tolist()
        mine = {tuple(key): row for key, row in zip(keys, features.tolist(), strict=True)}
        assert mine == rows_by_voxel(wanted[kind])


@pytest.mark.parametrize("axes", ["xyz", "zyx", "yzx"])
def test_spconv_and_back(axes: str) -> None:
    weight = np.random.default_rng(0).normal(size=(5, 3, 3, 3, 2))
    mine = from_spconv(weight, axes)
    assert mine.shape == (27, 2, 5)
    np.testing.assert_array_equal(to_spconv(mine, 3, axes), weight)


@pytest.mark.parametrize(("dims", "size"), [(2, 3), (3, 3), (3, 2), (2, 5)])
def test_order_of_minkowski(dims: int, size: int) -> None:
    """Not run with it: x is fastest in its loop over a kernel (src/kernel_region.hpp)."""
    weight = np.random.default_rng(0).normal(size=(size**dims, 2, 3))
    mine = from_minkowski(weight, dims)
    for place, offset in enumerate(product(range(size), repeat=dims)):
        theirs = sum(step * size**axis for axis, step in enumerate(offset))
        np.testing.assert_array_equal(mine[place], weight[theirs])
    np.testing.assert_array_equal(to_minkowski(mine, dims), weight)


def test_a_minkowski_kernel_of_one_offset() -> None:
    kernel = torch.randn(4, 5)
    assert torch.equal(from_minkowski(kernel)[0], kernel)
    assert torch.equal(to_minkowski(from_minkowski(kernel)), kernel)


@pytest.mark.parametrize(
    ("convert", "shape", "options", "message"),
    [
        (from_minkowski, (26, 2, 3), {}, "kernel of MinkowskiEngine of shape"),
        (from_minkowski, (27,), {}, "shape"),
        (to_minkowski, (9, 2, 3), {"dims": 3}, "in 3 dimensions"),
        (from_spconv, (4, 3, 3, 1, 2), {}, "equal sizes"),
        (from_spconv, (4, 3, 3, 3, 2), {"axes": "xy"}, "axes 'xy'"),
        (to_spconv, (27, 2, 3), {"axes": "xxz"}, "axes 'xxz'"),
    ],
)
def test_what_is_refused(convert: Any, shape: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert(np.zeros(shape), **options)
