"""Settings of the rows without a network."""

from __future__ import annotations

from pydantic import Field

from zoo.api import Config

__all__ = ["NearestStartConfig", "TrueGroupsConfig"]


class NearestStartConfig(Config):
    """Showers by cones, tracks by continuation, interactions by nearness and direction."""

    events: int = Field(200, ge=1, le=100_000)
    """Training events that distances, angles and kinds are fitted to: those of the lowest ids."""


class TrueGroupsConfig(Config):
    """True groups of the input clusters: nothing to choose."""
