"""Settings of mini-light."""

from __future__ import annotations

from zoo.api import Config


class SirenConfig(Config):
    """One network for all photomultipliers."""

    hidden: int = 32
    """Width of the hidden layers."""
    frequency: float = 3.0
    """Frequency of the first sine, omega_0."""


class NothingConfig(Config):
    """Nothing to set."""


class FlashesConfig(Config):
    """A box with photomultipliers on its floor and roof."""

    size: float = 2000.0
    """Edge of the box, mm."""
    side: int = 4
    """Photomultipliers along one edge of floor or roof."""
    attenuation: float = 3000.0
    """Attenuation length, mm."""
    photons: float = 2.0e5
    """Detectable photons of one flash."""
