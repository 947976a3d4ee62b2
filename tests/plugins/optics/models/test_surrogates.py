"""The surrogates: shapes, memory, gradients by position."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from zoo.engine.chunked import chunk_size
from zoo_optics.config import (
    FourierConfig,
    HashGridConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
)
from zoo_optics.models.hash_grid import HashGrid, hash_grid_networks
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.physics.solid_angle import cosine_and_distance, disc

TANK = Cylinder(200.0, 150.0)
NETWORKS = {
    "siren-pair": (pair_networks, SirenPairConfig),
    "siren-prior": (prior_networks, SirenPriorConfig),
    "siren-factor": (factor_networks, SirenFactorConfig),
    "siren-vector": (vector_networks, SirenVectorConfig),
    "fourier": (fourier_networks, FourierConfig),
    "hash-grid": (hash_grid_networks, HashGridConfig),
}


def facts(rows: int = 3, columns: int = 8) -> dict[str, Any]:
    sensors = cylinder_layout(TANK, rows=rows, columns=columns, rings=(4, 1), radius_cm=8.0)
    return Detector(sensors, TANK).facts()


def network(name: str, facts: dict[str, Any], **settings: Any) -> nn.Module:
    torch.manual_seed(1)
    build, config = NETWORKS[name]
    made: Any = config.model_validate(settings)
    net = build(made, facts)["net"]  # type: ignore[operator]
    assert isinstance(net, nn.Module)
    return net


def points(count: int, seed: int = 2) -> Tensor:
    uniform = np.random.default_rng(seed).random((count, 3))
    return torch.tensor(TANK.points(uniform, 20.0)).float()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("direction", [False, True])
def test_every_sensor_of_every_point_is_answered_once(name: str, direction: bool) -> None:
    net = network(name, facts(), direction=direction)
    way = nn.functional.normalize(torch.randn(7, 3), dim=1)
    answer = net(points(7), way) if direction else net(points(7))
    assert answer.shape == (7, 3 * 8 + 2 * 5)
    assert answer.dtype == torch.float32
    assert torch.isfinite(answer).all()
    each = torch.cat(
        [net(*(part[k : k + 1] for part in (points(7), way)[: 1 + direction])) for k in range(7)]
    )
    torch.testing.assert_close(answer, each, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"yields": True}, {"symmetry": ("z",)}])
@pytest.mark.parametrize("name", ["siren-pair", "siren-prior"])
def test_sensors_that_are_asked_for_answer_as_among_all(
    name: str, settings: dict[str, Any]
) -> None:
    net: Any = network(name, facts(), **settings)
    if "yields" in settings:
        nn.init.normal_(net.log_yield)
    asked = torch.randint(0, 34, (7, 5), generator=torch.Generator().manual_seed(3))
    every = net(points(7))
    torch.testing.assert_close(net(points(7), sensors=asked), every.gather(1, asked))


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_sees_about_the_share_of_the_wall(name: str) -> None:
    """Light that is spread evenly falls on a sensor in proportion to its area."""
    with torch.no_grad():
        answer = network(name, facts())(points(300))
    share = math.log(math.pi * 8.0**2 / TANK.wall_cm2)
    assert float(answer.mean()) == pytest.approx(share, abs=2.5)


def test_the_prior_without_its_correction_is_the_closed_form() -> None:
    sensors = Sensors(np.array([[0.0, 0, 150]]), np.array([[0.0, 0, -1]]), 8.0)
    net = network("siren-prior", Detector(sensors, TANK).facts(), attenuation_cm=700.0)
    last = net.stack[-1]  # type: ignore[index, union-attr]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    place = points(50)
    cosine, distance = cosine_and_distance(
        place.numpy().astype(np.float64), sensors.position_cm, sensors.direction
    )
    expected = disc(8.0, distance, cosine) / (4 * np.pi) * np.exp(-distance / 700.0)
    bright = cosine > 0.3  # there the softened cosine is the cosine
    found = net(place).exp().detach().numpy()
    np.testing.assert_allclose(found[bright], expected[bright], rtol=0.01)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_by_position_are_those_of_finite_differences(name: str) -> None:
    net = network(name, facts()).double()
    for part in net.modules():
        if isinstance(part, HashGrid):
            nn.init.normal_(part.table, std=0.1)  # it starts flat
    place = points(4).double()

    def of(point: Tensor) -> Tensor:
        answer: Tensor = net.middle.new_tensor(net.mean_log) + net.scale * net.answer(
            ((point - net.middle) / net.extent)[None]
        )
        return answer[0]

    exact = torch.func.vmap(torch.func.jacrev(of))(place)
    step = 1e-4
    finite = torch.stack(
        [
            torch.stack([(of(p + s) - of(p - s)) / (2 * step) for p in place])
            for s in step * torch.eye(3, dtype=torch.float64)
        ],
        dim=2,
    )
    assert exact.abs().max() > 1e-4
    torch.testing.assert_close(exact, finite, rtol=1e-5, atol=1e-7)
    leaf = place.float().requires_grad_()
    answer = net.float()(leaf)
    answer[:, 5].sum().backward()
    assert leaf.grad is not None
    torch.testing.assert_close(leaf.grad.double(), exact[:, 5], rtol=1e-3, atol=1e-5)


def kept_bytes(net: nn.Module, place: Tensor) -> int:
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        alive = net(place)
    assert alive.requires_grad
    return sum(kept.values())


def test_memory_grows_linearly_with_the_number_of_sensors() -> None:
    """The fault of old made it grow with its square: a factor of 4 for every doubling."""
    sizes = [(8, 30), (16, 30), (32, 30)]
    found = [kept_bytes(network("siren-pair", facts(*size)), points(3)) for size in sizes]
    for small, large in pairwise(found):
        assert 1.7 < large / small < 2.2
    # One sine of 64 floats after each of six layers, six inputs and an output for every row.
    rows = 3 * (8 * 30 + 10)
    assert found[0] == pytest.approx(rows * 4 * (6 * 64 + 6), rel=0.12)


def test_memory_in_chunks_is_that_of_a_chunk() -> None:
    net = network("siren-pair", facts(32, 30))
    with chunk_size(500):
        few, many = kept_bytes(net, points(2)), kept_bytes(net, points(8))
    assert many - few < 6 * 970 * 4 * 8  # the rows themselves alone: six inputs, and slack
    assert many < kept_bytes(net, points(8)) / 20


@pytest.mark.parametrize("name", ["siren-pair", "siren-prior", "siren-factor"])
def test_chunks_change_neither_values_nor_gradients(name: str) -> None:
    answers, gradients = [], []
    for chunk in (None, 37):
        net = network(name, facts())
        with chunk_size(chunk):
            answer = net(points(5))
            answer.exp().sum().backward()
        answers.append(answer.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters()]))  # type: ignore[union-attr]
    torch.testing.assert_close(*answers, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)


def test_one_small_network_serves_any_number_of_sensors() -> None:
    small, large = (network("siren-pair", facts(rows, 8)) for rows in (2, 30))
    count = [sum(p.numel() for p in net.parameters()) for net in (small, large)]
    # 64 x 6 + 64, five times 64 x 64 + 64, 64 + 1: the 64x5 of the talk, with 21 kB of numbers.
    assert count == [64 * 7 + 5 * 64 * 65 + 65] * 2
    large.load_state_dict(
        small.state_dict()
        | {
            name: value
            for name, value in large.state_dict().items()
            if name in ("sensor", "normal")
        }
    )


def test_a_box_is_scaled_to_its_middle() -> None:
    sensors = Sensors(np.array([[100.0, 0, 0]]), np.array([[-1.0, 0, 0]]), 5.0)
    detector = Detector(sensors, Box((0.0, -50, 20), (100.0, 50, 80)))
    net = network("siren-vector", detector.facts())
    np.testing.assert_allclose(net.middle.numpy(), [50, 0, 50])
    np.testing.assert_allclose(net.extent.numpy(), [50, 50, 30])
