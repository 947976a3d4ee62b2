"""The network of the talk: its published layout loads, and answers as it did."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import mobilenet_v3_large

from zoo_dnn_roi.config import MobileNetV3UNetConfig
from zoo_dnn_roi.models.mobilenetv3_unet import MobileNetV3UNet, networks


class Published(nn.Module):
    """The published network from its description: all 17 encoder blocks, the head at the end.

    Names of parameters and sizes are those of the public training code (README of the model).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input_proj = nn.Conv2d(channels, 3, 1)
        self.encoder = mobilenet_v3_large(weights=None).features
        self.up1 = _Up(160, 80, 256)
        self.up2 = _Up(256, 40, 128)
        self.up3 = _Up(128, 24, 64)
        self.up4 = _Up(64, 16, 64)
        self.head = nn.Conv2d(64, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Probability, at full size before the head."""
        x, sizes, taps = self.input_proj(image), None, []
        for block in self.encoder:
            x = block(x)
            if x.shape[2:] != sizes:  # the first block at each new size
                taps.append(x)
                sizes = x.shape[2:]
        x = taps.pop()
        for up in (self.up1, self.up2, self.up3, self.up4):
            x = up(x, taps.pop())
        full = functional.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False)
        probability: Tensor = torch.sigmoid(self.head(full))
        return probability


class _Up(nn.Module):
    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.conv = nn.Sequential(_layer(outputs + skip, outputs), _layer(outputs, outputs))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = functional.interpolate(self.up(x), skip.shape[2:], mode="bilinear", align_corners=False)
        answer: Tensor = self.conv(torch.cat([skip, x], 1))
        return answer


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def lively(net: nn.Module) -> nn.Module:
    """Normalisation that does something."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]  # never None here
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]  # likewise
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return net.eval()


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("size", [(96, 64), (97, 75), (40, 33)])
def test_published_parameters_load_and_answer_alike(size: tuple[int, int]) -> None:
    torch.manual_seed(3)
    published = lively(Published(3))
    ours = MobileNetV3UNet(3).eval()
    ours.load_state_dict(published.state_dict())
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        assert (ours(image).sigmoid() - published(image)).abs().max() < 1e-6


def test_what_it_leaves_out_is_what_nothing_reads() -> None:
    # Counts of the published network: reference, section 3 (5 194 109, of which 1 750 240 dead).
    assert parameters(Published(3)) == 5_194_109
    assert parameters(MobileNetV3UNet(3)) == 5_194_109 - 1_750_240


def test_its_cost_is_that_of_the_reference() -> None:
    config = MobileNetV3UNetConfig()
    with torch.device("meta"):
        net = networks(config, {})["net"].eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.empty(1, 3, 800, 608))
    # Reference, section 3: 20.7 GMAC at 800 x 608.
    assert counter.get_total_flops() / 2e9 == pytest.approx(20.7, abs=0.1)


def test_its_own_layout_loads_and_a_foreign_one_is_refused() -> None:
    net = MobileNetV3UNet(2)
    MobileNetV3UNet(2).load_state_dict(net.state_dict())
    state = {**net.state_dict(), "encoder.99x.weight": torch.zeros(1)}
    with pytest.raises(RuntimeError, match=r"encoder\.99x"):
        MobileNetV3UNet(2).load_state_dict(state)


@pytest.mark.parametrize("size", [(1, 1), (31, 64), (33, 95)])
def test_any_size_goes(size: tuple[int, int]) -> None:
    net = MobileNetV3UNet(2).eval()
    with torch.no_grad():
        assert net(torch.randn(1, 2, *size)).shape == (1, 1, *size)
