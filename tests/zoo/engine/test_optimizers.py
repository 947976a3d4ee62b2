"""Optimizers against torch's own loop, and through a checkpoint."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.config.run import OptimizerConfig, ScheduleConfig
from zoo.engine.optimizers import PhaseOptimizer, build_optimizers
from zoo.engine.precision import Precision
from zoo.engine.state import joined, separated
from zoo.errors import ConfigError, WeightsError

FP32 = Precision("fp32", "cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def optimizer(config: OptimizerConfig, net: nn.Module) -> PhaseOptimizer:
    return build_optimizers(
        {"net": config}, {"net": net}, FP32, totals={"net": 20}, steps_per_epoch=5
    )["net"]


def loss(net: nn.Module, step: int) -> Tensor:
    torch.manual_seed(100 + step)
    x = torch.randn(8, 3)
    value: Tensor = ((net(x) - x.sum(1, keepdim=True)) ** 2).mean() * 5
    return value


def advance(opt: PhaseOptimizer, net: nn.Module, steps: range) -> None:
    for step in steps:
        opt.step(torch.autograd.grad(loss(net, step), opt.parameters), epoch=0)


@pytest.mark.parametrize(
    ("settings", "rule", "arguments"),
    [
        (
            {"kind": "adamw", "weight_decay": 0.1, "betas": (0, 0.9)},
            torch.optim.AdamW,
            {"weight_decay": 0.1, "betas": (0.0, 0.9)},
        ),
        ({"kind": "adam", "eps": 1e-6}, torch.optim.Adam, {"eps": 1e-6}),
        (
            {"kind": "sgd", "momentum": 0.9, "nesterov": True},
            torch.optim.SGD,
            {"momentum": 0.9, "nesterov": True},
        ),
        ({"kind": "rmsprop", "alpha": 0.9}, torch.optim.RMSprop, {"alpha": 0.9}),
    ],
)
def test_rules_and_clipping_are_torchs(
    settings: dict[str, Any], rule: type[torch.optim.Optimizer], arguments: dict[str, Any]
) -> None:
    ours, theirs = network(), network()
    opt = optimizer(OptimizerConfig(lr=0.05, clip=0.5, **settings), ours)
    reference = rule(theirs.parameters(), lr=0.05, **arguments)  # type: ignore[call-arg]  # all have lr
    for step in range(6):
        found = opt.step(torch.autograd.grad(loss(ours, step), opt.parameters), epoch=0)
        reference.zero_grad()
        loss(theirs, step).backward()  # type: ignore[no-untyped-call]  # torch's own lack
        norm = nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        reference.step()
        assert found.norm == pytest.approx(float(norm))
    assert opt.rule.param_groups[0].get("fused", False) is (settings["kind"] != "rmsprop")
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7)


def test_the_first_step_of_adam_is_the_rate() -> None:
    # Kingma & Ba, arXiv:1412.6980: m_1 / sqrt(v_1) = sign(g) after bias correction.
    net = nn.Linear(1, 1, bias=False)
    start = float(net.weight.detach())
    opt = optimizer(OptimizerConfig(kind="adam", lr=0.01), net)
    opt.step([torch.tensor([[123.0]])], epoch=0)
    assert start - float(net.weight.detach()) == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop"])
def test_restored_from_its_state_it_goes_on_with_the_same_bits(kind: Any) -> None:
    momentum = {"momentum": 0.9} if kind in {"sgd", "rmsprop"} else {}
    config = OptimizerConfig(
        kind=kind, lr=0.05, schedule=ScheduleConfig(kind="cosine", warmup=2), **momentum
    )
    net = network()
    opt = optimizer(config, net)
    advance(opt, net, range(4))
    saved = copy.deepcopy(net.state_dict())
    state = copy.deepcopy(joined(*separated(opt.state())))
    advance(opt, net, range(4, 9))
    other = network()
    other.load_state_dict(saved)
    resumed = optimizer(config, other)
    resumed.restore(state)
    advance(resumed, other, range(4, 9))
    assert resumed.updates == opt.updates == 9
    for mine, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_state_of_other_parameters_is_refused() -> None:
    net = network()
    opt = optimizer(OptimizerConfig(), net)
    advance(opt, net, range(1))
    with pytest.raises(WeightsError, match="unknown parameter"):
        optimizer(OptimizerConfig(), nn.ModuleDict({"a": nn.Linear(2, 2)})).restore(opt.state())


def test_an_unknown_network_names_the_nearest() -> None:
    config = OptimizerConfig(networks=("generatr",))
    with pytest.raises(ConfigError, match="generatr") as caught:
        build_optimizers(
            {"g": config}, {"generator": network()}, FP32, totals={"g": 1}, steps_per_epoch=1
        )
    assert "generator" in caught.value.remedy
    assert caught.value.where == "optimizers.g.networks"


def test_nothing_to_train_is_an_error() -> None:
    net = network().requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter to train"):
        optimizer(OptimizerConfig(), net)


def test_frozen_parameters_are_left_out() -> None:
    net = network()
    next(iter(net.parameters())).requires_grad_(False)
    assert optimizer(OptimizerConfig(), net).names == ["net/0.bias", "net/2.weight", "net/2.bias"]


def test_the_scaler_leaves_overflowed_gradients_alone_and_halves_its_scale() -> None:
    net = nn.Linear(1, 1, bias=False)
    fp16 = Precision("fp16", "cpu")
    opt = build_optimizers(
        {"net": OptimizerConfig(kind="sgd", lr=1.0)},
        {"net": net},
        fp16,
        totals={},
        steps_per_epoch=1,
    )["net"]
    start = float(net.weight.detach())
    before = float(opt.scaled(torch.ones(())))
    report = opt.step([torch.tensor([[math.inf]])], epoch=0)
    assert report.skipped
    assert float(net.weight.detach()) == start
    assert float(opt.scaled(torch.ones(()))) == before / 2
    state = copy.deepcopy(joined(*separated(opt.state())))
    again = build_optimizers(
        {"net": OptimizerConfig(kind="sgd", lr=1.0)},
        {"net": net},
        fp16,
        totals={},
        steps_per_epoch=1,
    )["net"]
    again.restore(state)
    assert float(again.scaled(torch.ones(()))) == before / 2
