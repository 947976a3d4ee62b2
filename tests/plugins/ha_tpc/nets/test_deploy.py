"""What is exported answers as the network does, in every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.api import Table
from zoo.engine.tensors import to_numpy
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.runtime import open_runtime
from zoo_ha_tpc.codec import ClusterCodec, ImageCodec, TrackCodec
from zoo_ha_tpc.config import (
    ClusterNetConfig,
    ConvNeXtConfig,
    GoogLeNetConfig,
    ResNetConfig,
    TrackConfig,
    ViTConfig,
)
from zoo_ha_tpc.deploy import ClusterDeploy, ImageDeploy
from zoo_ha_tpc.learner import TrackLearner
from zoo_ha_tpc.models import cluster_net, image_nets
from zoo_ha_tpc.physics.pad_plane import PadPlane

Tracks = Callable[..., Table]
Made = tuple[NetworkPredictor, ImageDeploy | ClusterDeploy]
IMAGES: dict[str, tuple[Any, Any]] = {
    "resnet18": (ResNetConfig, image_nets.resnet18_networks),
    "googlenet": (GoogLeNetConfig, image_nets.googlenet_networks),
    "vit": (ViTConfig, image_nets.vit_networks),
    "convnext": (ConvNeXtConfig, image_nets.convnext_networks),
}


def made(name: str, plane: PadPlane, training: Table, **settings: Any) -> Made:
    torch.manual_seed(1)
    facts = plane.facts()
    deploy: ImageDeploy | ClusterDeploy
    codec: TrackCodec
    if name == "cluster-net":
        small = {"width": 12, "layers": 2, **settings}
        config: TrackConfig = ClusterNetConfig.model_validate(small)
        nets = cluster_net.networks(config, facts)
        codec = ClusterCodec(config, facts, ClusterCodec.fit(config, facts, [training]))
        deploy = ClusterDeploy(config, facts)
        _stir(nets["net"])
    else:
        make_config, make = IMAGES[name]
        config = make_config.model_validate(settings)
        nets = make(config, facts)
        codec = ImageCodec(config, facts, ImageCodec.fit(config, facts, [training]))
        deploy = ImageDeploy(config, facts)
    learner = TrackLearner(config, facts)
    return NetworkPredictor(f"ha-tpc/{name}", nets, learner, codec), deploy


def _stir(net: nn.Module) -> None:
    """A correction that is not zero."""
    with torch.no_grad():
        for one in net.parameters():
            one.add_(0.2 * torch.randn_like(one))


@pytest.mark.parametrize("loss", ["mse", "gaussian-nll", "quantile"])
@pytest.mark.parametrize("name", ["vit", "cluster-net"])
def test_it_answers_as_the_learner_does(
    name: str, loss: str, tracks: Tracks, plane: PadPlane
) -> None:
    predictor, deploy = made(name, plane, tracks(8), loss=loss)
    batch = predictor.codec.encode(tracks(3, seed=5))
    assert list(batch.inputs) == list(deploy.inputs)
    for key, array in batch.inputs.items():
        assert array.dtype.name == deploy.inputs[key].dtype
        assert array.ndim == len(deploy.inputs[key].dims)
    expected = predictor.outputs(batch)
    assert list(expected) == list(deploy.outputs) == ["value", "error"][: 1 + (loss != "mse")]
    module = deploy.module(predictor.networks, predictor.codec).eval()
    with torch.no_grad():
        found = module(*(torch.from_numpy(array) for array in batch.inputs.values()))
    for one, other in zip(found if loss != "mse" else (found,), expected.values(), strict=True):
        np.testing.assert_allclose(to_numpy(one), other, rtol=1e-5, atol=1e-6)


def test_examples_are_valid_and_of_any_size(tracks: Tracks, plane: PadPlane) -> None:
    keys = np.arange(1, 500, dtype=np.uint64)
    images = ImageDeploy(ResNetConfig(), plane.facts()).example({"batch": 3, "hit": 100}, keys)
    assert images["hits"].sum() == 100
    pads = set(zip(*(images[name].tolist() for name in ("event", "row", "column")), strict=True))
    assert len(pads) == 100
    clusters = ClusterDeploy(ClusterNetConfig(), {}).example({"batch": 3, "cluster": 9}, keys)
    np.testing.assert_array_equal(clusters["present"].sum(1), [9, 8, 7])
    assert (clusters["clusters"][1, 8] == 0).all()
    assert clusters["scale"].min() > 0


@pytest.mark.slow
@pytest.mark.usefixtures("plugin", "forked_runtime")
@pytest.mark.parametrize(
    "case",
    [
        ("resnet18", "onnx", {"coordinates": True, "images": ["charge", "time"]}),
        ("googlenet", "onnx", {}),
        ("vit", "ts", {"loss": "mse"}),
        ("convnext", "onnx", {}),
        ("cluster-net", "onnx", {}),
        ("cluster-net", "ts", {}),
        ("cluster-net", "pt2", {"loss": "quantile"}),
        ("cluster-net", "onnx", {"start": "direct", "loss": "mse"}),
    ],
)
def test_every_format_is_the_model(
    tmp_path: Path, tracks: Tracks, plane: PadPlane, case: tuple[str, str, dict[str, Any]]
) -> None:
    name, format_name, settings = case
    predictor, deploy = made(name, plane, tracks(8), **settings)
    samples = tracks(5, seed=7)
    done = export(predictor, format_name, out=tmp_path, samples=samples)
    assert len(done.report["parity"]) == len(deploy.outputs) * len(deploy.sizes)
    batch = predictor.codec.encode(samples.take(slice(0, 1)))
    found = open_runtime(done.path)(batch.inputs)
    for key, expected in predictor.outputs(batch).items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-3, atol=1e-4)
