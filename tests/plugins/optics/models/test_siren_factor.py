"""The factorised network: what it computes, how it starts, what it keeps, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo_optics.config import SirenFactorConfig
from zoo_optics.models.siren_factor import Factors, factor_networks
from zoo_optics.physics.detector import Cylinder, Detector, cylinder_layout

TANK = Cylinder(200.0, 150.0)


def facts(rows: int = 3) -> dict[str, Any]:
    sensors = cylinder_layout(TANK, rows=rows, columns=8, rings=(4, 1), radius_cm=8.0)
    return Detector(sensors, TANK).facts()


def network(rows: int = 3, **settings: Any) -> Any:
    torch.manual_seed(1)
    small = {"hidden": 16, "layers": 2, "rank": 5, **settings}
    return factor_networks(SirenFactorConfig.model_validate(small), facts(rows))["net"]


def points(count: int) -> Tensor:
    return torch.tensor(TANK.points(np.random.default_rng(2).random((count, 3)), 20.0)).float()


@pytest.mark.parametrize("direction", [False, True])
def test_it_is_a_loop_over_points_and_sensors(direction: bool) -> None:
    """Inner product of what two networks say of one point and of one sensor, a pair at a time."""
    net, place = network(direction=direction).double(), points(4).double()
    way = nn.functional.normalize(torch.randn(4, 3, dtype=torch.float64), dim=1)
    more = (way,) if direction else ()
    inputs = torch.cat([(place - net.middle) / net.extent, *more], 1)
    for point, row in enumerate(net(place, *more).detach()):
        left = net.factors.of_point(inputs[point]).tolist()
        for sensor in range(3 * 8 + 2 * 5):
            seen = torch.cat([net.sensor[sensor], net.normal[sensor]])
            right = net.factors.of_sensor(seen).tolist()
            product = sum(left[k] * right[k] for k in range(5)) * 15.0 / math.sqrt(5)
            expected = net.mean_log + 3 * math.log(10) * (product + left[5] + right[5])
            assert float(row[sensor]) == pytest.approx(expected, rel=1e-12)


def test_all_of_its_terms_start_as_a_siren_does() -> None:
    """Weights even in +-sqrt(6 / n) / omega times n sines of variance 1/2: variance 1 / omega^2."""
    torch.manual_seed(4)
    omega, squares = 15.0, []
    for _ in range(12):
        made = Factors(
            3, 6, hidden=64, layers=1, rank=32, frequency=omega, recompute=True
        ).requires_grad_(requires_grad=False)
        place, seen = 2 * torch.rand(300, 3) - 1, 2 * torch.rand(300, 6) - 1
        alone, other = made.of_point(place)[:, -1:], made.of_sensor(seen)[:, -1:]
        product = made(place, seen) - alone - other.T
        squares.append([float(part.square().mean()) for part in (alone, other, product)])
    found = np.sqrt(np.mean(squares, axis=0)) * omega
    np.testing.assert_allclose(found, 1, atol=0.15)


@contextmanager
def counted(net: Any) -> Iterator[dict[str, list[int]]]:
    """Rows that go through the two networks."""
    rows: dict[str, list[int]] = {"point": [], "sensor": []}
    hooks = [
        part.register_forward_hook(lambda _, given, __, name=name: rows[name].append(len(given[0])))
        for name, part in (("point", net.factors.of_point), ("sensor", net.factors.of_sensor))
    ]
    yield rows
    for hook in hooks:
        hook.remove()


def test_its_work_is_that_of_points_plus_sensors() -> None:
    net = network()
    with counted(net) as rows:
        assert net(points(7)).shape == (7, 34)
    assert rows == {"point": [7], "sensor": [34]}
    many = network(rows=30)
    count = [sum(p.numel() for p in one.parameters()) for one in (net, many)]
    assert count[0] == count[1]  # any number of sensors
    assert many(points(2)).shape == (2, 30 * 8 + 10)


def test_sensors_are_answered_once_where_nothing_is_learnt() -> None:
    net, place = network(), points(3)
    with torch.no_grad(), counted(net) as rows:
        first, second = net(place), net(place)
    assert rows["sensor"] == [34]
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    with counted(net) as rows:  # its gradient needs all of it
        torch.testing.assert_close(net(place), first)
    assert rows["sensor"] == [34]


def test_what_was_kept_is_forgotten_with_the_weights() -> None:
    """A step of an optimiser, weights of a file, an average put in their place, another type."""
    net, place, other = network(), points(3), network(frequency=14.0)

    def asked() -> Tensor:
        with torch.no_grad():
            answer: Tensor = net(place.to(net.middle.dtype))
        torch.testing.assert_close(answer, net(place.to(net.middle.dtype)), rtol=0, atol=1e-6)
        return answer.float()

    answers = [asked()]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(place).sum().backward()
    optimizer.step()
    answers.append(asked())
    with torch.no_grad():
        for parameter in net.factors.of_sensor.parameters():
            parameter.data = parameter.data + 0.01
    answers.append(asked())
    net.load_state_dict(other.state_dict())
    answers.append(asked())
    net.double()
    torch.testing.assert_close(asked(), answers[-1], rtol=1e-5, atol=1e-4)
    for one, following in pairwise(answers):
        assert float((one - following).abs().max()) > 1e-3


def test_bfloat16_is_not_kept() -> None:
    net, place = network(), points(3)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(place)
        fine = net(place)
    torch.testing.assert_close(fine, net(place))
    assert 1e-4 < float((rough - fine).abs().max()) < 0.5
