"""Gradients of one update against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.config.run import OptimizerConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import Context, Loss
from zoo.engine.distributed import World
from zoo.engine.learner import Learner, refuse_parameters
from zoo.engine.optimizers import build_optimizers
from zoo.engine.precision import Precision
from zoo.engine.step import Machine, Update
from zoo.errors import NonFiniteError, PluginError

CPU = torch.device("cpu")
LossFunction = Callable[[Mapping[str, nn.Module], Batch, Context], Loss]


class Given(Learner):
    """A learner with the loss of a test."""

    def __init__(self, function: LossFunction) -> None:
        super().__init__(None, {})
        self.function = function

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        return self.function(nets, batch, context)


class Scale(nn.Module):
    """``x -> w x`` with w = 2."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x


def machine(function: LossFunction, nets: Mapping[str, nn.Module] | None = None) -> Machine:
    networks = {"net": Scale(), "other": Scale()} if nets is None else dict(nets)
    # Plain descent with rate 1: the parameter moves by minus its gradient.
    config = {"net": OptimizerConfig(kind="sgd", lr=1.0)}
    precision = Precision("fp32", "cpu")
    optimizers = build_optimizers(config, networks, precision, totals={"net": 1}, steps_per_epoch=1)
    return Machine(networks, Given(function), optimizers, precision, CPU, 3, World())


def batch(x: Sequence[float]) -> Batch:
    return Batch(
        {"x": np.asarray(x, np.float32)}, {}, np.arange(len(x), dtype=np.uint64) + len(x) * 100
    )


def gradient(machine: Machine, batches: list[Batch]) -> float:
    update = Update(machine, 0, 0, "net", len(batches))
    for part in batches:
        update.add(part)
    update.finish()
    parameter = machine.optimizers["net"].parameters[0]
    return 2.0 - float(parameter.detach())


