"""MobileNetV3-UNet: the light network of the DNN-ROI talk, without what it computes in vain.

A U-Net decoder on the feature maps of MobileNetV3-Large (Howard et al., arXiv:1905.02244; the
layers are torchvision's). Layout and names are those of the published training code
(https://github.com/lastgeorge/Pytorch-UNet, ``mobilenetv3``), so its parameters load. Two things
differ, neither of which changes an answer:

* the published network runs three encoder blocks whose output nothing reads: 1 750 240 of its
  5 194 109 parameters (``encoder.14`` to ``encoder.16``). They are not here, and are dropped from
  parameters that are loaded;
* it enlarges 64 maps to full size and then takes their weighted sum; here the sum comes first.
  Both are linear, and weights of a bilinear interpolation add up to one, so a bias passes too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v3_large

from zoo_dnn_roi.config import MobileNetV3UNetConfig
from zoo_dnn_roi.models.prior import expect_few_pixels

__all__ = ["MobileNetV3UNet", "networks"]

_TAPS = (0, 2, 4, 7, 13)
"""Encoder blocks whose outputs the decoder takes: the first at each new size, 1/2 to 1/32."""
_TAP_WIDTHS = (16, 24, 40, 80, 160)
_DECODER_WIDTHS = (256, 128, 64, 64)  # from 1/16 to 1/2


def networks(
    config: MobileNetV3UNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": MobileNetV3UNet(len(config.inputs))}


class MobileNetV3UNet(nn.Module):
    """U-Net decoder on MobileNetV3-Large features; its answer has half the resolution.

    Loads parameters of this layout, and of the published one.

    Args:
        channels: Images per plane.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input_proj = nn.Conv2d(channels, 3, kernel_size=1)
        self.encoder = mobilenet_v3_large(weights=None).features[: _TAPS[-1] + 1]
        inputs = (_TAP_WIDTHS[-1], *_DECODER_WIDTHS)
        skips = _TAP_WIDTHS[-2::-1]
        self.up1, self.up2, self.up3, self.up4 = (
            _UpBlock(*widths) for widths in zip(inputs, skips, _DECODER_WIDTHS, strict=False)
        )
        self.head = nn.Conv2d(_DECODER_WIDTHS[-1], 1, kernel_size=1)
        expect_few_pixels(self.head)
        hook: Any = self.register_load_state_dict_pre_hook  # it has no types
        hook(_drop_unused)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the ROI mask.

        Args:
            image: float32 (N, channels, wires, bins), any number of wires and bins.

        Returns:
            float32 (N, 1, wires, bins).
        """
        x = self.input_proj(image)
        taps = []
        for index, block in enumerate(self.encoder):
            x = block(x)
            if index in _TAPS:
                taps.append(x)
        skips = reversed(taps[:-1])
        for up, skip in zip((self.up1, self.up2, self.up3, self.up4), skips, strict=True):
            x = up(x, skip)
        return _resized(self.head(x), image.shape[2:])


class _UpBlock(nn.Module):
    """Twice the size, joined to the skip, then two convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, kernel_size=2, stride=2)
        self.conv = nn.Sequential(
            _convolution(outputs + skip, outputs), _convolution(outputs, outputs)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        # An exporter would keep only the branch that its example took: there it is always resized,
        # which to the same size changes nothing.
        if _exporting() or x.shape[2:] != skip.shape[2:]:
            x = _resized(x, skip.shape[2:])
        return self.conv(torch.cat([skip, x], dim=1))  # type: ignore[no-any-return]  # Sequential


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def _exporting() -> bool:
    tracing: Any = getattr(torch.jit, "is_tracing")  # noqa: B009  # not in its __all__, no types
    return bool(tracing()) or torch.compiler.is_exporting()


def _drop_unused(_module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Of the published layout, the encoder blocks after the last that the decoder takes."""
    for name in list(state):
        part = name.removeprefix(f"{prefix}encoder.").split(".")[0]
        is_block = name.startswith(f"{prefix}encoder.") and part.isdecimal()
        if is_block and int(part) > _TAPS[-1]:
            del state[name]
