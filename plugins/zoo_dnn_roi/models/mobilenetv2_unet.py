"""MobileNetV2-UNet: the cheapest network of the DNN-ROI talk, which sees no finer than an eighth.

The features of MobileNetV2 (Sandler et al., arXiv:1801.04381; the layers are torchvision's) at 1/32
of the size, twice a transposed convolution and two convolutions, no skips: its answer has 1/8 of
the resolution, 8 wires x 80 ticks, and is enlarged. 6.858 M parameters, all of them used.

Layout and names are those of the published training code
(https://github.com/lastgeorge/Pytorch-UNet, ``mobilenetv2``), so its parameters load. It enlarges
64 maps to full size and then takes their weighted sum; here the sum comes first, with the same
answer: both are linear, and weights of a bilinear interpolation add up to one, so a bias passes
too. The published training begins from parameters for ImageNet, this one at random.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from zoo_dnn_roi.config import MobileNetV2UNetConfig
from zoo_dnn_roi.models.prior import expect_few_pixels

__all__ = ["MobileNetV2UNet", "networks"]


def networks(
    config: MobileNetV2UNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": MobileNetV2UNet(len(config.inputs))}


class MobileNetV2UNet(nn.Module):
    """A decoder without skips on MobileNetV2 features; its answer has 1/8 of the resolution.

    Args:
        channels: Images per plane.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input_proj = nn.Conv2d(channels, 3, kernel_size=1)
        self.encoder = mobilenet_v2(weights=None).features
        self.up1 = nn.ConvTranspose2d(1280, 512, kernel_size=2, stride=2)
        self.conv1 = _convolutions(512, 256)
        self.up2 = nn.ConvTranspose2d(256, 128, kernel_size=2, stride=2)
        self.conv2 = _convolutions(128, 64)
        self.final = nn.Conv2d(64, 1, kernel_size=1)
        expect_few_pixels(self.final)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the ROI mask.

        Args:
            image: float32 (N, channels, wires, bins), any number of wires and bins.

        Returns:
            float32 (N, 1, wires, bins).
        """
        x = self.encoder(self.input_proj(image))
        x = self.conv1(self.up1(x))
        x = self.final(self.conv2(self.up2(x)))
        return functional.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
    )
