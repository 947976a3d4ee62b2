"""Published image networks on images of the pad plane, from random parameters.

ResNet (He et al., arXiv:1512.03385), ConvNeXt (Liu et al., arXiv:2201.03545) and the vision
transformer (Dosovitskiy et al., arXiv:2010.11929) are R. Wightman's timm, GoogLeNet (Szegedy et
al., arXiv:1409.4842) is torchvision's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from torch import Tensor, nn
from torchvision.models import googlenet

from zoo.api import ConfigError
from zoo_ha_tpc.config import (
    ConvNeXtConfig,
    GoogLeNetConfig,
    ImageConfig,
    ResNetConfig,
    ViTConfig,
)
from zoo_ha_tpc.models.heads import numbers_of
from zoo_ha_tpc.models.images import PadImages
from zoo_ha_tpc.physics.pad_plane import PadPlane, plane_of

__all__ = [
    "ImageNet",
    "convnext_networks",
    "googlenet_networks",
    "resnet18_networks",
    "resnet34_networks",
    "resnet50_networks",
    "resnet101_networks",
    "resnet152_networks",
    "vit_networks",
]

Networks = dict[str, nn.Module]
Facts = Mapping[str, Any]


class ImageNet(nn.Module):
    """Hits to images to K numbers for each of T targets.

    Args:
        config: Targets, loss, coordinates.
        plane: The pads.
        body: (N, channels, rows, columns) -> (N, T K).
    """

    def __init__(self, config: ImageConfig, plane: PadPlane, body: nn.Module) -> None:
        super().__init__()
        self.numbers = numbers_of(config.loss)
        self.images = PadImages(plane, len(config.images), coordinates=config.coordinates)
        self.body = body

    def forward(
        self, hits: Tensor, event: Tensor, row: Tensor, column: Tensor, values: Tensor
    ) -> Tensor:
        """float32 (N, T, K); arguments as of :class:`~zoo_ha_tpc.models.images.PadImages`."""
        answer: Tensor = self.body(self.images(hits, event, row, column, values))
        # Not reshape: a tracer would record the number of tracks.
        numbers: Tensor = answer.float().unflatten(1, (-1, self.numbers))  # type: ignore[no-untyped-call]
        return numbers


def resnet18_networks(config: ResNetConfig, facts: Facts) -> Networks:
    """``net``: 18 layers."""
    return _resnet("resnet18", config, facts)


def resnet34_networks(config: ResNetConfig, facts: Facts) -> Networks:
    """``net``: 34 layers."""
    return _resnet("resnet34", config, facts)


def resnet50_networks(config: ResNetConfig, facts: Facts) -> Networks:
    """``net``: 50 layers."""
    return _resnet("resnet50", config, facts)


def resnet101_networks(config: ResNetConfig, facts: Facts) -> Networks:
    """``net``: 101 layers."""
    return _resnet("resnet101", config, facts)


def resnet152_networks(config: ResNetConfig, facts: Facts) -> Networks:
    """``net``: 152 layers."""
    return _resnet("resnet152", config, facts)


def convnext_networks(config: ConvNeXtConfig, facts: Facts) -> Networks:
    """``net``: a ConvNeXt, whose stem are patches of 4 x 4 pads, or of one."""
    body = timm.create_model(
        f"convnext_{config.size}",
        **_common(config),
        drop_path_rate=config.drop_path,
        patch_size=4 if config.early_stride else 1,
    )
    return _whole(config, facts, body)


def vit_networks(config: ViTConfig, facts: Facts) -> Networks:
    """``net``: a vision transformer.

    Raises:
        ConfigError: If the plane is no whole number of patches.
    """
    rows, columns = plane_of(facts).shape
    if rows % config.patch or columns % config.patch:
        raise ConfigError(
            f"a plane of {rows} x {columns} pads is no whole number of patches",
            where=f"model.patch = {config.patch}",
            remedy="choose a divisor of both",
        )
    body = timm.create_model(
        f"vit_{config.size}_patch16_224",
        **_common(config),
        drop_path_rate=config.drop_path,
        img_size=(rows, columns),
        patch_size=config.patch,
    )
    return _whole(config, facts, body)


def googlenet_networks(config: GoogLeNetConfig, facts: Facts) -> Networks:
    """``net``: GoogLeNet without auxiliary classifiers."""
    common = _common(config)
    body: Any = googlenet(  # torchvision has no types
        weights=None,
        aux_logits=False,
        init_weights=True,
        num_classes=common["num_classes"],
        dropout=config.dropout,
    )
    body.conv1.conv = _first(body.conv1.conv, common["in_chans"], early=config.early_stride)
    if not config.early_stride:
        body.maxpool1 = nn.Identity()
    return _whole(config, facts, body)


def _resnet(name: str, config: ResNetConfig, facts: Facts) -> Networks:
    body: Any = timm.create_model(name, **_common(config))
    if not config.early_stride:
        body.conv1 = _first(body.conv1, body.conv1.in_channels, early=False)
        body.maxpool = nn.Identity()
    return _whole(config, facts, body)


def _common(config: ImageConfig) -> dict[str, Any]:
    """What timm's models are told; never to fetch parameters."""
    return {
        "pretrained": False,
        "in_chans": len(config.images) + 2 * config.coordinates,
        "num_classes": len(config.targets) * numbers_of(config.loss),
        "drop_rate": config.dropout,
    }


def _first(given: nn.Conv2d, channels: int, *, early: bool) -> nn.Conv2d:
    """A convolution like the given one, for other channels; with a stride only if early."""
    first = nn.Conv2d(
        channels,
        given.out_channels,
        7,
        stride=2 if early else 1,
        padding=3,
        bias=given.bias is not None,
    )
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
    return first


def _whole(config: ImageConfig, facts: Facts, body: nn.Module) -> Networks:
    return {"net": ImageNet(config, plane_of(facts), body)}
