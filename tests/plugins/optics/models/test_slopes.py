"""Derivatives that networks carry along: those of automatic and of numerical differentiation."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.api import PluginError
from zoo_optics.config import (
    FourierConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
)
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.slopes import log_direct_slope, stack_with_slope
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.physics.detector import Cylinder, Detector, cylinder_layout

TANK = Cylinder(200.0, 150.0)
BUILD: dict[str, Any] = {
    "siren-pair": (pair_networks, SirenPairConfig),
    "siren-prior": (prior_networks, SirenPriorConfig),
    "siren-factor": (factor_networks, SirenFactorConfig),
    "siren-vector": (vector_networks, SirenVectorConfig),
    "fourier": (fourier_networks, FourierConfig),
}
# The middle, near the wall, before a sensor of the barrel within its radius and just beyond, and
# outside, behind the sensors of a cap, where the cosine is cut.
POINTS = torch.tensor(
    [
        [10.0, -20.0, 30.0],
        [150.0, 90.0, -140.0],
        [194.0, 0.5, 0.2],
        [190.0, 0.5, 0.2],
        [3.0, 2.0, 170.0],
    ],
    dtype=torch.float64,
)
WAYS = nn.functional.normalize(torch.tensor(POINTS.numpy()[:, [1, 2, 0]] + 1.0), dim=1)


def network(name: str, *, direction: bool = False) -> Any:
    torch.manual_seed(1)
    sensors = cylinder_layout(TANK, rows=3, columns=8, rings=(4, 1), radius_cm=8.0)
    build, config = BUILD[name]
    made = config.model_validate({"hidden": 16, "layers": 2, "direction": direction})
    return build(made, Detector(sensors, TANK).facts())["net"].double()


@pytest.mark.parametrize("direction", [False, True])
@pytest.mark.parametrize("name", BUILD)
def test_they_are_those_of_automatic_differentiation(name: str, direction: bool) -> None:
    net = network(name, direction=direction)
    for point, way in zip(POINTS, WAYS, strict=True):
        more = (way[None],) if direction else ()
        expected = torch.func.jacrev(lambda at, more=more: net(at[None], *more)[0])(point)
        value, slope = net.with_slope(point[None], *more)
        torch.testing.assert_close(value[0], net(point[None], *more)[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(slope[0], expected, rtol=1e-8, atol=1e-12)
        assert float(slope.detach().abs().max()) > 1e-4


@pytest.mark.parametrize("name", BUILD)
def test_they_are_those_of_small_steps(name: str) -> None:
    """Central differences: they know nothing of layers."""
    net, points, step = network(name), POINTS[:2], 1e-4
    slope = net.with_slope(points)[1]
    for axis in range(3):
        shift = torch.zeros(3, dtype=torch.float64)
        shift[axis] = step
        with torch.no_grad():
            expected = (net(points + shift) - net(points - shift)) / (2 * step)
        torch.testing.assert_close(slope[..., axis], expected, rtol=1e-5, atol=1e-8)


def test_each_point_is_answered_for_itself() -> None:
    net = network("siren-pair")
    together = net.with_slope(POINTS)[1]
    assert together.shape == (5, 34, 3)
    each = torch.cat([net.with_slope(point[None])[1] for point in POINTS])
    torch.testing.assert_close(together, each)


def test_far_light_falls_with_the_square_of_the_distance() -> None:
    """``d log v / dd = -2/d - 1/length`` far from a sensor that is looked at from ahead."""

    def at(distance: float) -> float:
        ahead = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
        found: Tensor = log_direct_slope(
            torch.tensor([distance], dtype=torch.float64),
            torch.ones(1, dtype=torch.float64),
            ahead,
            torch.zeros_like(ahead),
            radius_cm=8.0,
            length_cm=torch.tensor(5000.0, dtype=torch.float64),
            sharpness=30.0,
            least=1e-3,
        )
        return float(found[0, 0])

    assert at(800.0) == pytest.approx(-2 / 800 - 1 / 5000, rel=1e-4)
    # Nearer, by hand: a sphere's share is (1 - s) / 2 with s = sqrt(1 - (r/d)^2), so that
    # dv/dd / v = -(r^2/d^3) / (s (1 - s)); at d = 10, r = 8: s = 0.6, -0.064 / 0.24 = -1.6 / 6.
    assert at(10.0) == pytest.approx(-1.6 / 6 - 1 / 5000, rel=1e-12)


def test_a_layer_that_is_not_known() -> None:
    stack = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    with pytest.raises(PluginError, match="the derivative of Tanh is not known"):
        stack_with_slope(stack, torch.zeros(1, 3), torch.zeros(1, 3, 3))


def test_a_sine_layer_by_hand() -> None:
    """``d sin(f (a x + b)) / dx = f a cos(f (a x + b))``."""
    net = network("siren-vector").stack[:1]
    layer, at = net[0], torch.tensor([[0.3, -0.2, 0.1]], dtype=torch.float64)
    each = torch.eye(3, dtype=torch.float64)[None]
    slope = stack_with_slope(net, at, each)[1]
    weight, bias = layer.linear.weight.detach(), layer.linear.bias.detach()
    phase = layer.frequency * float(weight[2] @ at[0] + bias[2])
    by_hand = layer.frequency * float(weight[2, 1]) * math.cos(phase)
    assert float(slope.detach()[0, 1, 2]) == pytest.approx(by_hand, rel=1e-12)
