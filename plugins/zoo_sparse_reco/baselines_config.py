"""Settings of the rows without a network."""

from __future__ import annotations

from pydantic import Field

from zoo.api import Config

__all__ = ["LocalDedxConfig", "PlaneAgreementConfig", "TrueLabelsConfig"]


class _PostProcessingConfig(Config):
    distance: float = Field(1.999, gt=0, le=20)
    """Voxels of one class whose middles are this near are of one fragment, in voxels."""
    smallest: int = Field(3, ge=1, le=10_000)
    """Fragments have at least so many voxels."""


class LocalDedxConfig(_PostProcessingConfig):
    """Classes from what is around each voxel."""

    events: int = Field(200, ge=1, le=100_000)
    """Training events that the tables are fitted to: those of the lowest ids."""
    bins: int = Field(12, ge=2, le=30)
    """Cells along each column of a table."""
    shower_voxels: int = Field(30, ge=1, le=100_000)
    """Fragments of showers with fewer voxels have no start."""


class PlaneAgreementConfig(LocalDedxConfig):
    """Ghosts from the charges of three planes, then classes of what is left."""

    iterations: int | None = Field(None, ge=1, le=1000)
    """Steps in which the charge of wires is shared among voxels; `none`: 3, 10, 30 or 100, whatever
    tells signal best on training events, and 30 without a fit."""


class TrueLabelsConfig(_PostProcessingConfig):
    """True classes, and true points where they are asked for."""

    resolution: float = Field(5.0, gt=0, le=50)
    """Voxels this near to a true point propose it, in voxels; the value of the networks."""
