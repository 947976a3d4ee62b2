"""What is exported makes the showers that the model makes, as DDML wants them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Codec, ConfigError, Table, UsageError
from zoo.engine.tensors import to_numpy
from zoo.errors import ParityError
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.runtime import open_runtime
from zoo_calo.codec import ShowerCodec
from zoo_calo.config import (
    CaloConfig,
    WganAngleConfig,
    WganConfig,
    WganLiteConfig,
    WganLoConfig,
    WganPionConfig,
)
from zoo_calo.consumers.ddml import Ddml
from zoo_calo.deploy import ShowerDeploy
from zoo_calo.learner import ShowerLearner
from zoo_calo.models import lite, pion, wgan
from zoo_calo.physics.grid import Grid, Rings

Grids = Callable[..., Grid]
Showers = Callable[..., Table]
SMALL: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "wgan": (WganConfig, wgan.networks, {"generator_width": 4, "critic_width": 4}),
    "wgan-angle": (WganAngleConfig, wgan.networks, {"generator_width": 4, "critic_width": 4}),
    "wgan-pion": (
        WganPionConfig,
        pion.networks,
        {"generator_width": 4, "critic_widths": [4, 4], "constrainer_widths": [8]},
    ),
    "wgan-lite": (WganLiteConfig, lite.networks, {"width": 8, "critic_width": 8, "texture": 2}),
}
POST = {"post": {"begin": 1, "width": 4}, "layer_weights": True, "cell_unit": "MIP"}


def made(name: str, grid: Grid, **settings: Any) -> NetworkPredictor:
    torch.manual_seed(2)
    make_config, make, small = SMALL[name]
    config: CaloConfig = make_config.model_validate({**small, **settings})
    nets = make(config, grid.facts())
    learner = ShowerLearner(config, grid.facts())
    return NetworkPredictor(f"calo/{name}", nets, learner, ShowerCodec(config, grid.facts(), {}))


@pytest.mark.parametrize(
    ("name", "settings"),
    [("wgan", {}), ("wgan-angle", {}), ("wgan-pion", {}), ("wgan-lite", {}), ("wgan", POST)],
)
def test_it_makes_what_the_learner_does(
    name: str, settings: dict[str, Any], grids: Grids, showers: Showers
) -> None:
    grid = grids(10, 9)
    predictor = made(name, grid, **settings)
    deploy = ShowerDeploy(predictor.codec.config, grid.facts())
    batch = predictor.codec.encode(showers(grid, 3))
    assert list(batch.inputs) == list(deploy.inputs)
    expected = predictor.outputs(batch)["deposits"]
    module = deploy.module(predictor.networks, predictor.codec).eval()
    with torch.no_grad():
        found = module(*(torch.from_numpy(array) for array in batch.inputs.values()))
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-6)
    assert expected.shape == (3, grid.cells)
    assert expected.max() > 0
    cells = predictor.predict(showers(grid, 3))
    assert cells["cell"].lengths.sum() == np.count_nonzero(expected)


def test_examples_are_valid(grids: Grids) -> None:
    deploy = ShowerDeploy(WganAngleConfig(energy_unit=1.0), grids(10, 9).facts())
    example = deploy.example({"batch": 50}, np.arange(60, dtype=np.uint64))
    assert list(example) == ["latent", "energy", "theta"]
    assert example["latent"].shape == (50, 100, 1, 1, 1)
    assert np.abs(example["latent"]).max() <= 1
    assert 1 <= example["energy"].min() <= example["energy"].max() <= 100
    assert np.pi / 6 - 1e-6 <= example["theta"].min() <= example["theta"].max() <= np.pi / 2


def test_refined_predictions_are_not_exported(grids: Grids) -> None:
    with pytest.raises(ConfigError, match="asks the critic"):
        ShowerDeploy(WganLoConfig(refine=1), grids(10, 9).facts())


GIVEN = {
    "latent": np.zeros((2, 100, 1, 1, 1), np.float32),
    "energy": np.ones((2, 1, 1, 1, 1), np.float32),
}
FLAT = {"deposits": np.ones((2, 30), np.float32)}


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (GIVEN, FLAT, []),
        ({**GIVEN, "theta": GIVEN["energy"]}, FLAT, ["knows no angle"]),
        ({**GIVEN, "latent": np.zeros((2, 50), np.float32)}, FLAT, ["not float32 (1, 100, 1"]),
        ({**GIVEN, "energy": np.ones((2, 1), np.float32)}, FLAT, ["not float32 (1, 1, 1, 1, 1)"]),
        (GIVEN, {"deposits": FLAT["deposits"].astype(np.float64)}, ["float64 instead"]),
        (GIVEN, {"deposits": np.asfortranarray(FLAT["deposits"])}, ["not contiguous"]),
        (GIVEN, {"deposits": np.ones((2, 5, 6), np.float32)}, ["not flat"]),
        (GIVEN, {"deposits": -FLAT["deposits"]}, ["no energy"]),
        (GIVEN, {"deposits": FLAT["deposits"] * np.nan}, ["no energy"]),
    ],
)
def test_what_ddml_would_misread(
    inputs: dict[str, Any], outputs: dict[str, Any], words: list[str]
) -> None:
    found = Ddml().check(inputs, outputs)
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence


def test_its_settings_are_those_of_the_grid(grids: Grids) -> None:
    grid = grids(10, 9, 8)
    codec = ShowerCodec(CaloConfig(), grid.facts(), {})
    info = {"model": "calo/wgan", "format": "onnx", "file": "x.onnx", "sha256": "ab" * 32}
    files = Ddml().files("x", info, codec)
    side = json.loads(files["x.ddml.json"])
    properties = side["properties"]
    assert [properties[f"NCells{axis}"] for axis in "XYZ"] == [9, 8, 10]
    assert properties["LatentVectorSize"] == 100
    assert properties["CellSizeX"] == side["cell_mm"] == 5.0
    assert side["output"]["cells"] == 720
    assert side["output"]["unit"] == "MeV"
    assert side["layer_weight"] == [1.0] * 6 + [2.0] * 4
    with pytest.raises(TypeError, match="ShowerCodec"):
        Ddml().files("x", info, Codec(None, {}, {}))


def test_rings_are_refused() -> None:
    grid = Grid(
        name="rings",
        depth_mm=(1.0,),
        layer_weight=(1.0,),
        threshold_mev=0.1,
        mip_mev=0.2,
        rings=(Rings(r_mm=(0.0, 1.0), alphas=1),),
    )
    codec = ShowerCodec(CaloConfig(), grid.facts(), {})
    info = {"model": "calo/wgan", "format": "onnx", "file": "x.onnx", "sha256": "ab" * 32}
    with pytest.raises(UsageError, match="this grid has rings"):
        Ddml().files("x", info, codec)


@pytest.mark.slow
@pytest.mark.usefixtures("plugin", "forked_runtime")
@pytest.mark.parametrize(
    "case", [("wgan", "ddml", POST), ("wgan-lite", "ddml-torch", {}), ("wgan-lite", "ddml", {})]
)
def test_ddml_loads_the_file(
    tmp_path: Path, grids: Grids, showers: Showers, case: tuple[str, str, dict[str, Any]]
) -> None:
    name, consumer, settings = case
    grid = grids(10, 9)
    predictor = made(name, grid, **settings)
    done = export(predictor, consumer=consumer, out=tmp_path, samples=showers(grid, 4))
    assert all(one["passed"] for one in done.report["parity"])
    runtime = open_runtime(done.path)
    assert list(runtime.header.inputs) == ["latent", "energy"]
    latent = np.random.default_rng(0).uniform(-1, 1, (1, 100, 1, 1, 1)).astype(np.float32)
    energy = np.full((1, 1, 1, 1, 1), 7.0, np.float32)
    (flat,) = runtime({"latent": latent, "energy": energy}).values()
    program = next(path for path in done.files if path.suffix == ".py")
    said = subprocess.run(
        [sys.executable, str(program), "--energy", "7", "--showers", "1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith(f"shower 0: {flat.sum():.3f} MeV")


@pytest.mark.slow
@pytest.mark.usefixtures("plugin", "forked_runtime")
def test_ddml_does_not_take_an_angle(tmp_path: Path, grids: Grids) -> None:
    predictor = made("wgan-angle", grids(10, 9))
    with pytest.raises(ParityError, match="knows no angle"):
        export(predictor, consumer="ddml-torch", out=tmp_path)
    assert not list(tmp_path.iterdir())
