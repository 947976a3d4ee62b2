"""Lite U-Net: regions of interest from wire-plane images at a few per cent of a U-Net's cost.

What costs time and memory in a U-Net (Ronneberger et al., arXiv:1505.04597) is its dense 3 x 3
convolutions at full resolution: without oneDNN, as in the LibTorch of Wire-Cell's releases, their
im2col buffers alone take 2 GiB for one plane. Here no k x k convolution runs at full resolution:

* the stem folds each 2 x 2 patch into channels (Shi et al., arXiv:1609.05158, the other way);
* at the finest levels, strides 2 and 4, where the borders of regions are drawn, two dense 3 x 3
  convolutions of few channels follow one another, on the way down (stride 2 alone) and up;
* all other spatial mixing is depthwise (Howard et al., arXiv:1704.04861), 3 wires x 5 bins:
  signals of inclined tracks are long in time and narrow in wires;
* a level and its skip are mixed by a point convolution each, then added: the sum is what
  concatenation and one convolution give, but the coarse one runs before the upsampling, on a
  quarter of the pixels, and the widest tensor is never made;
* the head predicts the four pixels of each patch at once.

Any size goes, odd ones and sizes below the stride included. The input is padded by two, whatever
its size, and a coarse map is upsampled to the size of its skip. Padding by what divisibility asks
for, or cutting an upsampled map that may already fit, would make ``torch.export`` guard which of
the two cases its example was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.models.prior import expect_few_pixels
from zoo_dnn_roi.tiling import Map, Tileable, in_parts

__all__ = ["LiteUNet", "networks"]

# BatchNorm, although the recipe `paper` has one plane per batch: a plane gives 1.2e5 pixels per
# channel at the first level and 5e2 at the deepest, so the statistics of one plane are sound.
# GroupNorm would normalise each plane by itself at inference too: Wire-Cell's `nchunks` and
# training on crops would then change the answer, and it could not be folded into a convolution.
# The running averages remember 20 batches, since occupancy differs from plane to plane.
_MOMENTUM = 0.05
_KERNEL = (3, 5)


def networks(
    config: LiteUNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": LiteUNet(len(config.inputs), config.widths, config.dense)}


class LiteUNet(Tileable):
    """U-Net on space-to-depth images: dense convolutions at its finest levels, separable below.

    Args:
        channels: Images per plane.
        widths: Channels at strides 2, 4, 8, ...; at least two.
        dense: Levels, from the finest, with dense convolutions.
    """

    def __init__(self, channels: int, widths: Sequence[int], dense: int = 2) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = nn.Sequential(_convolution(channels, widths[0], 2, stride=2), nn.ReLU())
        self.first = _mixing(widths[0], dense=dense > 0)
        self.down = nn.ModuleList(
            nn.Sequential(_separable(narrow, wide, stride=2), _separable(wide, wide))
            for narrow, wide in pairs
        )
        self.coarse = nn.ModuleList(_convolution(wide, narrow, 1) for narrow, wide in pairs)
        self.fine = nn.ModuleList(_convolution(narrow, narrow, 1) for narrow, _ in pairs)
        self.up = nn.ModuleList(
            nn.Sequential(nn.ReLU(), _mixing(narrow, dense=level < dense))
            for level, (narrow, _) in enumerate(pairs)
        )
        self.head = nn.Conv2d(widths[0], 4, 1)
        expect_few_pixels(self.head)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the ROI mask.

        Args:
            image: float32 (N, channels, wires, bins), any number of wires and bins.

        Returns:
            float32 (N, 1, wires, bins).
        """
        # Two more rows and columns, always: the map that is cut at the end is then always larger.
        padded = functional.pad(image, (0, 2, 0, 2))
        finest = in_parts(self._fold, [Map(padded, 4)], self.tiles, scale=2)
        x, skips = finest, []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for level in reversed(range(1, len(skips))):
            x = self._join(level, self.coarse[level](x), skips[level])
        maps = [Map(self.coarse[0](x), 1), Map(finest, 2)]
        logits = in_parts(self._unfold, maps, self.tiles, scale=4)
        return logits[:, :, : image.shape[2], : image.shape[3]]

    def _fold(self, padded: Tensor) -> Tensor:
        answer: Tensor = self.first(self.stem(padded))
        return answer

    def _join(self, level: int, coarse: Tensor, skip: Tensor) -> Tensor:
        wider = functional.interpolate(coarse, size=skip.shape[2:], mode="nearest")
        answer: Tensor = self.up[level](wider + self.fine[level](skip))
        return answer

    def _unfold(self, coarse: Tensor, skip: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.head(self._join(0, coarse, skip)), 2)


def _convolution(
    inputs: int, outputs: int, kernel: int | tuple[int, int], *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution and normalisation; odd kernels are padded to keep the size."""
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = ((sides[0] - 1) // 2, (sides[1] - 1) // 2)
    convolution = nn.Conv2d(inputs, outputs, sides, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs, momentum=_MOMENTUM))


def _mixing(width: int, *, dense: bool) -> nn.Sequential:
    """Reaches two wires at most: what the halo of a part covers."""
    if not dense:
        return _separable(width, width)
    return nn.Sequential(
        _convolution(width, width, 3), nn.ReLU(), _convolution(width, width, 3), nn.ReLU()
    )


def _separable(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        _convolution(inputs, inputs, _KERNEL, stride=stride, groups=inputs),
        nn.ReLU(),
        _convolution(inputs, outputs, 1),
        nn.ReLU(),
    )
