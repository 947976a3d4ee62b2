"""Settings of the masked voxels: what is hidden, how it is learnt, and of the baselines."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from zoo.api import Config
from zoo_sparse_reco.config import Augmentation, BackboneConfig

__all__ = [
    "JUDGED",
    "LocalRegressionConfig",
    "MaskedUResNetConfig",
    "Masking",
    "NeighbourMeanConfig",
    "TrueVoxelsConfig",
]

Fraction = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class Masking(Config):
    """What is hidden: cubic patches, drawn anew for each event and update."""

    patch: int = Field(4, ge=1, le=16)
    """Edge of a patch, in voxels. The lattice of the patches is shifted at random."""
    energies: Fraction = 0.5
    """Share of the patches with voxels whose energies are hidden."""
    voxels: Fraction = 0.05
    """Share of the patches with voxels of which every place is asked about: whether there is a
    voxel, and with what energy."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not 0 < self.energies + self.voxels <= 1:
            raise ValueError(
                f"energies + voxels must be above 0 and at most 1, not {self.energies} + "
                f"{self.voxels}"
            )
        return self


JUDGED = Masking()
"""What is hidden where a model is judged, whatever it was trained with: all are asked the same."""


class MaskedUResNetConfig(BackboneConfig):
    """U-ResNet that tells what is hidden."""

    masking: Masking = Masking()
    """What is hidden in training events."""
    energy_weight: Weight = 1.0
    """Weight of the squared error of logarithms of energies."""
    occupancy_weight: Weight = 1.0
    """Weight of the cross-entropy of whether there is a voxel."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training events, before anything is hidden."""

    @model_validator(mode="after")
    def _energies(self) -> Self:
        if "deposit" not in self.features:
            raise ValueError("features must have 'deposit': hidden energies are told from others")
        return self


class NeighbourMeanConfig(Config):
    """The mean of what is around."""


class LocalRegressionConfig(Config):
    """A regression on what is around."""

    events: int = Field(500, ge=1)
    """Training events that it is fitted to, those of the lowest ids."""
    ridge: float = Field(1e-3, gt=0)
    """Penalty of squared coefficients of standardised columns, relative to the number of places."""


class TrueVoxelsConfig(Config):
    """The truth."""
