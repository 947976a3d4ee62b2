"""Torch's fused optimizers, which walk through memory as it is, inside the engine."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.config.run import OptimizerConfig
from zoo.engine.distributed import World
from zoo.engine.gradients import GradientSums
from zoo.engine.optimizers import PhaseOptimizer, build_optimizers
from zoo.engine.precision import Precision
from zoo.engine.state import joined, separated

RULES: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    "adamw": (torch.optim.AdamW, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
}
KINDS = list(RULES)


@pytest.fixture(autouse=True)
def deterministic() -> Iterator[None]:
    """As in every training."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


class Values(nn.Module):
    """Parameters of several shapes and orders in memory."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(3)
        image = torch.randn(6, 5, 3, 2).to(memory_format=torch.channels_last)
        shapes = [torch.randn(7, 9).t(), image, torch.randn(17), torch.randn(())]
        self.values = nn.ParameterList([nn.Parameter(v.to(dtype)) for v in shapes])


def optimizer(kind: Any, net: nn.Module, precision: str = "fp32") -> PhaseOptimizer:
    config = OptimizerConfig(kind=kind, lr=0.05, **RULES[kind][1])
    scaled = Precision(precision, "cpu")  # type: ignore[arg-type]  # one of its names
    return build_optimizers({"net": config}, {"net": net}, scaled, totals={}, steps_per_epoch=1)[
        "net"
    ]


def gradients(net: nn.Module, step: int) -> list[Tensor]:
    """The same at the same step, in the plain order of memory."""
    torch.manual_seed(1000 + step)
    return [torch.randn(p.shape, dtype=p.dtype) for p in net.parameters()]


def restored(opt: PhaseOptimizer, net: nn.Module, precision: str = "fp32") -> PhaseOptimizer:
    """Another optimizer, which continues from what a checkpoint holds of this one."""
    state = copy.deepcopy(joined(*separated(opt.state())))
    again = optimizer(opt.config.kind, net, precision)
    again.restore(state)
    return again


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_they_are_torchs_rules_to_rounding(kind: str, dtype: torch.dtype) -> None:
    ours, theirs = Values(dtype), Values(dtype)
    opt = optimizer(kind, ours)
    assert bool(opt.rule.param_groups[0]["fused"]) == (dtype != torch.bfloat16)
    rule, arguments = RULES[kind]
    reference = rule(theirs.parameters(), lr=0.05, fused=False, **arguments)  # type: ignore[call-arg]  # all have both
    for step in range(8):
        found = gradients(ours, step)
        for parameter, gradient in zip(theirs.parameters(), found, strict=True):
            parameter.grad = gradient.clone()
        opt.step(found, epoch=0)
        reference.step()
    tolerance = {torch.float32: 2e-6, torch.float64: 1e-14, torch.bfloat16: 0.03}[dtype]
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_restored_they_go_on_with_the_same_bits(kind: str, dtype: torch.dtype) -> None:
    net = Values(dtype)
    opt = optimizer(kind, net)
    for step in range(3):
        opt.step(gradients(net, step), epoch=0)
    other = copy.deepcopy(net)
    resumed = restored(opt, other)
    for ours, theirs in zip(opt.parameters, resumed.parameters, strict=True):
        for name, value in opt.rule.state[ours].items():
            same = resumed.rule.state[theirs][name]
            assert same.stride() == value.stride()
            assert same.dtype == value.dtype
    for step in range(3, 6):
        opt.step(gradients(net, step), epoch=0)
        resumed.step(gradients(other, step), epoch=0)
    assert_same(net, other)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unfused_state_is_taken_and_the_other_way_round(kind: str) -> None:
    """What torch's ``step`` is and where it lies depends on the rule that steps."""
    net, reference = Values(), Values()
    opt, plain = optimizer(kind, net), optimizer(kind, reference)
    plain.rule.param_groups[0]["fused"] = False
    for step in range(2):
        opt.step(gradients(net, step), epoch=0)
        plain.step(gradients(reference, step), epoch=0)
    plain, opt = restored(opt, reference), restored(plain, net)
    plain.rule.param_groups[0]["fused"] = False
    for step in range(2, 4):
        opt.step(gradients(net, step), epoch=0)
        plain.step(gradients(reference, step), epoch=0)
    for mine, other in zip(net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_may_lie_in_memory_as_it_likes(kind: str) -> None:
    ours, theirs = Values(), Values()
    one, other = optimizer(kind, ours), optimizer(kind, theirs)
    for step in range(3):
        plain = gradients(ours, step)
        plain[0] = torch.full_like(plain[0], 0.5)
        plain[2] = torch.zeros(17)
        plain[2][3] = 0.25
        spread = torch.tensor(0.5).expand(9, 7)  # as autograd gives for a sum
        sparse = plain[2].to_sparse()
        one.step([g.clone() for g in plain], epoch=0)
        backwards = plain[1].permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
        other.step([spread, backwards, sparse, plain[3]], epoch=0)
    assert_same(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_an_overflow_leaves_everything_as_it_was(kind: str) -> None:
    """Also that of the very first step, before there is any state."""
    net, reference = Values(), Values()
    opt, plain = optimizer(kind, net, "fp16"), optimizer(kind, reference)
    for step in range(4):
        opt.scaled(torch.ones(()))  # the scaler begins with its first loss
        before = copy.deepcopy(net)
        overflowing = gradients(net, step)
        overflowing[1][0, 0, 0, 0] = math.inf
        assert opt.step(overflowing, epoch=0).skipped
        assert_same(net, before)
        if step == 1:
            opt = restored(opt, net, "fp16")
        scale = float(opt.scaled(torch.ones(())))
        # A power of two: unscaled once, the gradient has its own bits again.
        report = opt.step([g * scale for g in gradients(net, step)], epoch=0)
        assert not report.skipped
        plain.step(gradients(reference, step), epoch=0)
        assert_same(net, reference)


@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_may_have_its_first_gradient_later(kind: str) -> None:
    net = Values()
    start = net.values[0].detach().clone()
    opt = optimizer(kind, net)
    for step in range(3):
        opt.step([None, *gradients(net, step)[1:]], epoch=0)
    assert torch.equal(net.values[0], start)
    other = Values()
    opt.step(gradients(net, 7), epoch=0)
    optimizer(kind, other).step(gradients(other, 7), epoch=0)
    assert torch.equal(net.values[0], other.values[0])  # its own first step
    assert not torch.equal(net.values[1], other.values[1])


def test_what_no_kernel_takes_is_not_fused() -> None:
    holes = nn.ParameterList([nn.Parameter(torch.randn(4, 6)[:, ::2])])
    waves = nn.ParameterList([nn.Parameter(torch.randn(3, dtype=torch.complex64))])
    for net in (holes, waves):
        opt = optimizer("adamw", net)
        assert not opt.rule.param_groups[0]["fused"]
        before = net[0].detach().clone()
        opt.step([torch.ones_like(net[0])], epoch=0)
        assert bool((net[0] != before).all())


def test_sums_keep_the_order_of_the_parameter_through_a_checkpoint() -> None:
    net = Values()
    parameters, names = list(net.parameters()), ["a", "b", "c", "d"]

    def sums(found: Sequence[Sequence[Tensor]]) -> GradientSums:
        made = GradientSums(World(), parameters, names)
        for gradient in found:
            made.add(0, "pixels", gradient)
        return made

    first, second = ([g.contiguous() for g in gradients(net, step)] for step in (1, 2))
    saved = copy.deepcopy(joined(*separated(sums([first]).state(["pixels"]))))
    resumed = sums([])
    resumed.restore(saved)
    resumed.add(0, "pixels", second)
    whole = sums([first, second]).total({"pixels": 3.0})
    for parameter, one, other in zip(
        parameters, whole, resumed.total({"pixels": 3.0}), strict=True
    ):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)
        assert one.stride() == other.stride() == parameter.stride()
