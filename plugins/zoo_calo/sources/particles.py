"""The particles that come in, from keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_calo.sources.config import GunConfig

__all__ = ["draw_particles"]

Floats = NDArray[np.float32]


def draw_particles(config: GunConfig, keys: NDArray[np.uint64]) -> tuple[Floats, Floats]:
    """Energy (GeV) and polar angle (rad) of every particle, float32 (N,)."""
    share = uniform(keys, 2, tag=1)
    if config.energies_gev:
        listed = np.array(config.energies_gev)
        energy = listed[(share[:, 0] * len(listed)).astype(int)]
    else:
        least, largest = config.energy_gev
        if config.spectrum == "uniform":
            energy = least + (largest - least) * share[:, 0]
        else:
            energy = least * (largest / least) ** share[:, 0]
    low, high = np.radians(config.theta_deg)
    theta = low + (high - low) * share[:, 1]
    return energy.astype(np.float32), theta.astype(np.float32)
