from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch, ConfigError, UsageError
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.runtime import open_runtime
from zoo_dnn_roi.codec import RoiCodec
from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.deploy import RoiDeploy
from zoo_dnn_roi.learner import RoiLearner
from zoo_dnn_roi.models.lite_unet import networks

SIZES = [(100, 90), (32, 32), (33, 64), (200, 151)]


@pytest.fixture(scope="module")
def config() -> LiteUNetConfig:
    return LiteUNetConfig.model_validate({"widths": (4, 8, 8, 8, 8)})


@pytest.fixture(scope="module")
def nets(config: LiteUNetConfig) -> dict[str, nn.Module]:
    """A network whose normalisation does something, and whose answers are not all alike."""
    torch.manual_seed(0)
    found = networks(config, {})
    for module in found["net"].modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)  # type: ignore[arg-type]  # never None here
            nn.init.uniform_(module.running_var, 0.3, 2.0)  # type: ignore[arg-type]  # likewise
            nn.init.uniform_(module.weight, 0.5, 2.0)
    nn.init.normal_(found["net"].head.weight)  # type: ignore[arg-type]  # it has one
    return {"net": found["net"].eval()}


@pytest.fixture(scope="module")
def module(config: LiteUNetConfig, nets: dict[str, nn.Module]) -> nn.Module:
    return RoiDeploy(config, {}).module(nets, RoiCodec(config, {}, {}))


def example(config: LiteUNetConfig, batch: int, wires: int, bins: int) -> Tensor:
    keys = np.arange(1, batch + 1, dtype=np.uint64)
    sizes = {"batch": batch, "wire": wires, "bin": bins}
    return torch.from_numpy(RoiDeploy(config, {}).example(sizes, keys)["image"])


def test_it_answers_as_the_learner_does(
    config: LiteUNetConfig, nets: dict[str, nn.Module], module: nn.Module
) -> None:
    before = copy.deepcopy(nets["net"].state_dict())
    image = example(config, 2, 81, 61)
    batch = Batch({"image": image}, {}, np.zeros(2, np.uint64))
    with torch.no_grad():
        context: Any = None  # the prediction of this learner asks nothing of it
        expected = RoiLearner(config, {}).predict(nets, batch, context)["probability"]
        found = module(image)
    assert expected.std() > 1e-3  # else any constant would do
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert found.is_contiguous()
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    for name, value in nets["net"].state_dict().items():
        assert torch.equal(value, before[name])


def test_examples_are_valid_and_depend_on_their_key_alone(config: LiteUNetConfig) -> None:
    deploy = RoiDeploy(config, {})
    image = example(config, 2, 40, 50).numpy()
    assert image.shape == (2, 3, 40, 50)
    assert image.dtype == deploy.inputs["image"].dtype
    assert set(np.unique(image[:, 1:])) == {0, 1}  # MP masks
    second = deploy.example({"batch": 1, "wire": 40, "bin": 50}, np.array([2], np.uint64))
    np.testing.assert_array_equal(second["image"][0], image[1])


def test_the_grid_has_what_the_issue_asks_for(config: LiteUNetConfig) -> None:
    sizes = [(point["wire"], point["bin"]) for point in RoiDeploy(config, {}).sizes]
    assert {(800, 600), (800, 1500), (476, 640), (1148, 1499)} <= set(sizes)
    assert {point["batch"] for point in RoiDeploy(config, {}).sizes} == {1, 2}


@pytest.mark.parametrize("batch", [1, 2])
def test_a_trace_of_one_size_takes_every_size(
    config: LiteUNetConfig, module: nn.Module, batch: int
) -> None:
    trace: Any = torch.jit.trace
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", r"`?torch\.jit\.")
        traced = trace(module, (example(config, 2, 81, 61),), check_trace=False)
        for wires, bins in [*SIZES, (1, 1), (2, 3)]:
            image = example(config, batch, wires, bins)
            torch.testing.assert_close(traced(image), module(image), atol=1e-7, rtol=0)


def test_an_exported_program_of_one_size_takes_every_size(
    config: LiteUNetConfig, module: nn.Module
) -> None:
    # The trap: a size-dependent padding makes the program refuse the sizes that need another.
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    with torch.no_grad():
        program = torch.export.export(
            module, (example(config, 2, 81, 61),), dynamic_shapes=(free,), strict=False
        ).module()
        for wires, bins in SIZES:
            image = example(config, 1, wires, bins)
            torch.testing.assert_close(program(image), module(image), atol=1e-7, rtol=0)


@pytest.mark.usefixtures("forked_runtime")
def test_tiles_are_a_setting_of_the_export_and_change_no_answer(
    plugin: None,
    config: LiteUNetConfig,
    nets: dict[str, nn.Module],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = ({"batch": 1, "wire": 333, "bin": 61}, {"batch": 2, "wire": 81, "bin": 32})
    monkeypatch.setattr(RoiDeploy, "sizes", sizes)  # the grid of real detectors takes a minute
    learner, codec = RoiLearner(config, {}), RoiCodec(config, {}, {"threshold": 0.4})
    predictor = NetworkPredictor("dnn-roi/lite-unet", nets, learner, codec)
    done = export(predictor, "ts", out=tmp_path, settings={"tiles": 2})
    whole = RoiDeploy(config, {}).module(nets, codec)
    image = example(config, 1, 476, 61)
    tiled = open_runtime(done.path)({"image": image.numpy()})["probability"]
    with torch.no_grad():
        np.testing.assert_allclose(tiled, whole(image).numpy(), atol=1e-6, rtol=0)
    assert predictor.codec.config.tiles == 1  # the model itself is left alone
    with pytest.raises(ConfigError, match="cannot change this setting"):
        export(predictor, "ts", out=tmp_path, settings={"rebin": 4})
    with pytest.raises(ConfigError, match="tiles"):
        export(predictor, "ts", out=tmp_path, settings={"tiles": 0})
    with pytest.raises(UsageError, match="TorchScript"):
        export(predictor, "onnx", out=tmp_path, settings={"tiles": 2})


@pytest.mark.slow
@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    ("format_name", "consumer", "widths"),
    # What is frozen in a file depends on sizes of planes, not on widths: the full ones once.
    [("onnx", "", (8, 8, 16, 16, 16)), ("pt2", "", (8, 8, 16, 16, 16)), ("ts", "wirecell", None)],
)
def test_every_format_is_the_model_on_planes_of_real_detectors(
    plugin: None, tmp_path: Path, format_name: str, consumer: str, widths: tuple[int, ...] | None
) -> None:
    torch.manual_seed(0)
    config = LiteUNetConfig.model_validate({"widths": widths} if widths else {})
    learner, codec = RoiLearner(config, {}), RoiCodec(config, {}, {"threshold": 0.4})
    predictor = NetworkPredictor("dnn-roi/lite-unet", networks(config, {}), learner, codec)
    report = export(predictor, format_name, consumer=consumer, out=tmp_path).report
    assert len(report["parity"]) == len(RoiDeploy(config, {}).sizes)
    assert all(point["export_error"] < 1e-6 for point in report["parity"])
