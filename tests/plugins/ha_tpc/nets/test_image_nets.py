"""Networks on images: the published ones, on hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models as published

from zoo.api import ConfigError, Table
from zoo.engine.context import prediction_context
from zoo.engine.tensors import to_tensors
from zoo.prediction.network import NetworkPredictor
from zoo_ha_tpc.codec import ImageCodec
from zoo_ha_tpc.config import (
    ConvNeXtConfig,
    GoogLeNetConfig,
    ImageConfig,
    ResNetConfig,
    ViTConfig,
)
from zoo_ha_tpc.learner import TrackLearner
from zoo_ha_tpc.models import image_nets
from zoo_ha_tpc.models.images import PadImages
from zoo_ha_tpc.physics.pad_plane import PadPlane, read_plane

Tracks = Callable[..., Table]

WEIGHTS: Mapping[str, Any] = {
    "resnet18": published.ResNet18_Weights,
    "resnet34": published.ResNet34_Weights,
    "resnet50": published.ResNet50_Weights,
    "resnet101": published.ResNet101_Weights,
    "resnet152": published.ResNet152_Weights,
}
MILLIONS = dict(zip(WEIGHTS, (11.2, 21.3, 23.5, 42.5, 58.2), strict=True))
NETWORKS: Mapping[str, tuple[Any, Any]] = {
    "resnet18": (ResNetConfig, image_nets.resnet18_networks),
    "googlenet": (GoogLeNetConfig, image_nets.googlenet_networks),
    "vit": (ViTConfig, image_nets.vit_networks),
    "convnext": (ConvNeXtConfig, image_nets.convnext_networks),
}


def network(name: str, plane: PadPlane, **settings: Any) -> tuple[ImageConfig, nn.Module]:
    torch.manual_seed(1)
    make_config, make = NETWORKS[name]
    config = make_config.model_validate(settings)
    return config, make(config, plane.facts())["net"]


def parameters(net: nn.Module) -> int:
    return sum(one.numel() for one in net.parameters())


@pytest.mark.parametrize("name", WEIGHTS)
def test_resnets_have_the_published_parameters(name: str) -> None:
    """torchvision tells their number for 1000 classes of 3 channels; ours have 5 numbers."""
    features = 512 if name in ("resnet18", "resnet34") else 2048
    expected = WEIGHTS[name].IMAGENET1K_V1.meta["num_params"] - (features + 1) * 995
    targets = ["q_over_pt", "phi", "y_ini", "z_ini", "p_t"]
    config = ResNetConfig.model_validate(
        {"images": ["charge", "time", "width"], "targets": targets, "loss": "mse"}
    )
    with torch.device("meta"):
        net = getattr(image_nets, f"{name}_networks")(config, read_plane("ha-tpc").facts())["net"]
    assert parameters(net) == expected
    assert parameters(net) / 1e6 == pytest.approx(MILLIONS[name], abs=0.06)


def test_googlenet_has_the_published_parameters(plane: PadPlane) -> None:
    """6,624,904 of torchvision, of which 1024 x 1000 + 1000 are of the last layer."""
    config = GoogLeNetConfig(images=("charge", "time", "width"), targets=("phi",), loss="mse")
    net = image_nets.googlenet_networks(config, plane.facts())["net"]
    expected = published.GoogLeNet_Weights.IMAGENET1K_V1.meta["num_params"] - 1025 * 999
    assert parameters(net) == expected


def test_images_are_the_hits(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(3)
    config = ImageConfig(images=("charge", "time"), log_charge=False)
    codec = ImageCodec(config, plane.facts(), ImageCodec.fit(config, plane.facts(), [samples]))
    inputs = to_tensors(codec.encode(samples), torch.device("cpu")).inputs
    expected = np.zeros((3, 2, *plane.shape))
    for event in range(3):
        hits = (
            samples[name][event] for name in ("hit_row", "hit_column", "hit_charge", "hit_time")
        )
        for row, column, charge, time in zip(*hits, strict=True):
            expected[event, :, row, column] = charge / 4095, time / 1000
    plain = PadImages(plane, 2, coordinates=False)(**inputs)
    np.testing.assert_allclose(plain, expected, rtol=1e-6)
    where = PadImages(plane, 2, coordinates=True)(**inputs)
    assert where.shape == (3, 4, *plane.shape)
    seen = expected[:, 0] > 0
    z, y = where[:, 2].numpy(), where[:, 3].numpy()
    assert (z[~seen] == 0).all()
    _, row, column = np.nonzero(seen)
    np.testing.assert_allclose(z[seen], 2 * plane.z_mm[column] / plane.z.length_mm - 1, rtol=1e-5)
    np.testing.assert_allclose(y[seen], 2 * plane.y_mm[row] / plane.y.length_mm, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_learns(name: str, tracks: Tracks, plane: PadPlane) -> None:
    images = ["charge", "time", "width"]
    config, net = network(name, plane, images=images, coordinates=True, dropout=0.1)
    with torch.no_grad():  # some parts begin as zero, and what leads to them learns only later
        for one in net.parameters():
            one.add_(0.02 * torch.randn_like(one))
    samples = tracks(4)
    codec = ImageCodec(config, plane.facts(), ImageCodec.fit(config, plane.facts(), [samples]))
    batch = to_tensors(codec.encode(samples), torch.device("cpu"))
    context = prediction_context(batch.ids, torch.device("cpu"))
    loss = TrackLearner(config, plane.facts()).loss({"net": net.train()}, batch, context)
    sum(term.total for term in loss.terms.values()).backward()
    lacking = [
        key
        for key, one in net.named_parameters()
        if one.grad is None or not (one.grad.abs().sum() > 0 and one.grad.isfinite().all())
    ]
    assert not lacking


@pytest.mark.parametrize("name", ["resnet18", "vit"])
def test_a_track_is_predicted_alike_in_any_company(
    name: str, tracks: Tracks, plane: PadPlane
) -> None:
    config, net = network(name, plane)
    samples = tracks(5)
    codec = ImageCodec(config, plane.facts(), ImageCodec.fit(config, plane.facts(), [samples]))
    learner = TrackLearner(config, plane.facts())
    predictor = NetworkPredictor(f"ha-tpc/{name}", {"net": net}, learner, codec)
    whole = predictor.predict(samples)
    parts = [predictor.predict(samples.take(part)) for part in (slice(0, 2), slice(2, 5))]
    apart = Table.concat(parts)
    assert {"q_over_pt", "q_over_pt_error", "p_z", "sin_phi_error"} < set(whole)
    for column in whole:
        np.testing.assert_allclose(apart[column], whole[column], rtol=1e-4, atol=1e-5)
    assert whole["q_over_pt"].std() > 1e-4  # else any constant would do


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "convnext"])
def test_a_stem_without_stride_keeps_the_size(name: str, plane: PadPlane) -> None:
    """The body sees four times as many places along each axis."""
    small, large = (network(name, plane, early_stride=early)[1].body for early in (True, False))
    image = torch.zeros(1, 1, *plane.shape)
    sizes = []
    for body in (small, large):
        first = {"resnet18": "layer1", "googlenet": "conv2", "convnext": "stages"}[name]
        seen: list[torch.Size] = []
        part = getattr(body.eval(), first)
        part.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0].shape))
        with torch.no_grad():
            body(image)
        sizes.append(seen[0][2:])
    assert sizes[1] == torch.Size(plane.shape)
    assert tuple(sizes[0]) == (plane.shape[0] // 4, plane.shape[1] // 4)


def test_patches_that_do_not_fit_are_refused(plane: PadPlane) -> None:
    with pytest.raises(ConfigError, match="32 x 48 pads is no whole number of patches") as refused:
        network("vit", plane, patch=10)
    assert refused.value.where == "model.patch = 10"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"images": ["charge", "charge"]}, "images must be distinct"),
        ({"targets": ["phi", "phi"]}, "targets must be distinct"),
        ({"loss": "mse", "beta": 0.5}, "beta is of the loss gaussian-nll, not of mse"),
        ({"huber": 2.0}, "huber is of the loss huber, not of student-nll"),
        ({"targets": []}, "at least 1 item"),
    ],
)
def test_settings_that_mislead_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ImageConfig.model_validate(settings)
