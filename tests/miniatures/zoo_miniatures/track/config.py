"""Settings of mini-track."""

from __future__ import annotations

from zoo.api import Config


class PadNetConfig(Config):
    """A small convolutional network."""

    width: int = 8
    """Channels."""
    keep: float = 0.9
    """Share of tracks that the cut on the uncertainty keeps."""
    gain: float = 0.05
    """Largest relative change of the gain in augmentation."""


class BaselineConfig(Config):
    """Classical reconstruction."""

    sigma: float = 1.0
    """Uncertainty it reports, mm, unless fitted."""


class TracksConfig(Config):
    """A pad plane under a drift volume."""

    noise: float = 8.0
    """Noise of a pad, ADC."""
    diffusion: float = 0.25
    """Transverse diffusion, mm per square root of mm."""
    depth: float = 500.0
    """Longest drift, mm."""
