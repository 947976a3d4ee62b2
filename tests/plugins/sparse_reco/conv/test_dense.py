"""Equal to dense convolution: values and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from zoo.api import PluginError
from zoo_sparse_reco.sparse import maps
from zoo_sparse_reco.sparse.convolution import convolve
from zoo_sparse_reco.sparse.gpu_form import table_convolution
from zoo_sparse_reco.sparse.maps import NeighbourMap

DENSE = {2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def random(*shape: int, seed: int = 0) -> Tensor:
    drawn = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return drawn.requires_grad_()


def dense_weight(weight: Tensor, kernel: int, dims: int) -> Tensor:
    """(C_out, C_in, kx, ky, kz) of (offsets, C_in, C_out)."""
    return weight.permute(2, 1, 0).reshape(*weight.shape[:0:-1], *[kernel] * dims)


def require_equal(one: Tensor, other: Tensor, inputs: tuple[Tensor, ...]) -> None:
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    onto = random(*one.shape, seed=7).detach()
    found = torch.autograd.grad(one, inputs, onto)
    wanted = torch.autograd.grad(other, inputs, onto)
    for mine, dense in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, dense, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", [convolve, table_convolution])
@pytest.mark.parametrize("size", [(5, 6, 7), (9, 8), (1, 1, 30)])
@pytest.mark.parametrize(("kernel", "widths"), [(3, (4, 3)), (3, (1, 8)), (5, (2, 2)), (1, (3, 3))])
def test_submanifold(
    make: Any, form: Any, size: tuple[int, ...], kernel: int, widths: tuple[int, int]
) -> None:
    grid = make(size, kernel=kernel, levels=1)
    features = random(len(grid.levels[0].events), widths[0])
    weight = random(kernel**grid.dims, *widths, seed=1)
    dense = DENSE[grid.dims](
        grid.dense(features), dense_weight(weight, kernel, grid.dims), padding=kernel // 2
    )
    mine = form(features, weight, grid.maps[0].neighbours)
    require_equal(mine, grid.sparse(dense), (features, weight))


@pytest.mark.parametrize("form", [convolve, table_convolution])
@pytest.mark.parametrize("level", [0, 1])
def test_strided(grid: Any, form: Any, level: int) -> None:
    features = random(len(grid.levels[level].events), 4)
    weight = random(2**grid.dims, 4, 3, seed=1)
    padded = grid.dense(features, level)
    for axis, size in enumerate(grid.shape(level)):
        missing = torch.zeros_like(padded.narrow(axis + 2, 0, 1))
        padded = torch.cat([padded, missing], axis + 2) if size % 2 else padded
    dense = DENSE[grid.dims](padded, dense_weight(weight, 2, grid.dims), stride=2)
    mine = form(features, weight, grid.maps[level].down)
    require_equal(mine, grid.sparse(dense, level + 1), (features, weight))


@pytest.mark.parametrize("form", [convolve, table_convolution])
@pytest.mark.parametrize("level", [0, 1])
def test_transposed(grid: Any, form: Any, level: int) -> None:
    features = random(len(grid.levels[level + 1].events), 4)
    weight = random(2**grid.dims, 4, 3, seed=1)
    turned = dense_weight(weight, 2, grid.dims).transpose(0, 1)
    dense = TRANSPOSED[grid.dims](grid.dense(features, level + 1), turned, stride=2)
    mine = form(features, weight, grid.maps[level].up)
    require_equal(mine, grid.sparse(dense, level), (features, weight))


@pytest.mark.parametrize("kind", ["neighbours", "down", "up"])
@pytest.mark.parametrize("form", [convolve, table_convolution])
def test_gradients_by_finite_differences(grid: Any, form: Any, kind: str) -> None:
    kernel_map = getattr(grid.maps[0], kind)
    features, weight = (
        random(kernel_map.reverse.shape[0], 2),
        random(kernel_map.table.shape[1], 2, 2),
    )
    assert torch.autograd.gradcheck(
        lambda f, w: form(f, w, kernel_map), (features, weight), fast_mode=True
    )


def test_second_derivatives_are_refused(grid: Any) -> None:
    features = random(len(grid.levels[0].events), 2)
    answer = convolve(features, random(3**grid.dims, 2, 2), grid.maps[0].neighbours)
    with pytest.raises(PluginError, match="differentiable once"):
        torch.autograd.grad(answer.sum(), features, create_graph=True)


def test_one_voxel_and_none() -> None:
    weight = random(27, 2, 3)
    alone = torch.full((1, 27), -1, dtype=torch.int32)
    alone[0, 13] = 0
    one = random(1, 2)
    torch.testing.assert_close(convolve(one, weight, NeighbourMap(alone)), one @ weight[13])
    none = convolve(random(0, 2), weight, NeighbourMap(alone[:0]))
    assert none.shape == (0, 3)
    assert torch.autograd.grad(none.sum(), weight)[0].abs().sum() == 0


@pytest.mark.parametrize("kind", ["neighbours", "down", "up"])
def test_voxels_of_more_than_one_round(
    make: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs are listed for some thousands of voxels at a time: here for 7."""
    monkeypatch.setattr(maps, "_ROWS_AT_ONCE", 7)
    kernel_map = getattr(make((5, 6, 7)).maps[0], kind)
    inputs, offsets = kernel_map.reverse.shape
    features, weight = random(inputs, 3), random(offsets, 3, 2, seed=1)
    other = table_convolution(features, weight, kernel_map)
    require_equal(convolve(features, weight, kernel_map), other, (features, weight))
    steps = kernel_map.pairs.steps
    assert len(steps) > 2 * offsets
    assert all(len(outputs) == len(outputs.unique()) for _, _, outputs in steps)
