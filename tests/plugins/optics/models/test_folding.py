"""Folded networks: the same light at mirrored pairs, and refused where it is not the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import ConfigError
from zoo_optics.config import (
    FourierConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
)
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.physics.detector import Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.physics.symmetry import mirror, partners
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

TANK = Cylinder(200.0, 150.0)
PAIRS = {
    "siren-pair": (pair_networks, SirenPairConfig),
    "siren-prior": (prior_networks, SirenPriorConfig),
}
POINTS = {
    "siren-factor": (factor_networks, SirenFactorConfig),
    "siren-vector": (vector_networks, SirenVectorConfig),
    "fourier": (fourier_networks, FourierConfig),
}
BLACK = {"surfaces": {"wall_reflectivity": 0.0, "sensor_reflectivity": 0.0}}
BRIGHT = {"surfaces": {"wall_reflectivity": 0.3, "sensor_reflectivity": 0.0}}


def sensors(rings: tuple[int, ...] = (8, 1)) -> Sensors:
    return cylinder_layout(TANK, rows=3, columns=8, rings=rings, radius_cm=8.0)


def tank(rings: tuple[int, ...] = (8, 1), **more: Any) -> dict[str, Any]:
    return {**Detector(sensors(rings), TANK).facts(), **more}


def box(**settings: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate(settings))


def network(kind: tuple[Any, Any], facts: Any, *symmetry: str, **settings: Any) -> Any:
    torch.manual_seed(1)
    build, config = kind
    return build(config.model_validate({"symmetry": symmetry, **settings}), facts)["net"].double()


def inside(count: int = 40, seed: int = 2) -> Any:
    return TANK.points(np.random.default_rng(seed).random((count, 3)), 20.0)


def turn(angle: float) -> Any:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def on_axis(some: Sensors) -> Any:
    """These have no azimuth to turn to."""
    return np.hypot(*some.position_cm[:, :2].T) < 1


def answers(net: nn.Module, points: Any) -> Any:
    with torch.no_grad():
        answer: Tensor = net(torch.tensor(points))
    return answer.numpy()


@pytest.mark.parametrize("name", PAIRS)
def test_a_turned_tank_is_the_same(name: str) -> None:
    """Point and sensor turned by the step of the columns, mirrored at a meridian plane, in z."""
    facts, points, detector = tank(), inside(), Detector(sensors(), TANK)
    net, plain = network(PAIRS[name], facts, "rotation", "z"), network(PAIRS[name], facts)
    step, flat = turn(2 * math.pi / 8), np.diag([1.0, -1, 1])
    for matrix in (step, flat, mirror(2), step @ np.diag([1.0, -1, -1])):
        image = partners(detector, matrix)
        assert sorted(image) == list(range(len(image)))
        turned = matrix[0, 1] != 0
        kept = ~(on_axis(detector.sensors) & turned)
        seen, moved = answers(net, points), answers(net, points @ matrix.T)[:, image]
        np.testing.assert_allclose(moved[:, kept], seen[:, kept], rtol=1e-9, atol=1e-6)
        other = answers(plain, points @ matrix.T)[:, image] - answers(plain, points)
        assert np.abs(other).max() > 0.01
    # Not for any other: neighbours see the same point in another way.
    assert np.abs(np.diff(answers(net, points)[:, :8], axis=1)).max() > 0.01


@pytest.mark.parametrize("name", PAIRS)
def test_without_reflections_sensors_need_no_partners(name: str) -> None:
    """A pair that is turned by any angle, as if there were a sensor: other rings do not matter."""
    matrix, other = turn(0.3), sensors((7, 1))
    turned = Sensors(other.position_cm @ matrix.T, other.direction @ matrix.T, other.radius_cm)
    net = network(PAIRS[name], tank((7, 1), **BLACK), "rotation")
    moved = network(PAIRS[name], {**Detector(turned, TANK).facts(), **BLACK}, "rotation")
    off = ~on_axis(other)
    assert off.sum() == 3 * 8 + 2 * 7
    seen, again = answers(net, inside()), answers(moved, inside() @ matrix.T)
    np.testing.assert_allclose(again[:, off], seen[:, off], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("name", [*PAIRS, *POINTS])
def test_a_mirrored_box_is_the_same(name: str) -> None:
    source = box(rows=3, columns=4)  # the middle row stands in the mirror
    middle = np.array([100.0, 0, 250])
    points = source.detector.volume.points(np.random.default_rng(3).random((40, 3)), 5.0)
    kind = (PAIRS | POINTS)[name]
    net, plain = network(kind, source.facts, "y", "z"), network(kind, source.facts)
    for matrix in (np.diag([1.0, -1, 1]), np.diag([1.0, 1, -1]), np.diag([1.0, -1, -1])):
        image = partners(source.detector, matrix)
        place = (points - middle) @ matrix.T + middle
        seen, moved = answers(net, points), answers(net, place)
        np.testing.assert_allclose(moved[:, image], seen, rtol=1e-9, atol=1e-6)
        assert np.abs(answers(plain, place)[:, image] - answers(plain, points)).max() > 0.01
        # It is the light itself that is the same.
        true, mirrored = source.visibility(points), source.visibility(place)
        np.testing.assert_allclose(mirrored[:, image], true, rtol=1e-9)


@pytest.mark.parametrize("name", [*PAIRS, *POINTS])
def test_gradients_by_position_are_those_of_finite_differences(name: str) -> None:
    source = box(rows=3, columns=4)
    net = network((PAIRS | POINTS)[name], source.facts, "y", "z")
    place = torch.tensor([[50.0, 30, 100], [120, -60, 400], [150, 1e-9, 250]], dtype=torch.float64)
    if name in POINTS:
        place = place[:2]  # a network of points may have a step in the mirror

    def of(points: Tensor) -> Tensor:  # what a network answers is float32
        answer: Tensor = net.scale * net.answer((points - net.middle) / net.extent)
        return answer

    exact = torch.func.vmap(torch.func.jacrev(lambda x: of(x[None])[0]))(place)
    assert torch.isfinite(exact).all()
    steps = 1e-4 * torch.eye(3, dtype=torch.float64)
    finite = torch.stack([(of(place + s) - of(place - s)) / 2e-4 for s in steps], dim=2)
    assert exact.abs().max() > 1e-3
    torch.testing.assert_close(exact, finite, rtol=1e-4, atol=1e-7)
    leaf = place.float().requires_grad_()
    net.float()(leaf)[:, 5].sum().backward()
    assert leaf.grad is not None
    torch.testing.assert_close(leaf.grad.double(), exact[:, 5], rtol=1e-2, atol=1e-4)


def test_without_symmetry_nothing_is_new() -> None:
    facts = box(rows=3, columns=4).facts
    for kind in (PAIRS | POINTS).values():
        assert not [n for n in network(kind, facts).state_dict() if "fold" in n]


@pytest.mark.parametrize(
    ("symmetry", "facts", "message"),
    [
        (["x"], box().facts, "60 of 60 sensors have no partner when the detector is mirrored in x"),
        (["z"], box(shadow=0.2).facts, "the bars of the field cage"),
        (["rotation"], box().facts, "a box cannot be turned"),
        (["rotation", "x"], tank(), "rotation has the mirror images in x and y already"),
        (["rotation"], tank((7, 1)), "sensors have no partner when the detector is turned by"),
        (["rotation"], tank((7, 1), **BRIGHT), "sensors have no partner"),
    ],
)
def test_what_is_not_symmetric_is_refused(symmetry: list[str], facts: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        network(PAIRS["siren-pair"], facts, *symmetry)


def test_one_sensor_less_breaks_the_symmetry() -> None:
    whole = box().detector
    kept = np.arange(60) != 7
    part = Sensors(whole.sensors.position_cm[kept], whole.sensors.direction[kept], 10.16)
    for kind in (PAIRS | POINTS).values():
        with pytest.raises(ConfigError, match=r"1 of 59 sensors have no partner .* in y"):
            network(kind, Detector(part, whole.volume).facts(), "y")


def test_networks_of_points_need_partners_and_no_rotation() -> None:
    with pytest.raises(ConfigError, match="cannot be turned by any angle"):
        network(POINTS["siren-vector"], tank(**BLACK), "rotation")
    odd = Detector(sensors((7, 1)), TANK).facts()
    network(PAIRS["siren-pair"], {**odd, **BLACK}, "x")
    with pytest.raises(ConfigError, match="mirrored in x"):
        network(POINTS["siren-vector"], {**odd, **BLACK}, "x")


def test_sensors_that_look_askew_are_refused() -> None:
    other = sensors()
    normal = other.direction.copy()
    normal[3] = [0.0, 0.8, 0.6]
    askew = Detector(Sensors(other.position_cm, normal, 8.0), TANK).facts()
    with pytest.raises(ConfigError, match="sensors look askew, the first is sensor 3"):
        network(PAIRS["siren-pair"], {**askew, **BLACK}, "rotation")


def test_directions_are_not_folded() -> None:
    with pytest.raises(ConfigError, match="directions of the light are not folded"):
        network(PAIRS["siren-pair"], tank(**BLACK), "rotation", direction=True)
