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
    with torch.no_grad():
        net.weight.fill_(3.0)
    parameter = net.weight
    with ema.applied():
        assert float(net.weight.detach()) == 1.0
        assert net.weight is parameter  # the optimizer still holds it
    assert float(net.weight.detach()) == 3.0
    assert float(ema.means["net"]["weight"]) == 1.0


def test_state_continues() -> None:
    net = constant(1.0)
    ema = Ema({"net": net}, 0.5)
    ema.update(["net"])
    other = Ema({"net": constant(5.0)}, 0.5)
    other.restore(ema.state())
    assert other.updates == {"net": 1}
    assert torch.equal(other.means["net"]["weight"], ema.means["net"]["weight"])
