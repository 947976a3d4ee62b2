"""U-Net of segmentation-models-pytorch around any encoder of timm, from random parameters.

Ronneberger et al., arXiv:1505.04597, in the form of segmentation-models-pytorch (P. Iakubovskii,
https://github.com/qubvel-org/segmentation_models.pytorch); encoders are R. Wightman's timm.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import segmentation_models_pytorch
import timm
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import ConfigError
from zoo_dnn_roi.config import SmpUNetConfig
from zoo_dnn_roi.models.prior import expect_few_pixels

__all__ = ["SmpUNet", "networks"]


def networks(
    config: SmpUNetConfig,
    facts: Mapping[str, object],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``.

    Raises:
        ConfigError: If timm has no such encoder, or it gives no feature maps of this depth.
    """
    return {"net": SmpUNet(config)}


class SmpUNet(nn.Module):
    """The library's U-Net for planes of any size.

    Args:
        config: Encoder, depth, widths; the number of inputs.

    Raises:
        ConfigError: As :func:`networks`.
    """

    def __init__(self, config: SmpUNetConfig) -> None:
        super().__init__()
        self.stride = 2**config.depth
        self.unet = _unet(config)
        head: Any = self.unet.segmentation_head  # the library has no types
        expect_few_pixels(head[0])

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the ROI mask.

        Args:
            image: float32 (N, channels, wires, bins), any number of wires and bins.

        Returns:
            float32 (N, 1, wires, bins).
        """
        wires, bins = image.shape[2:]
        # Up to the next multiple of the stride, never by nothing: torch.export would otherwise
        # guard whether its example was padded.
        rows, columns = (self.stride - size % self.stride for size in (wires, bins))
        logits: Tensor = self.unet(functional.pad(image, (0, columns, 0, rows)))
        return logits[:, :, :wires, :bins]


def _unet(config: SmpUNetConfig) -> nn.Module:
    if config.encoder not in timm.list_models():
        near = get_close_matches(config.encoder, timm.list_models(), n=1)
        raise ConfigError(
            "timm has no such encoder",
            where=f"model.encoder = {config.encoder}",
            remedy=f"did you mean '{near[0]}'?" if near else "timm.list_models() names them",
        )
    try:
        unet: nn.Module = segmentation_models_pytorch.Unet(
            encoder_name=f"tu-{config.encoder}",
            encoder_depth=config.depth,
            encoder_weights=None,
            decoder_channels=config.decoder_widths,
            decoder_attention_type=config.attention,
            in_channels=len(config.inputs),
            classes=1,
        )
    except Exception as error:  # each encoder has limits, and exceptions, of its own
        raise ConfigError(
            f"no U-Net of depth {config.depth} can be built on it ({error})",
            where=f"model.encoder = {config.encoder}",
            remedy="choose a convolutional encoder with feature maps at strides 2 to 32",
        ) from error
    encoder: Any = unet.encoder
    _leave_out_unused(encoder.model)
    return unet


def _leave_out_unused(encoder: Any) -> None:
    """Blocks behind the last feature map: timm's EfficientNets keep and compute them for nothing.

    Args:
        encoder: One of timm that gives feature maps; changed in place.
    """
    names = [name.split(".") for name in encoder.feature_info.module_name()]
    used = [int(name[1]) for name in names if name[0] == "blocks"]
    if used and isinstance(encoder.blocks, nn.Sequential):
        encoder.blocks = encoder.blocks[: max(used) + 1]
