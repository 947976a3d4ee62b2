"""Pooling against sums and maxima over dictionaries of voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo_sparse_reco.sparse.pooling import max_pool, mean_pool


@pytest.mark.parametrize(("pool", "of"), [(max_pool, np.max), (mean_pool, np.mean)])
@pytest.mark.parametrize("recorded", [False, True])
def test_values(grid: Any, pool: Any, of: Any, recorded: bool) -> None:
    fine, coarse = grid.levels[:2]
    features = torch.randn(len(fine.events), 3, dtype=torch.float64, requires_grad=recorded) - 2
    found = pool(features, grid.maps[0].down).detach().numpy()
    held: dict[tuple[int, ...], list[Any]] = {}
    for event, place, row in zip(
        fine.events, fine.coordinates, features.detach().numpy(), strict=True
    ):
        held.setdefault((event, *(place // 2).tolist()), []).append(row)
    wanted = [
        of(held[event, *place.tolist()], axis=0)
        for event, place in zip(coarse.events, coarse.coordinates, strict=True)
    ]
    np.testing.assert_allclose(found, np.array(wanted), rtol=1e-14)


@pytest.mark.parametrize("pool", [max_pool, mean_pool])
def test_gradients_by_finite_differences(grid: Any, pool: Any) -> None:
    features = torch.randn(len(grid.levels[0].events), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda one: pool(one, grid.maps[0].down), features, fast_mode=True
    )


def test_the_first_of_equal_ones_has_the_gradient(make: Any) -> None:
    grid = make((2, 2, 2), voxels=8, events=1, levels=2)
    features = torch.zeros(8, 1, requires_grad=True)
    max_pool(features, grid.maps[0].down).sum().backward()
    assert features.grad is not None
    assert features.grad[:, 0].tolist() == (grid.levels[0].slot == 0).tolist()


def test_no_voxels(make: Any) -> None:
    grid = make((2, 2, 2), voxels=0, levels=2)
    assert max_pool(torch.zeros(0, 3), grid.maps[0].down).shape == (0, 3)
    assert mean_pool(torch.zeros(0, 3), grid.maps[0].down).shape == (0, 3)
