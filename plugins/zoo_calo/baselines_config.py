"""Settings of the rows without a network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zoo.api import Config

__all__ = ["AnotherShowerConfig", "GflashShowersConfig"]


class GflashShowersConfig(Config):
    """Parametrised showers."""

    detector: str = ""
    """Calorimeter (a name or a TOML file); empty: the one that the data name."""
    particle: Literal["auto", "gamma", "e-", "pi+"] = "auto"
    """What comes in; auto: what the data tell, photons if they do not."""
    angles: bool = False
    """Read the samples' angles. Data that were simulated at more than one need no telling."""
    showers: int = Field(1000, ge=10, le=100_000)
    """Training showers to which free constants are fitted."""
    passes: int = Field(3, ge=0, le=20)
    """Rounds of that fit; 0: the detector's own constants."""


class AnotherShowerConfig(Config):
    """Showers of the training data in place of new ones."""

    angles: bool = False
    """Compare angles too. Data that were simulated at more than one need no telling."""
    within: float = Field(0.5, gt=0, le=10)
    """Showers this near in energy, in per cent, are alike: a sample's key draws one of them. One
    degree of angle counts as much as one per cent."""
    choice: int = Field(1000, ge=1)
    """Where fewer are alike, so many of the nearest are drawn from."""
    reach: float = Field(10.0, gt=0, le=50)
    """None of those is farther away than this, in per cent; where there are none, the nearest is
    taken."""
    showers: int = Field(100_000, ge=1)
    """Most training showers that are kept."""
