"""Settings of mini-gan."""

from __future__ import annotations

from zoo.api import Config


class GanConfig(Config):
    """Three networks and the losses between them."""

    latent: int = 8
    """Dimension of the latent space, uniform in [-1, 1)."""
    hidden: int = 32
    """Width of the hidden layers."""
    critic_updates: int = 3
    """Updates of the critic per update of the generator."""
    latent_rate: float = 0.9
    """Step of the latent optimisation, alpha of LOGAN."""
    latent_damping: float = 5.0
    """Damping of that step, beta of LOGAN."""
    penalty: float = 5.0
    """Weight of the critic's gradient penalty."""
    constraint: float = 10.0
    """Weight of the energy constraint in the generator's loss."""
    move: float = 0.1
    """Weight of the distance that the latent optimisation moves."""


class BaselineConfig(Config):
    """Nothing to set."""


class ShowersConfig(Config):
    """Electrons into a sampling calorimeter."""

    minimum: float = 10.0
    """Lowest energy, GeV."""
    maximum: float = 100.0
    """Highest energy, GeV."""
    layers: int = 24
    """Layers read out."""
    thickness: float = 1.0
    """Depth of one layer, radiation lengths."""
    sampling: float = 0.1
    """Stochastic term of one layer: sigma(E)/E at 1 GeV."""
