"""Settings of the DNN-ROI models: what goes in, how a plane is binned, trained and cut."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "Augmentation",
    "Crop",
    "Distillation",
    "Image",
    "LiteUNetConfig",
    "MobileNetV2UNetConfig",
    "MobileNetV3UNetConfig",
    "RoiConfig",
    "SmpUNetConfig",
    "TransformerUNetConfig",
    "UNetConfig",
]

Image = Literal["loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss"]
"""Sample fields that a network may see; Wire-Cell's tags of the same names."""

Fraction = Annotated[float, Field(ge=0, le=1)]


class Crop(Config):
    """Part of a plane that one training sample keeps; no larger than the plane."""

    wires: int = Field(256, ge=1)
    """Wires."""
    bins: int = Field(256, ge=1)
    """Time bins."""


class Augmentation(Config):
    """Random changes of training planes; zero switches one off. Masks and truth move along."""

    shift_ticks: int = Field(0, ge=0)
    """Largest shift in time, in ticks of either sign; what enters is empty."""
    shift_wires: int = Field(0, ge=0)
    """Largest shift in wires, of either sign; what enters is empty."""
    noisy: Fraction = 0.0
    """Probability that a plane gets one or two wires of pure noise without truth."""
    noise_scale: tuple[float, float] = (2.0, 15.0)
    """Noise on such a wire: its RMS is multiplied by a number drawn from this range."""
    dead: Fraction = 0.0
    """Probability that a wire is dead: all its inputs are zero, its truth stays."""
    amplitude: float = Field(0.0, ge=0, lt=1)
    """Charge scale of a plane: drawn from 1 - amplitude to 1 + amplitude."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.noise_scale
        if not 0 < low <= high:
            raise ValueError(f"noise_scale must be 0 < low <= high, not ({low}, {high})")
        return self


class Distillation(Config):
    """Learning from a trained network too (Hinton et al., arXiv:1503.02531)."""

    teacher: str = Field(min_length=1)
    """Run, `RUN@step` or model file of any network of this task with the same `inputs`, `rebin`
    and `scale`. It is not trained, and only needed for training."""
    weight: float = Field(1.0, gt=0)
    """Weight of the term beside the cross-entropy."""
    temperature: float = Field(2.0, gt=0)
    """What the logits of both are divided by; the term is multiplied by its square."""


class RoiConfig(Config):
    """What all networks of the task share: codec and loss."""

    inputs: tuple[Image, ...] = Field(("loose_lf", "mp2", "mp3"), min_length=1)
    """Images in the order that the network, and Wire-Cell's `intags`, expect."""
    rebin: int = Field(10, ge=1)
    """Ticks per time bin (`tick_per_slice` of Wire-Cell)."""
    scale: float = Field(4000.0, gt=0)
    """Electrons per tick that become 1 (`1 / input_scale` of Wire-Cell)."""
    truth_threshold: float = Field(100.0, ge=0)
    """Electrons per tick, mean over a bin, above which the bin belongs to the true mask."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Cut on the probability (`mask_thresh`); absent: tuned on the validation split."""
    crop: Crop | None = None
    """Train on a random part of each plane; absent: on whole planes."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training planes."""
    dice: float = Field(0.0, ge=0)
    """Weight of the Dice loss beside the cross-entropy."""
    positive_weight: float = Field(1.0, gt=0)
    """Weight of mask pixels in the cross-entropy."""
    distill: Distillation | None = None
    """Learn from a trained network too; absent: from the truth alone."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError(f"inputs must be distinct, not {list(self.inputs)}")
        return self


class LiteUNetConfig(RoiConfig):
    """The Lite U-Net."""

    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((32, 64, 128, 192, 256), min_length=2)
    """Channels at strides 2, 4, 8, ..."""
    dense: int = Field(2, ge=0)
    """Levels, from the finest, that mix neighbours with dense convolutions; 0: separable
    throughout, which takes half the time and makes more errors."""
    tiles: int = Field(1, ge=1)
    """Parts of the wires in which the exported network works on its finest level, one by one:
    less memory, the same result."""


class UNetConfig(RoiConfig):
    """The UNet as published: nothing to set but what all networks share."""

    tiles: int = Field(1, ge=1)
    """Parts of the wires in which the exported network works at full size, half as many at half
    the size, and so on: less memory, the same result."""


class TransformerUNetConfig(UNetConfig):
    """The Transformer-UNet as published: likewise."""


class MobileNetV2UNetConfig(RoiConfig):
    """The MobileNetV2-UNet: nothing to set but what all networks share."""


class MobileNetV3UNetConfig(RoiConfig):
    """The MobileNetV3-UNet: nothing to set but what all networks share."""


class SmpUNetConfig(RoiConfig):
    """A U-Net of segmentation-models-pytorch around any encoder of timm."""

    encoder: str = "mobilenetv3_large_100"
    """Name of a timm model that gives feature maps; never with pretrained parameters."""
    depth: int = Field(5, ge=3, le=5)
    """Stages of the encoder, each of half the size of the one before."""
    decoder_widths: tuple[Annotated[int, Field(ge=1)], ...] = (64, 48, 32, 16, 8)
    """Channels of the decoder from the deepest stage to the full size, one per stage."""
    attention: Literal["scse"] | None = None
    """Squeeze and excitation in the decoder (arXiv:1808.08127); absent: none."""

    @model_validator(mode="after")
    def _one_width_a_stage(self) -> Self:
        if len(self.decoder_widths) != self.depth:
            raise ValueError(
                f"decoder_widths needs one width for each of {self.depth} stages, "
                f"not {len(self.decoder_widths)}"
            )
        if self.attention and min(self.decoder_widths) < 16:
            raise ValueError("scse squeezes 16 channels into one: decoder_widths of 16 or more")
        return self
