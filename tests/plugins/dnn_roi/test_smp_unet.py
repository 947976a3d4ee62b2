"""U-Nets of segmentation-models-pytorch: any encoder of timm, any size, never a download."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from zoo.api import ConfigError
from zoo_dnn_roi.config import SmpUNetConfig
from zoo_dnn_roi.models.smp_unet import SmpUNet, networks


def config(**settings: Any) -> SmpUNetConfig:
    return SmpUNetConfig.model_validate(settings)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"encoder": "resnet10t", "decoder_widths": (16, 8, 8, 8, 4)},
        {"encoder": "mobilenetv4_conv_small", "depth": 3, "decoder_widths": (32, 16, 8)},
        {
            "encoder": "mobilenetv3_small_100",
            "attention": "scse",
            "decoder_widths": (32, 32, 16, 16, 16),
            "inputs": ("loose_lf",),
        },
    ],
)
def test_encoders_depths_and_widths(settings: dict[str, Any]) -> None:
    chosen = config(**settings)
    net = networks(chosen, {})["net"].eval()
    with torch.no_grad():
        answer = net(torch.randn(1, len(chosen.inputs), 70, 45))
    assert answer.shape == (1, 1, 70, 45)
    assert answer.sigmoid().mean() < 0.2  # it starts from few pixels


def test_the_default_costs_what_the_reference_says() -> None:
    # Reference, section 3: mobilenetv3-large with this thin decoder, 3.734 M and 6.7 GMAC.
    with torch.device("meta"):
        net = SmpUNet(config()).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net.unet(torch.empty(1, 3, 800, 608))
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(3.734e6, rel=1e-3)
    assert counter.get_total_flops() / 2e9 == pytest.approx(6.7, abs=0.05)


@pytest.mark.parametrize("encoder", ["mobilenetv3_small_050", "efficientnet_lite0", "resnet10t"])
def test_an_encoder_ends_with_its_last_feature_map(encoder: str) -> None:
    net = SmpUNet(config(encoder=encoder, depth=3, decoder_widths=(8, 8, 4)))
    net(torch.randn(2, 3, 32, 32)).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (64, 31)])
def test_any_size_goes(size: tuple[int, int]) -> None:
    net = SmpUNet(config(encoder="mobilenetv3_small_050")).eval()
    with torch.no_grad():
        assert net(torch.randn(1, 3, *size)).shape == (1, 1, *size)


def test_mistakes_name_the_encoder_and_the_nearest() -> None:
    with pytest.raises(ConfigError) as told:
        SmpUNet(config(encoder="resnet81"))
    assert "resnet18" in str(told.value)
    with pytest.raises(ConfigError, match="no U-Net of depth 5"):
        SmpUNet(config(encoder="vit_tiny_patch16_224"))
    with pytest.raises(ValueError, match="one width for each of 4 stages"):
        config(depth=4)
    with pytest.raises(ValueError, match="16 or more"):
        config(attention="scse")
