"""Parameter files of the Pytorch-UNet family (https://github.com/lastgeorge/Pytorch-UNet) as ours.

Its training writes a bare state dict ``CPn.pth``. Names are ours, since our networks keep those of
that code; MobileNetV3 there has three encoder blocks whose output nothing reads. A file tells
neither which images a network sees nor how planes are binned, scaled and cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.api import Checkpoint, Conversion

__all__ = ["mobilenetv2_unet", "mobilenetv3_unet", "transformer_unet", "unet"]

_THREE = {"inputs": ("loose_lf", "mp2", "mp3"), "rebin": 10, "scale": 4000.0, "threshold": 0.5}
"""As train4.py has them, and as Wire-Cell has run them: docs/hnam_input_preprocessing.md there."""
_SIX = {
    "inputs": ("loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss"),
    "rebin": 4,
    "scale": 4000.0,
    "threshold": 0.2,
}
"""As our recipe ``production``."""
_UNUSED = ("encoder.14.", "encoder.15.", "encoder.16.")


def unet(checkpoint: Checkpoint, _facts: Mapping[str, Any]) -> Conversion:
    """``unet.UNet`` as ``dnn-roi/unet``."""
    return _same(checkpoint, "inc.conv.conv.0.weight")


def transformer_unet(checkpoint: Checkpoint, _facts: Mapping[str, Any]) -> Conversion:
    """``transformer.model.Transformer_UNet`` as ``dnn-roi/transformer-unet``."""
    return _same(checkpoint, "inc.conv.0.weight")


def mobilenetv2_unet(checkpoint: Checkpoint, _facts: Mapping[str, Any]) -> Conversion:
    """``mobilenetv2.model.MobileNet_UNet`` as ``dnn-roi/mobilenetv2-unet``."""
    return _same(checkpoint, "input_proj.weight")


def mobilenetv3_unet(checkpoint: Checkpoint, _facts: Mapping[str, Any]) -> Conversion:
    """``mobilenetv3.model.MobileNetV3_UNet``, large, as ``dnn-roi/mobilenetv3-unet``."""
    return _same(checkpoint, "input_proj.weight", unused=_UNUSED)


def _same(checkpoint: Checkpoint, first: str, unused: tuple[str, ...] = ()) -> Conversion:
    """Every tensor under its own name, but those that nothing reads.

    Args:
        checkpoint: A state dict.
        first: Name of the first convolution, (outputs, images, height, width).
        unused: How names of tensors begin that nothing reads.
    """
    images = checkpoint.tensor(first, 4).shape[1]
    dropped = {name for name in checkpoint.tensors if unused and name.startswith(unused)}
    config: Mapping[str, Any] = {3: _THREE, 6: _SIX}.get(images, {})
    told = ", ".join(f"model.{name} = {value}" for name, value in config.items())
    note = (
        "the file tells neither images nor binning, scale and cut: "
        f"{told or 'our defaults'} are assumed; change them with --set"
    )
    return Conversion(
        names={f"net/{name}": name for name in checkpoint.tensors if name not in dropped},
        dropped=frozenset(dropped),
        config=config,
        notes=(note,),
    )
