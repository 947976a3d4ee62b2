"""Settings of the optics models."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "AnalyticConfig",
    "FourierConfig",
    "HashGridConfig",
    "LutConfig",
    "OracleConfig",
    "SirenConfig",
    "SirenFactorConfig",
    "SirenPairConfig",
    "SirenPriorConfig",
    "SirenSlarConfig",
    "SirenVectorConfig",
    "SurrogateConfig",
]


class SurrogateConfig(Config):
    """What all surrogates share."""

    loss: Literal["poisson", "mse", "log-l2"] = "poisson"
    """Likelihood of the charges; squared error of the charges; squared error of the logarithm of
    the visibility, each sensor by its inverse variance."""
    model_error: float = Field(0.03, ge=0)
    """log-l2: relative error of the model itself, so that bright sensors do not outweigh all."""
    floor: float = Field(1e-8, gt=0, lt=1)
    """Visibility that is added before a logarithm is taken of a measured one."""
    direction: bool = False
    """Whether the network sees the direction of the light."""
    decades: float = Field(3.0, gt=0)
    """Decades of visibility that one unit of the network's output spans."""
    time: bool = False
    """Whether times of hits are learnt, too: the distribution of t - R / c_n by sensor."""
    time_weight: float = Field(1.0, gt=0)
    """Weight of their likelihood, a mean over hits, beside the loss of the charges."""
    time_hidden: int = Field(32, ge=1)
    """Width of the network for times."""
    uncertainty: bool = False
    """Learn a relative error of the visibility, for every point and sensor, too: charges are then
    negative binomial counts, of variance ``mu + (error mu)^2``. Only with the loss poisson."""
    symmetry: tuple[Literal["rotation", "x", "y", "z"], ...] = ()
    """What the detector looks the same after: turned about z (a tank; left and right are alike,
    too), mirrored in the middle of x, y or z. Points and sensors are then folded into one part. A
    detector that is not the same is refused."""
    yields: bool = False
    """Learn a yield of each sensor, a factor on its visibility; their mean logarithm is 0. Networks
    with an output for each sensor have that in their last biases already."""

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.uncertainty and self.loss != "poisson":
            raise ValueError(f"uncertainty needs the loss poisson, not {self.loss}")
        return self

    gradient: bool = True
    """Whether exported files also answer with the gradient of the visibility by the position."""


class SirenConfig(SurrogateConfig):
    """What networks of sine layers share."""

    hidden: int = Field(64, ge=1)
    """Width."""
    layers: int = Field(5, ge=0)
    """Sine layers after the first."""
    frequency: float = Field(30.0, gt=0)
    """omega_0 of every sine."""
    recompute: bool = True
    """Half the memory of a sine layer for a sixth more time: its argument is computed again in the
    backward pass."""


class SirenPairConfig(SirenConfig):
    """One network of (point, sensor)."""

    sensors_per_step: int = Field(0, ge=0)
    """Sensors that a step of the training sees of each flash, drawn anew each time: the mean of
    the gradient is that of all, its cost that of these. 0: all."""

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.sensors_per_step and (self.time or self.uncertainty):
            raise ValueError(
                "times and uncertainty are learnt from all sensors: set sensors_per_step = 0"
            )
        return self


class SirenVectorConfig(SirenConfig):
    """One network of the point that answers for all sensors at once."""

    hidden: int = Field(128, ge=1)
    """Width."""
    layers: int = Field(3, ge=0)
    """Sine layers after the first."""
    frequency: float = Field(15.0, gt=0)
    """omega_0 of every sine."""


class SirenSlarConfig(SirenVectorConfig):
    """The network of slar: between -1 and 1, a logarithm of the visibility and a constant."""

    hidden: int = Field(512, ge=1)
    """Width."""
    layers: int = Field(5, ge=0)
    """Sine layers after the first."""
    frequency: float = Field(30.0, gt=0)
    """omega_0 of every sine."""
    last_sine: bool = True
    """Whether the last layer has a sine, too; `outermost_linear: false` of slar."""
    centred: bool = True
    """Whether -1 stands for no light, else 0; `sin_out` of slar."""
    eps: float = Field(1e-7, gt=0)
    """Visibility that is added before the logarithm is taken."""
    vmax: float = Field(1.0, gt=0)
    """Visibility that 1 stands for."""


class SirenPriorConfig(SirenPairConfig):
    """The direct light in closed form, times a learnt correction."""

    hidden: int = Field(32, ge=1)
    """Width."""
    layers: int = Field(2, ge=0)
    """Sine layers after the first."""
    frequency: float = Field(5.0, gt=0)
    """omega_0 of every sine: a correction is smooth."""
    attenuation_cm: float = Field(5000.0, gt=0)
    """Attenuation length at the start of the training, which learns it."""


class SirenFactorConfig(SirenVectorConfig):
    """A network of the point and one of the sensor, both of this size, and their inner product."""

    rank: int = Field(64, ge=1)
    """Numbers that each of the two answers with, besides a term of its own."""


class FourierConfig(SurrogateConfig):
    """Random Fourier features of the point and a plain network for all sensors."""

    features: int = Field(64, ge=1)
    """Number of waves."""
    sigma: float = Field(1.0, gt=0)
    """RMS of their frequencies, in waves per half of the volume."""
    hidden: int = Field(128, ge=1)
    """Width."""
    layers: int = Field(2, ge=0)
    """Layers after the first."""


class HashGridConfig(SurrogateConfig):
    """Features on the corners of grids of rising resolution, and a plain network."""

    levels: int = Field(6, ge=1, le=32)
    """Grids."""
    table_log2: int = Field(12, ge=1, le=24)
    """Binary logarithm of the entries of a grid's table; a finer grid is hashed into it."""
    features: int = Field(4, ge=1)
    """Numbers of an entry."""
    base: int = Field(4, ge=1)
    """Cells of the coarsest grid along an axis of the volume."""
    finest: int = Field(32, ge=1, le=65536)
    """Cells of the finest grid; the grids between are spaced in a geometric series."""
    hidden: int = Field(64, ge=1)
    """Width."""
    layers: int = Field(1, ge=0)
    """Layers after the first."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.finest < self.base:
            raise ValueError(f"finest must not lie below base, {self.finest} < {self.base}")
        return self


class LutConfig(Config):
    """A table of the visibility by voxel, averaged over the training samples in each."""

    voxels: tuple[int, int, int] = (10, 10, 10)
    """Voxels along x, y and z."""


class AnalyticConfig(Config):
    """Solid angle and attenuation; two numbers are fitted to the training samples."""


class OracleConfig(Config):
    """Nothing to set: what is expected is known."""
