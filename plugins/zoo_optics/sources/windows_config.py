"""Settings of the source ``lar-windows``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from zoo.api import Config
from zoo_optics.sources.config import LarBoxConfig

__all__ = ["LarWindowsConfig"]

Fraction = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LarWindowsConfig(Config):
    """Readout windows of a box of liquid argon with several interactions in each."""

    box: LarBoxConfig = LarBoxConfig()
    """The box, its sensors and its light; its ``photons`` have no meaning here."""
    interactions: int = Field(8, ge=1)
    """Interactions in a window."""
    window_us: float = Field(1250.0, ge=0, allow_inf_nan=False)
    """Length of a window, within which flashes come; the default is a drift over the box."""
    drift_cm_us: float = Field(0.16, gt=0, allow_inf_nan=False)
    """Speed of the electrons towards the sensors; the default is that at 500 V/cm."""
    track_cm: tuple[Length, Length] = (5.0, 200.0)
    """Least and largest length of a track, drawn log-uniformly, before the walls cut it."""
    segment_cm: Length = 5.0
    """Longest segment of a candidate; a track that is shorter is one point."""
    photons_per_cm: float = Field(50_000.0, gt=0, allow_inf_nan=False)
    """Photons that a candidate's charge tells; the default: 2.1 MeV/cm and 24,000 per MeV."""
    yield_spread: float = Field(0.1, ge=0, le=1)
    """Relative spread of the true light of an interaction about that."""
    segment_spread: float = Field(0.1, ge=0, le=1)
    """The same of a single segment."""
    without_charge: Fraction = 0.0
    """Share of interactions whose charge is not seen: their flash has no candidate."""
    without_flash: Fraction = 0.0
    """Share of interactions whose light is not seen: their candidate has no flash."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.track_cm[0] > self.track_cm[1]:
            raise ValueError(f"track_cm must be least, largest, not {self.track_cm}")
        return self
