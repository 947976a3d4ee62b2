"""The moving average against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.engine.ema import Ema


def constant(value: float) -> nn.Linear:
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(value)
    return net


def test_average_of_a_sequence() -> None:
    nets = {"a": constant(0.0), "b": constant(7.0)}
    ema = Ema(nets, 0.15)
    # Decays min(0.15, (1 + n) / (10 + n)): 1/10, then 0.15 (2/11 is above it).
    wanted = 0.0
    for decay, value in ((0.1, 1.0), (0.15, 2.0), (0.15, 3.0)):
        with torch.no_grad():
            nets["a"].weight.fill_(value)
        ema.update(["a"])
        wanted = decay * wanted + (1 - decay) * value
    assert float(ema.means["a"]["weight"]) == pytest.approx(wanted)
    assert float(ema.means["b"]["weight"]) == 7.0
    assert ema.updates == {"a": 3, "b": 0}


def test_applied_swaps_and_restores() -> None:
    net = constant(1.0)
    ema = Ema({"net": net}, 0.5)
    ema.update(["net"])
    with torch.no_grad():
        net.weight.fill_(3.0)
    parameter = net.weight
    with ema.applied():
        assert float(net.weight.detach()) == 1.0
        assert net.weight is parameter  # the optimizer still holds it
    assert float(net.weight.detach()) == 3.0
    assert float(ema.means["net"]["weight"]) == 1.0


def normalised(value: float) -> nn.BatchNorm1d:
    net = nn.BatchNorm1d(1)
    net.register_buffer("mask", torch.tensor([-torch.inf, value]))
    assert net.running_mean is not None
    net.running_mean.fill_(value)
    return net


def test_running_statistics_are_those_of_the_average() -> None:
    net = normalised(0.0)
    ema = Ema({"net": net}, 0.15)
    wanted = 0.0
    for decay, value in ((0.1, 1.0), (0.15, 2.0), (0.15, 3.0)):  # decays as above
        net.running_mean.fill_(value)  # type: ignore[union-attr]  # it tracks them
        net.num_batches_tracked.add_(1)  # type: ignore[union-attr]  # likewise
        ema.update(["net"])
        wanted = decay * wanted + (1 - decay) * value
    with ema.applied():
        state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert float(state["running_mean"]) == pytest.approx(wanted)
    assert int(state["num_batches_tracked"]) == 3
    assert state["mask"].tolist() == [-torch.inf, 0.0]
    assert float(net.state_dict()["running_mean"]) == 3.0
    other = Ema({"net": normalised(9.0)}, 0.15)
    other.restore(ema.state())
    assert torch.equal(other.means["net"]["running_mean"], state["running_mean"])


def test_a_network_that_no_update_drove_keeps_its_statistics() -> None:
    driven, other = normalised(0.0), normalised(0.0)
    ema = Ema({"driven": driven, "other": other}, 0.5)
    other.running_mean.fill_(4.0)  # type: ignore[union-attr]  # it tracks them
    ema.update(["driven"])
    with ema.applied():
        assert float(other.state_dict()["running_mean"]) == 4.0


def test_state_continues() -> None:
    net = constant(1.0)
    ema = Ema({"net": net}, 0.5)
    ema.update(["net"])
    other = Ema({"net": constant(5.0)}, 0.5)
    other.restore(ema.state())
    assert other.updates == {"net": 1}
    assert torch.equal(other.means["net"]["weight"], ema.means["net"]["weight"])
