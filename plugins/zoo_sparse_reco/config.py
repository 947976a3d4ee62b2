"""Settings of the sparse networks: what goes in, how large they are, how they learn and answer."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "Augmentation",
    "BackboneConfig",
    "Feature",
    "Fragments",
    "PointCuts",
    "PointLoss",
    "UResNetConfig",
    "UResNetPpnConfig",
]

Feature = Literal["deposit", "coordinates", "plane_charge"]
"""What a network may see of a voxel: its energy; where it lies; the charge of three planes."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class Augmentation(Config):
    """Random changes of training events; zero or false switches one off."""

    exchange: bool = False
    """Exchange axes of the grid that are equally long."""
    mirror: bool = False
    """Mirror each axis with probability 1/2; with `exchange`, turns by 90 degrees too."""
    energy: float = Field(0.0, ge=0, lt=1)
    """Energy scale of an event: drawn from 1 - energy to 1 + energy."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability that a voxel is lost."""


class Fragments(Config):
    """Connected voxels of one predicted class."""

    distance: float = Field(1.999, gt=0)
    """Voxels whose middles are this near are connected, in voxels."""
    smallest: int = Field(3, ge=1)
    """Pieces of fewer voxels are no fragments."""


class PointCuts(Config):
    """From what voxels propose to points."""

    score: Fraction = 0.5
    """Least score of a proposal."""
    type_score: Fraction = 0.5
    """Least probability of its class."""
    near: float = Field(1.999, gt=0)
    """A voxel of its class must be this near, in voxels."""
    merge: float = Field(1.999, gt=0)
    """Proposals this near to each other are one point, in voxels."""
    merge_classes: bool = True
    """Whether proposals of different classes can be one point."""


class PointLoss(Config):
    """How points are learnt."""

    radius: float = Field(5.0, gt=0)
    """Voxels whose middle is nearer to a true point than this are to propose it, in voxels."""
    same_particle: bool = True
    """Only voxels of the particle that starts or ends there are; needs `particle` of voxels."""
    positive_weight: float = Field(1.0, gt=0)
    """Weight of voxels that are to propose a point in the cross-entropy of the scores."""
    score_weight: Weight = 1.0
    """Weight of the scores' cross-entropy, the mean over all scales."""
    type_weight: Weight = 1.0
    """Weight of the cross-entropy of classes."""
    offset_weight: Weight = 1.0
    """Weight of the squared error of offsets, voxels^2."""
    end_weight: Weight = 1.0
    """Weight of the cross-entropy of starts and ends of tracks."""


class BackboneConfig(Config):
    """What every network on sparse voxels is made of: its inputs and the size of its U-ResNet."""

    features: tuple[Feature, ...] = Field(("deposit",), min_length=1)
    """What it sees of each voxel; charges of planes make three columns, coordinates too."""
    scale: Literal["log", "linear"] = "log"
    """Energies go in as logarithms, from 0.01 MeV (-1) to 20 MeV (+1), or in MeV; charges
    likewise, 30,000 e- as 1 MeV."""
    filters: int = Field(32, ge=1)
    """Features of a voxel on the finest level, F; on level l they are (l + 1) F."""
    depth: int = Field(5, ge=1)
    """Levels, each of half the resolution of the one before."""
    reps: int = Field(2, ge=1)
    """Residual blocks of a level, on either side."""
    input_kernel: int = Field(3, ge=1)
    """Size of the first convolution, odd."""
    momentum: float = Field(0.01, gt=0, le=1)
    """Share of each batch in the running averages of the normalisations: trainings of a few hundred
    steps need a larger one."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError(f"features must be distinct, not {list(self.features)}")
        return self

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.input_kernel % 2 == 0:
            raise ValueError(f"input_kernel must be odd, not {self.input_kernel}")
        return self


class UResNetConfig(BackboneConfig):
    """U-ResNet on sparse voxels: classes, and perhaps ghosts."""

    ghosts: bool = False
    """Whether it tells ghosts from voxels that a particle crossed, too."""
    ghost_threshold: Fraction = 0.5
    """Voxels whose probability of a ghost is above this are called ghosts."""
    semantic_weight: Weight = 1.0
    """Weight of the cross-entropy of classes, over true voxels of known class."""
    ghost_weight: Weight = 1.0
    """Weight of the cross-entropy of ghosts, over voxels of known class."""
    balance: Literal["none", "inverse", "root"] = "none"
    """Weights of classes in both: all equal; inverse to their share of the training voxels, or to
    its square root."""
    focal: float = Field(0.0, ge=0)
    """Power g of the focal loss: a voxel counts as (1 - p)^g, p being the probability of its class;
    0: plain cross-entropy."""
    dice: Weight = 0.0
    """Weight of one minus the Dice coefficient, the mean over classes and events."""
    fragments: Fragments | None = Fragments()
    """Connected voxels of a predicted class; `none`: not told."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training events."""


class UResNetPpnConfig(UResNetConfig):
    """U-ResNet and a point proposal network on its features."""

    depth: int = Field(5, ge=2)
    """Levels, each of half the resolution of the one before."""
    ends: bool = True
    """Whether it tells ends of tracks from starts."""
    score_levels: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    """Levels that score their voxels, 0 among them; absent: all but the coarsest, as SPINE does.
    Those of arXiv:2006.14745, at 1/32, 1/8 and 1, are 0, 3 and 5 of a network of depth 7."""
    points: PointLoss = PointLoss()
    """How points are learnt."""
    cuts: PointCuts = PointCuts()
    """From what voxels propose to points."""

    @property
    def scored(self) -> tuple[int, ...]:
        """Levels that score their voxels, from the coarsest to 0."""
        levels = range(self.depth - 1) if self.score_levels is None else self.score_levels
        return tuple(sorted(levels, reverse=True))

    @model_validator(mode="after")
    def _levels(self) -> Self:
        levels = self.scored
        if 0 not in levels or len(set(levels)) != len(levels) or levels[0] > self.depth - 2:
            raise ValueError(
                f"score_levels must be distinct, from 0 to {self.depth - 2} and with 0 among them, "
                f"not {list(levels)}"
            )
        return self
