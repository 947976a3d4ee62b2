"""Layers: first weights, determinism, order of voxels, half precision, memory that is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo_sparse_reco.sparse.convolution import DownConv, SubmanifoldConv, UpConv, convolve
from zoo_sparse_reco.sparse.gpu_form import table_convolution
from zoo_sparse_reco.sparse.maps import NeighbourMap, level_maps
from zoo_sparse_reco.sparse.tables import build_levels, flatten_levels


class Small(nn.Module):
    """Two levels: all kinds of layers."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.first = SubmanifoldConv(1, 4, dims=dims)
        self.down = DownConv(4, 6, dims=dims, bias=True)
        self.deep = SubmanifoldConv(6, 6, dims=dims)
        self.up = UpConv(6, 3, dims=dims)

    def forward(self, features: Tensor, **tables: Tensor) -> Tensor:
        fine, coarse = level_maps(tables)
        assert fine.down is not None
        assert fine.up is not None
        deep = self.down(self.first(features, fine.neighbours).relu(), fine.down)
        answer: Tensor = self.up(self.deep(deep.relu(), coarse.neighbours), fine.up)
        return answer


def inputs(grid: Any) -> dict[str, Tensor]:
    tables = flatten_levels(grid.levels[:2])
    for name in ("parent_1", "slot_1"):
        del tables[name]
    return {name: torch.from_numpy(table) for name, table in tables.items()}


@pytest.mark.parametrize(("kernel", "dims"), [(3, 3), (5, 2)])
def test_first_weights_are_those_of_a_dense_convolution(kernel: int, dims: int) -> None:
    torch.manual_seed(0)
    mine = SubmanifoldConv(16, 32, kernel=kernel, dims=dims, bias=True)
    dense = (nn.Conv2d, nn.Conv3d)[dims - 2](16, 32, kernel)
    bound = 1 / math.sqrt(16 * kernel**dims)
    for weight in (mine.weight, dense.weight):
        assert bound * 0.99 < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert mine.bias is not None
    assert mine.bias.abs().max() <= bound
    assert DownConv(16, 8).weight.abs().max() <= 1 / math.sqrt(8 * 16)
    assert UpConv(16, 8).weight.abs().max() > 0.9 / math.sqrt(16)


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_bits_at_every_call(grid: Any, threads: int) -> None:
    net, before = Small(grid.dims), torch.get_num_threads()
    features = torch.randn(len(grid.levels[0].events), 1, requires_grad=True)
    try:
        torch.set_num_threads(threads)
        runs = [net(features, **inputs(grid)) for _ in range(3)]
        wanted = [features, *net.parameters()]
        gradients = [torch.autograd.grad(run.square().sum(), wanted) for run in runs]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(run, runs[0]) for run in runs)
    assert all(map(torch.equal, gradients[0], gradients[1]))


def test_permuted_voxels(grid: Any) -> None:
    net, finest = Small(grid.dims).double(), grid.levels[0]
    features = torch.randn(len(finest.events), 1, dtype=torch.float64)
    order = torch.randperm(len(features))
    moved = build_levels(finest.coordinates[order], finest.events[order], 2)
    tables = {name: torch.from_numpy(one) for name, one in flatten_levels(moved).items()}
    torch.testing.assert_close(net(features[order], **tables), net(features, **inputs(grid))[order])


def test_events_do_not_see_one_another(make: Any) -> None:
    grid = make((4, 4, 4), voxels=90)
    net = Small(3).double()
    features = torch.randn(90, 1, dtype=torch.float64)
    every = net(features, **inputs(grid))
    for event in range(3):
        mine = grid.levels[0].events == event
        alone = build_levels(grid.levels[0].coordinates[mine], grid.levels[0].events[mine], 2)
        tables = {name: torch.from_numpy(one) for name, one in flatten_levels(alone).items()}
        torch.testing.assert_close(net(features[mine], **tables), every[mine])


@pytest.mark.parametrize("form", [convolve, table_convolution])
def test_half_precision(grid: Any, form: Any) -> None:
    """bfloat16 has 8 bits: an error of 2^-8 per number, of which sums have a few."""
    kernel_map = grid.maps[0].neighbours
    features = torch.randn(len(grid.levels[0].events), 8, requires_grad=True)
    weight = torch.randn(3**grid.dims, 8, 8, requires_grad=True)
    exact = convolve(features, weight, kernel_map)
    half = form(features.bfloat16(), weight.bfloat16(), kernel_map)
    assert half.dtype == torch.bfloat16
    found = torch.autograd.grad(half.float().square().sum(), (features, weight))
    wanted = torch.autograd.grad(exact.square().sum(), (features, weight))
    for mine, right in zip((half, *found), (exact, *wanted), strict=True):
        assert (mine - right).norm() < 0.02 * right.norm()


def test_autocast_decides_the_type(grid: Any) -> None:
    net = Small(grid.dims)
    features = torch.randn(len(grid.levels[0].events), 1)
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(features, **inputs(grid))
        assert answer.dtype == torch.bfloat16
        answer.float().sum().backward()  # within autocast, too
    assert all(one.grad is not None and one.grad.dtype == one.dtype for one in net.parameters())


def test_no_gathered_copies_are_kept(grid: Any) -> None:
    kept: list[Tensor] = []
    features = torch.randn(len(grid.levels[0].events), 8, requires_grad=True)
    weight = torch.randn(3**grid.dims, 8, 8, requires_grad=True)
    for form in (convolve, table_convolution):
        kept.clear()
        with torch.autograd.graph.saved_tensors_hooks(
            lambda one: kept.append(one) or one, lambda one: one
        ):
            form(features, weight, grid.maps[0].neighbours)
        assert {one.data_ptr() for one in kept} == {features.data_ptr(), weight.data_ptr()}


def test_lists_are_made_once(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All layers of a level share them."""
    made = grid.maps[0].neighbours.pairs
    assert grid.maps[0].neighbours.pairs is made
    assert grid.maps[0].up.pairs.steps[0][1] is grid.maps[0].down.pairs.steps[0][2]


def test_one_voxel_per_event() -> None:
    levels = build_levels(np.array([[7, 7, 7], [7, 7, 7]]), np.array([0, 3]), 2)
    tables = {name: torch.from_numpy(one) for name, one in flatten_levels(levels).items()}
    net = Small(3)
    features = torch.ones(2, 1)
    answer = net(features, **tables)
    assert torch.equal(answer[0], answer[1])
    hidden = net.down.bias + (features[:1] @ net.first.weight[13]).relu() @ net.down.weight[7]
    wanted = (hidden.relu() @ net.deep.weight[13]) @ net.up.weight[7]
    torch.testing.assert_close(answer[:1], wanted)


def test_a_wide_kernel_at_the_entrance(make: Any) -> None:
    grid = make((6, 6), kernel=5, levels=1)
    layer = SubmanifoldConv(2, 3, kernel=5, dims=2)
    neighbours = NeighbourMap(torch.from_numpy(grid.levels[0].neighbours))
    assert layer(torch.randn(60, 2), neighbours).shape == (60, 3)
    assert repr(layer) == "SubmanifoldConv(2, 3, offsets=25, bias=False)"
