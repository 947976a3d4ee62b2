"""Settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = ["AutomatonConfig", "DoubletNetConfig", "HelicesConfig", "TruePairsConfig"]


class DoubletNetConfig(Config):
    """A graph network whose nodes are pairs of hits."""

    width: Annotated[int, Field(ge=1)] = 24
    """Numbers that a pair of hits carries."""
    rounds: Annotated[int, Field(ge=1)] = 3
    """How often neighbours exchange messages."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability above which a pair of hits is taken for true."""
    shortest: Annotated[int, Field(ge=3)] = 5
    """Hits of the shortest track."""


class AutomatonConfig(Config):
    """A cellular automaton."""

    cut: Annotated[float, Field(gt=0)] = 20.0
    """Largest chi-square of a link: squared differences of curvature and slope over spreads."""
    shortest: Annotated[int, Field(ge=3)] = 5
    """Hits of the shortest track."""


class TruePairsConfig(Config):
    """The ceiling."""

    shortest: Annotated[int, Field(ge=3)] = 5
    """Hits of the shortest track."""


class HelicesConfig(Config):
    """Particles from the beam line in a solenoid."""

    fewest: Annotated[int, Field(ge=1)] = 30
    """Particles of the emptiest events."""
    most: Annotated[int, Field(ge=1)] = 100
    """Particles of the fullest events."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.97
    """Probability that a layer sees a particle."""
    noise: Annotated[float, Field(ge=0)] = 0.1
    """Noise hits, as a share of all others."""
    thickness: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Of a layer, radiation lengths."""
    resolution: Annotated[float, Field(gt=0)] = 0.03
    """Of a hit along the azimuth, mm."""
    pixels_z: Annotated[float, Field(gt=0)] = 0.3
    """Resolution of the inner four layers along the beam, mm."""
    strips_z: Annotated[float, Field(gt=0)] = 5.0
    """Resolution of the outer four layers along the beam, mm."""
    in_jets: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Share of the particles that fly in jets."""
    jet: Annotated[int, Field(ge=1)] = 12
    """Particles of a jet."""
    jet_width: Annotated[float, Field(gt=0)] = 0.03
    """Spread of a jet in azimuth (rad) and in cot(theta)."""

    @model_validator(mode="after")
    def _in_order(self) -> HelicesConfig:
        if self.most < self.fewest:
            raise ValueError("most must not be below fewest")
        return self
