"""UNet: the network of Yu et al., and of the DNN-ROI talk, as published.

Ronneberger et al., arXiv:1505.04597, in the form of Yu et al., arXiv:2007.12743: two 3 x 3
convolutions a level, padded and normalised; 64, 128, 256, 512 and 512 channels at strides 1 to 16;
bilinear upsampling of twice the size with aligned corners, a row or column of zeros where the skip
is one longer, concatenation; 256, 128, 64 and 64 channels on the way back, then a point
convolution. 13.395 M parameters.

The published code is https://github.com/lastgeorge/Pytorch-UNet (``unet``). Sizes and order of its
layers are from its description (``docs/architectures.md``), names of parameters from those of its
blocks there and from other copies of the code that it descends from (milesial's Pytorch-UNet of
2018: ``inc.conv.conv.0.weight``, ``down1.mpconv.1.conv.0.weight``, ``up1.conv.conv.0.weight``,
``outc.conv.weight``); the number of parameters agrees to all published digits. Not verified, for
lack of its source file and of a published parameter file: those names, and on which side the zeros
are added (here: last), which matters for odd sizes only. Planes of fewer than 16 wires or bins,
which it refuses, are padded first. This network answers with logits, the published one with their
sigmoid.

Nearly all memory is that of the two finest levels: in a LibTorch without oneDNN, a convolution of
128 channels at full size alone copies its input nine times, 2 GiB for one plane. Two convolutions
of 3 x 3 reach two wires, so that each level can be cut along the wires and given two wires more on
either side: ``tiles`` parts at full size, half as many at half the size, and so on, since the
copies halve too. Upsampling and pooling always see the whole plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_dnn_roi.config import UNetConfig
from zoo_dnn_roi.models.prior import expect_few_pixels
from zoo_dnn_roi.tiling import Map, Tileable, in_parts

__all__ = ["DoubleConvolution", "UNet", "networks"]

_STRIDE = 16


def networks(
    config: UNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": UNet(len(config.inputs))}


class UNet(Tileable):
    """The U-Net as published.

    Args:
        channels: Images per plane.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inc: nn.Module = _Named(DoubleConvolution(channels, 64))
        self.down1 = _Down(64, 128)
        self.down2 = _Down(128, 256)
        self.down3 = _Down(256, 512)
        self.down4 = _Down(512, 512)
        self.up1 = _Up(512 + 512, 256)
        self.up2 = _Up(256 + 256, 128)
        self.up3 = _Up(128 + 128, 64)
        self.up4 = _Up(64 + 64, 64)
        head = nn.Conv2d(64, 1, kernel_size=1)
        expect_few_pixels(head)
        self.outc = _Named(head)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the ROI mask.

        Args:
            image: float32 (N, channels, wires, bins), any number of wires and bins.

        Returns:
            float32 (N, 1, wires, bins).
        """
        if (
            torch.compiler.is_exporting()
        ):  # it would guard whether its example was smaller than this
            return self._logits(image)
        wires, bins = image.shape[2:]
        padded = functional.pad(image, (0, _missing(bins), 0, _missing(wires)))
        return self._logits(padded)[:, :, :wires, :bins]

    def _logits(self, image: Tensor) -> Tensor:
        """Of planes that are halved four times and still have a wire and a bin."""
        x: Tensor = in_parts(self.inc, [Map(image, 2)], self._parts(0), scale=2)
        skips = []
        for level, down in enumerate((self.down1, self.down2, self.down3, self.down4), start=1):
            skips.append(x)
            x = down(x, self._parts(level))
        x = self._deepest(x)
        for level, up in ((3, self.up1), (2, self.up2), (1, self.up3)):
            x = up(x, skips.pop(), self._parts(level))
        answer: Tensor = self.up4(x, skips.pop(), self._parts(0), self.outc)
        return answer

    def _deepest(self, x: Tensor) -> Tensor:
        return x

    def _parts(self, level: int) -> int:
        return max(self.tiles >> level, 1)


class DoubleConvolution(nn.Module):
    """Two 3 x 3 convolutions of the same size, each normalised and rectified."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (inputs, outputs):
            layers += [nn.Conv2d(width, outputs, kernel_size=3, padding=1)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, wires, bins) -> (N, outputs, wires, bins)."""
        answer: Tensor = self.conv(x)
        return answer


class _Named(nn.Module):
    """One layer under the name that it has in the published code."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(x)
        return answer


class _Down(nn.Module):
    """Half the size, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mpconv = nn.Sequential(nn.MaxPool2d(2), DoubleConvolution(inputs, outputs))

    def forward(self, x: Tensor, parts: int) -> Tensor:
        pool, convolutions = self.mpconv
        return in_parts(convolutions, [Map(pool(x), 2)], parts, scale=2)


class _Up(nn.Module):
    """Twice the size, joined to the skip, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleConvolution(inputs, outputs)

    def forward(
        self, coarse: Tensor, skip: Tensor, parts: int, head: nn.Module | None = None
    ) -> Tensor:
        """``head`` works on each part too, so that only its answer is kept."""
        wider = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=True)
        # An exporter would keep only the branch that its example took: there it is always padded
        # and cut, and always by something.
        if _exporting() or wider.shape[2:] != skip.shape[2:]:
            wider = functional.pad(wider, (0, 2, 0, 2))[:, :, : skip.shape[2], : skip.shape[3]]

        def join(skip: Tensor, wider: Tensor) -> Tensor:
            joined: Tensor = self.conv(torch.cat([skip, wider], dim=1))
            return joined if head is None else head(joined)

        return in_parts(join, [Map(skip, 2), Map(wider, 2)], parts, scale=2)


def _missing(size: int) -> int:
    """What lacks to the stride, in operations that a tracer records: it sees a size as a tensor."""
    lack = _STRIDE - size
    return (lack + abs(lack)) // 2


def _exporting() -> bool:
    tracing: Any = getattr(torch.jit, "is_tracing")  # noqa: B009  # not in its __all__, no types
    return bool(tracing()) or torch.compiler.is_exporting()