def two_counts(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
    """Mean of (w x)^2 over all, and 0.5 times the mean of w x over the positive ones."""
    y = nets["net"](batch.inputs["x"])
    positive = batch.inputs["x"] > 0
    return (
        Loss()
        .add("square", (y**2).sum(), len(y))
        .add("positive", y[positive].sum(), int(positive.sum()), 0.5)
    )


# d/dw of mean (w x)^2 at w = 2 for x = 1, 2, -3, 4, -1: 2 w (1 + 4 + 9 + 16 + 1) / 5 = 24.8;
# 0.5 * d/dw of mean w x over x > 0: 0.5 * (1 + 2 + 4) / 3 = 7 / 6.
TWO_COUNTS = 24.8 + 7 / 6


@pytest.mark.parametrize(
    "parts",
    [
        [[1, 2, -3, 4, -1]],
        [[1, 2], [-3, 4, -1]],
        [[1], [2], [-3], [4], [-1]],
        [[-3, -1], [1, 2, 4]],
    ],
)
def test_two_counts_however_the_batch_is_cut(parts: list[list[float]]) -> None:
    assert gradient(machine(two_counts), [batch(part) for part in parts]) == pytest.approx(
        TWO_COUNTS, rel=1e-6
    )


def test_a_shared_denominator_gives_the_same_gradient() -> None:
    def shared(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"])
        return (
            Loss()
            .add("a", y.sum(), len(y), 3.0, per="samples")
            .add("b", (y**2).sum(), len(y), per="samples")
        )

    # 3 mean(x) + 2 w mean(x^2) = 3 * 3 + 4 * 35 / 3 for x = 1, 3, 5.
    for parts in ([[1, 3, 5]], [[1], [3, 5]]):
        found = gradient(machine(shared), [batch(part) for part in parts])
        assert found == pytest.approx(9 + 140 / 3, rel=1e-6)


def test_a_term_with_nothing_to_count_contributes_nothing() -> None:
    found = gradient(machine(two_counts), [batch([-1, -3])])
    assert found == pytest.approx(2 * 2 * 10 / 2)


def test_an_update_with_nothing_to_count_at_all_moves_nothing() -> None:
    def nothing(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        return Loss().add("none", nets["net"](batch.inputs["x"])[:0].sum(), 0)

    update = Update(machine(nothing), 0, 0, "net", 1)
    update.add(batch([1, 2]))
    report = update.finish()
    assert report.means == {}
    assert report.loss == 0
    assert report.step.norm == 0


def test_zero_weight_is_recorded_and_not_differentiated() -> None:
    def recorded(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"])
        return Loss().add("used", y.sum(), len(y)).add("seen", (y**2).sum(), len(y), 0.0)

    whole = machine(recorded)
    update = Update(whole, 0, 0, "net", 1)
    update.add(batch([1, 3]))
    report = update.finish()
    assert report.means == {"used": 4.0, "seen": 20.0}
    assert report.loss == 4.0
    assert float(whole.optimizers["net"].parameters[0].detach()) == pytest.approx(0.0)


def test_only_the_networks_of_the_phase_move() -> None:
    def both(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["other"](nets["net"](batch.inputs["x"]))
        return Loss().add("both", y.sum(), len(y))

    whole = machine(both)
    assert gradient(whole, [batch([1, 3])]) == pytest.approx(2.0 * 2)  # w_other * mean(x)
    other = whole.nets["other"].w
    assert isinstance(other, nn.Parameter)
    assert other.grad is None
    assert float(other.detach()) == 2.0


def test_a_second_derivative_reaches_the_parameters() -> None:
    def penalty(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"].clone().requires_grad_()
        y = nets["net"](x) ** 2
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return Loss().add("penalty", slope.sum(), len(x))

    # y = w^2 x^2, slope = 2 w^2 x, its derivative in w: 4 w x, mean over x = 1, 2: 12.
    assert gradient(machine(penalty), [batch([1, 2])]) == pytest.approx(12)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_loss_that_is_not_finite_is_named_before_any_parameter_moves(cut: int) -> None:
    def logarithm(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"])
        return Loss().add("log", y.log().sum(), len(y))

    whole = machine(logarithm)
    update = Update(whole, 5, 0, "net", cut)
    update.add(batch([1, -3]))
    proceed = update.finish if cut == 1 else lambda: update.add(batch([1, 2]))
    with pytest.raises(NonFiniteError, match="'log' is nan"):
        proceed()
    assert update.last[0].ids.tolist() == [200, 201]
    assert float(whole.optimizers["net"].parameters[0].detach()) == 2.0


def test_a_gradient_that_is_not_finite_is_an_error() -> None:
    def root(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"])
        return Loss().add("root", y.abs().sqrt().sum(), len(y))

    with pytest.raises(NonFiniteError, match="gradient"):
        gradient(machine(root), [batch([0.0])])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda y, z: Loss(), "no term"),  # noqa: ARG005  # all take the same two outputs
        (lambda y, z: Loss().add("x", (y * z).sum().detach(), 1), "no term depends on"),
        (lambda y, z: Loss().add("x", z.sum() + y.sum().detach(), 1), "no term depends on"),
        (lambda y, z: Loss().add("x", y.sum() + z.sum(), -1), "count is -1"),
        (
            lambda y, z: Loss().add("a", y.sum(), 1, per="n").add("b", z.sum(), 2, per="n"),
            "same denominator",
        ),
    ],
)
def test_a_loss_that_breaks_the_contract(
    build: Callable[[Tensor, Tensor], Loss], message: str
) -> None:
    def function(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"]
        return build(nets["net"](x), nets["other"](x))

    with pytest.raises(PluginError, match=message):
        gradient(machine(function), [batch([1, 2])])


def test_an_unused_parameter_is_left_alone() -> None:
    class Two(Scale):
        def __init__(self) -> None:
            super().__init__()
            self.idle = nn.Parameter(torch.tensor([5.0]))

    def used(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"])
        return Loss().add("y", y.sum(), len(y))

    net = Two()
    config = {"net": OptimizerConfig(kind="adamw", lr=0.1, weight_decay=0.5)}
    precision = Precision("fp32", "cpu")
    nets = {"net": net}
    optimizers = build_optimizers(config, nets, precision, totals={"net": 1}, steps_per_epoch=1)
    whole = Machine(nets, Given(used), optimizers, precision, CPU, 3, World())
    gradient(whole, [batch([1, 2])])
    assert float(net.idle.detach()) == 5.0  # as torch does: no gradient, no decay


def test_two_parameters_with_one_gradient_are_clipped_once() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Parameter(torch.zeros(1))
            self.b = nn.Parameter(torch.zeros(1))

        def forward(self) -> Tensor:
            return self.a + self.b

    def total(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        return Loss().add("sum", 8 * nets["net"]().sum(), 1)

    nets = {"net": Sum()}
    config = {"net": OptimizerConfig(kind="sgd", lr=1.0, clip=2.0)}
    precision = Precision("fp32", "cpu")
    optimizers = build_optimizers(config, nets, precision, totals={"net": 1}, steps_per_epoch=1)
    whole = Machine(nets, Given(total), optimizers, precision, CPU, 3, World())
    update = Update(whole, 0, 0, "net", 1)
    update.add(batch([1]))
    assert update.finish().step.norm == pytest.approx(8 * 2**0.5)
    # Norm 2 in two equal components.
    assert [float(p.detach()) for p in nets["net"].parameters()] == pytest.approx([-(2**0.5)] * 2)


def test_dropout_and_noise_are_functions_of_the_place() -> None:
    seen: list[Any] = []

    def noisy(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"]
        seen.append((torch.rand(3).tolist(), context.uniform(2).tolist()))
        return Loss().add("y", nets["net"](x).sum(), len(x))

    for step in (4, 4, 5):
        torch.rand(17)  # what ran before must not matter
        update = Update(machine(noisy), step, 0, "net", 1)
        update.add(batch([1, 2]))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0]
    assert seen[0][1] != seen[2][1]


def test_a_learner_with_parameters_is_refused() -> None:
    learner = Given(two_counts)
    refuse_parameters(learner)
    learner.extra = nn.Linear(2, 2)
    with pytest.raises(PluginError, match=r"extra\.weight"):
        refuse_parameters(learner)


def test_bf16_autocast_reaches_the_loss_and_full_precision_leaves_it() -> None:
    types = []

    def watched(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"][:, None]
        y = nets["net"](x)
        with context.full_precision():
            types.append((y.dtype, nets["net"](x).dtype))
        return Loss().add("y", y.float().sum(), len(y))

    nets = {"net": nn.Linear(1, 1)}
    precision = Precision("bf16", "cpu")
    config = {"net": OptimizerConfig(kind="sgd", lr=1.0)}
    optimizers = build_optimizers(config, nets, precision, totals={"net": 1}, steps_per_epoch=1)
    whole = Machine(nets, Given(watched), optimizers, precision, CPU, 3, World())
    update = Update(whole, 0, 0, "net", 1)
    update.add(batch([1, 3]))
    before = float(nets["net"].bias.detach())
    update.finish()
    assert types == [(torch.bfloat16, torch.float32)]
    assert float(nets["net"].bias.detach()) == pytest.approx(before - 1)


def test_fp16_scales_skips_and_goes_on() -> None:
    def tiny_gradient(nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        y = nets["net"](batch.inputs["x"][:, None])
        return Loss().add("y", y.float().sum() * 1e-6, len(y))

    torch.manual_seed(0)
    nets = {"net": nn.Linear(1, 1)}
    precision = Precision("fp16", "cpu")
    config = {"net": OptimizerConfig(kind="sgd", lr=1.0)}
    optimizers = build_optimizers(config, nets, precision, totals={"net": 9}, steps_per_epoch=1)
    whole = Machine(nets, Given(tiny_gradient), optimizers, precision, CPU, 3, World())
    start = float(nets["net"].weight.detach())
    reports = []
    for step in range(3):
        update = Update(whole, step, 0, "net", 1)
        update.add(batch([1, 3]))
        reports.append(update.finish())
    moved = start - float(nets["net"].weight.detach())
    applied = sum(not report.step.skipped for report in reports)
    assert applied >= 1
    # 1e-6 * mean(x) = 2e-6 an update: far below fp16's smallest normal number, 6e-5.
    assert moved == pytest.approx(2e-6 * applied, rel=0.05)
