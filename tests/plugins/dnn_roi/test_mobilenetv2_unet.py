"""The cheapest network of the talk: its published layout loads, and answers as it did."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from zoo.engine.counting import multiply_adds
from zoo_dnn_roi.config import MobileNetV2UNetConfig
from zoo_dnn_roi.models.mobilenetv2_unet import MobileNetV2UNet, networks


class Published(nn.Module):
    """The published network from its description, the sum over channels at the end.

    Names of parameters are those of the public training code (module docstring of the network).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input_proj = nn.Conv2d(channels, 3, 1)
        self.encoder = mobilenet_v2(weights=None).features
        self.up1, self.conv1 = nn.ConvTranspose2d(1280, 512, 2, 2), _twice(512, 256)
        self.up2, self.conv2 = nn.ConvTranspose2d(256, 128, 2, 2), _twice(128, 64)
        self.final = nn.Conv2d(64, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Probability."""
        x = self.conv1(self.up1(self.encoder(self.input_proj(image))))
        x = self.conv2(self.up2(x))
        full = functional.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False)
        return torch.sigmoid(self.final(full))


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    first = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU())


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("size", [(96, 64), (97, 75), (40, 33)])
def test_published_parameters_load_and_answer_alike(size: tuple[int, int]) -> None:
    torch.manual_seed(3)
    published = Published(3).eval()
    for module in published.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)  # or its answer would hardly vary
    ours = MobileNetV2UNet(3).eval()
    ours.load_state_dict(published.state_dict())
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = published(image)
        assert expected.std() > 1e-3
        torch.testing.assert_close(ours(image).sigmoid(), expected, atol=2e-6, rtol=0)


def test_parameters_are_those_of_the_reference() -> None:
    # By hand; torchvision documents 3 504 872 for mobilenet_v2, of which the classifier on 1280
    # features has 1 281 000.
    features = 3_504_872 - (1280 * 1000 + 1000)
    decoder = (1280 * 512 * 4 + 512) + (512 * 256 * 9 + 256) + (256 * 256 * 9 + 256)
    decoder += (256 * 128 * 4 + 128) + (128 * 64 * 9 + 64) + (64 * 64 * 9 + 64) + (64 + 1)
    assert parameters(MobileNetV2UNet(3)) == (3 * 3 + 3) + features + decoder == 6_857_805
    assert parameters(MobileNetV2UNet(6)) == 6_857_805 + 3 * 3
    assert round(6_857_805 / 1e6, 3) == 6.858  # reference, section 3


def test_its_cost_is_that_of_the_reference() -> None:
    with torch.device("meta"):
        net = networks(MobileNetV2UNetConfig(), {})["net"].eval()
        counted = multiply_adds(lambda: net(torch.empty(1, 3, 800, 608)))
    # Reference, section 3: 8.6 GMAC at 800 x 608.
    assert counted / 1e9 == pytest.approx(8.6, abs=0.06)


@pytest.mark.parametrize("size", [(800, 600), (800, 1500), (476, 640), (1148, 1499), (1, 1)])
def test_planes_keep_their_size(size: tuple[int, int]) -> None:
    with torch.device("meta"):
        assert MobileNetV2UNet(6).eval()(torch.empty(1, 6, *size)).shape == (1, 1, *size)


def test_gradients_reach_all_parameters() -> None:
    torch.manual_seed(0)
    net = MobileNetV2UNet(2).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
    net(torch.randn(2, 2, 64, 65)).square().sum().backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
