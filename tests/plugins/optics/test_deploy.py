"""What is exported answers as the network does, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.runtime import open_runtime
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import (
    FourierConfig,
    HashGridConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
    SurrogateConfig,
)
from zoo_optics.deploy import OpticsDeploy
from zoo_optics.learner import OpticsLearner
from zoo_optics.models.hash_grid import hash_grid_networks
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.physics.detector import Cylinder, Detector, cylinder_layout

NETWORKS = ("siren-vector", "siren-pair", "siren-factor", "siren-prior", "fourier", "hash-grid")
VOLUME = Cylinder(200.0, 150.0)


def facts() -> dict[str, Any]:
    sensors = cylinder_layout(VOLUME, rows=3, columns=8, rings=(4, 1), radius_cm=8.0)
    return Detector(sensors, VOLUME).facts()


def made(
    name: str, *, direction: bool = False, **settings: Any
) -> tuple[SurrogateConfig, dict[str, nn.Module]]:
    torch.manual_seed(1)
    small = {"hidden": 16, "layers": 2, "direction": direction, **settings}
    if name == "siren-pair":
        pair = SirenPairConfig.model_validate(small)
        return pair, pair_networks(pair, facts())
    if name == "siren-factor":
        factor = SirenFactorConfig.model_validate(small)
        return factor, factor_networks(factor, facts())
    if name == "siren-prior":
        prior = SirenPriorConfig.model_validate(small)
        return prior, prior_networks(prior, facts())
    if name == "hash-grid":
        hashed = HashGridConfig(hidden=16, table_log2=9, direction=direction)  # 3 of 6 levels
        grid: Any = hash_grid_networks(hashed, facts())
        nn.init.normal_(grid["net"].grid.table, std=0.1)  # it starts flat
        return hashed, grid
    if name == "fourier":
        waves = FourierConfig.model_validate(small)
        return waves, fourier_networks(waves, facts())
    vector = SirenVectorConfig.model_validate(small)
    return vector, vector_networks(vector, facts())


@pytest.mark.parametrize("direction", [False, True])
def test_it_answers_as_the_learner_does(direction: bool) -> None:
    config, nets = made("siren-vector", direction=direction)
    deploy = OpticsDeploy(config, facts())
    module = deploy.module(nets, OpticsCodec(config, facts(), {}))
    inputs = deploy.example({"batch": 5}, np.arange(1, 6, dtype=np.uint64))
    assert set(inputs) == set(deploy.inputs)
    tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
    with torch.no_grad():
        found, gradient = module(*tensors.values())
        expected = nets["net"](**tensors).exp()
    torch.testing.assert_close(found, expected)
    assert found.shape == (5, 34)
    assert (found > 0).all()
    assert found.std() > 1e-6  # else any constant would do
    assert gradient.shape == (5, 34, 3)
    assert gradient.shape[1:] == deploy.outputs["gradient"].dims[1:]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_that_of_automatic_differentiation(name: str) -> None:
    config, nets = made(name)
    deploy = OpticsDeploy(config, facts())
    nets["net"].double()
    module = deploy.module(nets, OpticsCodec(config, facts(), {}))
    point = torch.tensor([40.0, -30.0, 60.0], dtype=torch.float64)
    expected = torch.func.jacrev(lambda at: nets["net"](at[None])[0].exp())(point)
    with torch.no_grad():
        _, gradient = module(point[None])
    torch.testing.assert_close(gradient[0], expected, rtol=1e-9, atol=1e-15)
    assert float(gradient.abs().max()) > 1e-6


def test_the_gradient_can_be_left_out() -> None:
    config, nets = made("siren-vector")
    plain = config.model_copy(update={"gradient": False})
    deploy = OpticsDeploy(plain, facts())
    assert set(deploy.outputs) == {"visibility"}
    assert not deploy.additional
    with torch.no_grad():
        alone = deploy.module(nets, OpticsCodec(plain, facts(), {}))(torch.zeros(2, 3))
        both = OpticsDeploy(config, facts()).module(nets, OpticsCodec(config, facts(), {}))
        torch.testing.assert_close(alone, both(torch.zeros(2, 3))[0])


def test_examples_are_inside_and_depend_on_their_key_alone() -> None:
    config, _ = made("siren-vector", direction=True)
    deploy = OpticsDeploy(config, facts())
    keys = np.arange(1, 200, dtype=np.uint64)
    many = deploy.example({"batch": 199}, keys)
    assert VOLUME.holds(many["position"].astype(np.float64)).all()
    np.testing.assert_allclose(np.linalg.norm(many["direction"], axis=1), 1, rtol=1e-5)
    second = deploy.example({"batch": 1}, keys[1:2])
    np.testing.assert_array_equal(second["position"][0], many["position"][1])


def require_gradient(net: Any, place: Any, found: Any) -> None:
    exact = net.double()
    for at, slope in zip(torch.from_numpy(place).double(), found, strict=True):
        jacobian = torch.func.jacrev(lambda one: exact(one[None])[0].exp())(at).detach().numpy()
        np.testing.assert_allclose(slope, jacobian, rtol=1e-3, atol=1e-4 * abs(jacobian).max())


@pytest.mark.slow
@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    ("name", "format_name"),
    [(name, form) for name in NETWORKS for form in ("onnx", "ts", "pt2")],
)
def test_every_format_is_the_model(
    plugin: None, tmp_path: Path, name: str, format_name: str
) -> None:
    config, nets = made(name)
    learner, codec = OpticsLearner(config, facts()), OpticsCodec(config, facts(), {})
    predictor = NetworkPredictor(f"optics/{name}", nets, learner, codec)
    done = export(predictor, format_name, out=tmp_path)
    assert len(done.report["parity"]) == (1 + config.gradient) * len(OpticsDeploy.sizes)
    place = VOLUME.points(np.random.default_rng(3).random((11, 3))).astype(np.float32)
    with torch.no_grad():
        expected = nets["net"](torch.from_numpy(place)).exp().numpy()
    found = open_runtime(done.path)({"position": place})
    np.testing.assert_allclose(found["visibility"], expected, rtol=2e-4)
    assert {path.name for path in done.files} == {
        f"optics-{name}.{format_name}",
        f"optics-{name}.{format_name}.checks.txt",
        f"optics-{name}.{format_name}.export.json",
    }
    if config.gradient:
        require_gradient(nets["net"], place, found["gradient"])


@pytest.mark.slow
@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("siren-vector", "onnx"),
        ("siren-pair", "onnx"),
        ("siren-factor", "onnx"),
        ("siren-prior", "ts"),
        ("siren-vector", "pt2"),
    ],
)
def test_yields_symmetries_and_errors_are_inside(
    plugin: None, tmp_path: Path, name: str, format_name: str
) -> None:
    options = {"yields": True, "symmetry": ["x", "y", "z"], "uncertainty": True}
    config, nets = made(name, **options)
    net: Any = nets["net"]
    with torch.no_grad():
        net.log_yield += 0.3 * torch.randn(34)
    learner, codec = OpticsLearner(config, facts()), OpticsCodec(config, facts(), {})
    predictor = NetworkPredictor(f"optics/{name}", nets, learner, codec)
    done = export(predictor, format_name, out=tmp_path)
    place = VOLUME.points(np.random.default_rng(4).random((11, 3))).astype(np.float32)
    with torch.no_grad():
        expected, error = net(torch.from_numpy(place)), net.errors(torch.from_numpy(place))
    found = open_runtime(done.path)({"position": place})
    np.testing.assert_allclose(found["visibility"], expected.exp().numpy(), rtol=2e-4)
    np.testing.assert_allclose(found["relative_error"], error.numpy(), rtol=2e-4)
    assert error.std() > 1e-3
    require_gradient(net, place, found["gradient"])
