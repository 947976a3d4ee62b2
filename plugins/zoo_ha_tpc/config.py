"""Settings of the HA-TPC networks: what goes in, what is estimated, how it is learnt."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "Augmentation",
    "ClusterNetConfig",
    "ConvNeXtConfig",
    "GoogLeNetConfig",
    "Image",
    "ImageConfig",
    "Loss",
    "ResNetConfig",
    "StemConfig",
    "Target",
    "TrackConfig",
    "ViTConfig",
]

Target = Literal["q_over_pt", "p_t", "p_y", "p_z", "phi", "sin_phi", "y_ini", "z_ini"]
"""Quantities that a network may answer with; see :data:`zoo_ha_tpc.quantities.QUANTITIES`."""

Image = Literal["charge", "time", "width"]
"""Channels of an image: Qmax, Tmax, FWHM of each pad."""

Loss = Literal["mse", "huber", "gaussian-nll", "student-nll", "quantile"]

Fraction = Annotated[float, Field(ge=0, le=1)]


class Augmentation(Config):
    """Random changes of training tracks; zero switches one off."""

    charge_flip: Fraction = 0.0
    """Probability that a track is mirrored at y = 0: charge, phi and y_ini change their sign."""
    gain: float = Field(0.0, ge=0, lt=1)
    """Gain of a track's pads: drawn from 1 - gain to 1 + gain."""
    dead: float = Field(0.0, ge=0, lt=1)
    """Probability that a pad is dead: it saw nothing."""


class TrackConfig(Config):
    """What all networks of the task share: targets and loss."""

    targets: tuple[Target, ...] = Field(("q_over_pt", "phi", "y_ini", "z_ini"), min_length=1)
    """Quantities that the network answers with; others follow where they can."""
    loss: Loss = "student-nll"
    """Squared error; Huber's; likelihood of a Gaussian, or of Student's distribution, whose width
    is learnt too; quantiles, that is the median and the central 68.3 %. The last three give each
    answer an error. Student's tails forgive tracks whose fit took the wrong end for the start."""
    freedom: float = Field(4.0, gt=0)
    """student-nll: degrees of freedom; the fewer, the longer the tails."""
    huber: float = Field(1.0, gt=0)
    """huber: where the square becomes linear, in standard deviations of the target."""
    beta: float = Field(0.0, ge=0, le=1)
    """gaussian-nll: each term is weighted with the predicted variance to this power, so that tracks
    with large errors are not given up (beta-NLL, arXiv:2203.09168)."""
    calibrate: bool = True
    """Scale the errors of each target after the training so that 68.3 % of the validation tracks
    lie within one of them."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training tracks."""

    @property
    def uncertainty(self) -> bool:
        """Whether the network answers with errors."""
        return self.loss in ("gaussian-nll", "student-nll", "quantile")

    @model_validator(mode="after")
    def _distinct_targets(self) -> Self:
        if len(set(self.targets)) != len(self.targets):
            raise ValueError(f"targets must be distinct, not {list(self.targets)}")
        return self

    @model_validator(mode="after")
    def _uses_what_is_set(self) -> Self:
        uses = {"huber": "huber", "beta": "gaussian-nll", "freedom": "student-nll"}
        for name, loss in uses.items():
            if self.loss != loss and name in self.model_fields_set:
                default = type(self).model_fields[name].default
                if getattr(self, name) != default:
                    raise ValueError(f"{name} is of the loss {loss}, not of {self.loss}")
        return self


class ImageConfig(TrackConfig):
    """A network on images of the pad plane."""

    images: tuple[Image, ...] = Field(("charge",), min_length=1, max_length=3)
    """Channels."""
    log_charge: bool = True
    """Whether the charge goes in as log(1 + Q), over that of full scale; else as Q over that."""
    coordinates: bool = False
    """Two more channels: where each pad with charge lies, z and y from -1 to 1."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout before the last layer."""

    @model_validator(mode="after")
    def _distinct_images(self) -> Self:
        if len(set(self.images)) != len(self.images):
            raise ValueError(f"images must be distinct, not {list(self.images)}")
        return self


class StemConfig(ImageConfig):
    """A convolutional network whose first layers may keep the size of the image."""

    early_stride: bool = True
    """Whether the first layers shrink the image to a quarter, as published; else they do not, at
    many times the cost: a curve of 1 GeV/c over half a metre bends by less than a pad."""


class ResNetConfig(StemConfig):
    """A ResNet as published: nothing to set but what all share."""


class GoogLeNetConfig(StemConfig):
    """GoogLeNet without its auxiliary classifiers: nothing to set but what all share."""


class ConvNeXtConfig(StemConfig):
    """A small ConvNeXt."""

    size: Literal["atto", "femto", "pico", "nano", "tiny"] = "atto"
    """3.4 to 27.8 million parameters."""
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Stochastic depth of its blocks."""


class ViTConfig(ImageConfig):
    """A vision transformer."""

    size: Literal["tiny", "small", "base"] = "tiny"
    """5.4 to 85 million parameters."""
    patch: int = Field(8, ge=1)
    """Edge of a patch in pads, a divisor of rows and columns."""
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Stochastic depth of its blocks."""


class ClusterNetConfig(TrackConfig):
    """A small convolutional network along the clusters of the classical fit."""

    start: Literal["fit", "charges", "direct"] = "fit"
    """fit: the network corrects the classical estimate, and begins as that; charges: that of
    ``charge-fit``; direct: it has the clusters alone."""
    calibration_tracks: int = Field(5000, ge=0)
    """fit, charges: training tracks that the classical fit is calibrated with; 0: it is not."""
    times: bool = False
    """Whether it sees the times of clusters too."""
    width: int = Field(48, ge=1)
    """Channels."""
    layers: int = Field(4, ge=1)
    """Convolutions."""
    kernel: int = Field(5, ge=1)
    """Clusters that one convolution sees; odd."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout before the last layer."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {self.kernel}")
        return self
