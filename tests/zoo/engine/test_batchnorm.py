"""Normalising over processes is normalising over their samples together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.contract.codec import Batch
from zoo.engine.batchnorm import normalisations, synchronised, unsynchronised
from zoo.engine.distributed import World
from zoo.errors import ConfigError

Ranks = Callable[..., list[int]]
CUTS = {2: [3, 4], 3: [1, 1, 5]}  # unequal shares; one sample is no statistics by itself


def penalised(net: nn.Module, values: Tensor, total: int) -> Tensor:
    """This rank's part of a loss with a gradient penalty: differentiated twice."""
    leaf = values.clone().requires_grad_()
    found = net(leaf)
    (slope,) = torch.autograd.grad((found**3).sum(), leaf, create_graph=True)
    return ((found - 1).abs().sum() + (slope**2).sum()) / total


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_forward_gradients_and_averages_are_those_of_one_process(
    ranks: Ranks, size: int, momentum: float | None
) -> None:
    torch.manual_seed(3)
    values = torch.randn(7, 3, 4, 2, dtype=torch.float64) * 2 + 5

    def network() -> nn.Module:
        torch.manual_seed(4)
        return nn.Sequential(
            nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2, momentum=momentum), nn.Tanh(), nn.Conv2d(2, 2, 1)
        ).double()

    alone = network()
    loss = penalised(alone, values, 7)
    expected = torch.autograd.grad(loss, list(alone.parameters()))

    def work(world: World) -> None:
        net = network()
        mine = values.split(CUTS[size])[world.rank]
        with synchronised({"net": net}, world):
            part = penalised(net, mine, 7)
            found = list(torch.autograd.grad(part, list(net.parameters())))
        world.sum_tensors(found)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
        for name, buffer in alone.named_buffers():
            torch.testing.assert_close(dict(net.named_buffers())[name], buffer)
        assert world.sum([float(part.detach())])[0] == pytest.approx(
            float(loss.detach()), rel=1e-12
        )

    assert ranks(size, work) == [0] * size


def test_outside_of_the_block_and_in_evaluation_nothing_is_exchanged(ranks: Ranks) -> None:
    def work(world: World) -> None:
        net = nn.BatchNorm1d(2)
        values = torch.randn(4, 2) + world.rank
        own = nn.BatchNorm1d(2)(values)
        with synchronised({"net": net}, world):
            assert not torch.allclose(net(values), own)
            with unsynchronised():
                torch.testing.assert_close(net(values), own)
            net.eval()
            if world.main:  # alone: it would wait for ever if it exchanged anything
                net(values)
        torch.testing.assert_close(net.train()(values), own)

    assert ranks(2, work) == [0, 0]


def test_half_precision_is_normalised_in_float32(ranks: Ranks) -> None:
    def work(world: World) -> None:
        net = nn.BatchNorm1d(2)
        values = torch.full((256, 2), 100.0, dtype=torch.bfloat16)
        values[::2] += 4 * (1 - 2 * world.rank)
        with synchronised({"net": net}, world):
            found: Any = net(values).detach()
        assert found.dtype == torch.bfloat16
        # Values 104 or 96 (a quarter each) and 100 (half): variance 8.
        assert float(found.abs().max()) == pytest.approx(4 / 8**0.5, rel=1e-2)

    assert ranks(2, work) == [0, 0]


def test_frozen_normalisations_are_left_alone() -> None:
    frozen, plain = nn.BatchNorm2d(2).requires_grad_(False), nn.BatchNorm2d(2, affine=False)
    net = nn.Sequential(frozen, plain, nn.BatchNorm1d(3), nn.GroupNorm(1, 2))
    assert normalisations({"net": net}) == [plain, net[2]]


def test_too_few_values_are_told(tiny: ModuleType, tmp_path: Path) -> None:
    """Shards of six samples, some of which have one."""
    loop = tiny.tiny_loop(tmp_path)
    loop.machine = replace(loop.machine, world=World(shards=4))
    loop.hooks.batches = lambda _: (_one(tiny) for _ in range(4))
    with pytest.raises(ConfigError, match="one sample alone cannot be normalised") as found:
        loop.run()
    assert "engine.shards" in found.value.remedy


def _one(tiny: ModuleType) -> Batch:
    whole = tiny.tiny_batch(1)
    return Batch({"x": whole.inputs["x"][:1]}, {}, whole.ids[:1])
