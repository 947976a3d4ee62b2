"""How photons start: to all sides, on a cone, along a track, or all in one direction."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.transport import turned
from zoo_optics.physics.water import C_CM_NS

__all__ = ["Emission", "emitted", "isotropic"]

Array = NDArray[np.float64]


class Emission(Protocol):
    """What says how light starts."""

    @property
    def emission(self) -> str:
        """``isotropic``, ``cone``, ``track`` or ``beam``."""
        ...

    @property
    def cone_deg(self) -> float:
        """Half opening of the cone."""
        ...

    @property
    def track_cm(self) -> float:
        """Length of a track."""
        ...


def emitted(
    how: Emission, position: Array, direction: Array, count: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Photons of one flash.

    Args:
        how: The settings.
        position: (3,), cm, where it starts.
        direction: (3,), unit vector of its axis; of no meaning where it has none.
        count: Number of photons.
        rng: All that is random comes from it.

    Returns:
        Start (count, 3), cm; direction (count, 3); delay (count,), ns. Along a track, light starts
        as the charge passes, at the speed of light.
    """
    start, delay = np.tile(position, (count, 1)), np.zeros(count)
    axis = np.tile(direction, (count, 1))
    if how.emission == "isotropic":
        return start, isotropic(rng.random((count, 2))), delay
    if how.emission == "beam":
        return start, axis, delay
    if how.emission == "track":
        along = how.track_cm * rng.random(count)
        start, delay = start + along[:, None] * axis, along / C_CM_NS
    cosine = np.full(count, np.cos(np.deg2rad(how.cone_deg)))
    return start, turned(axis, cosine, rng), delay


def isotropic(uniform: Array) -> Array:
    """Unit vectors spread evenly over the sphere, float64 (N, 3), of (N, 2) in [0, 1)."""
    z = 2 * uniform[:, 0] - 1
    phi = 2 * np.pi * uniform[:, 1]
    across = np.sqrt(np.clip(1 - z**2, 0, None))
    return np.stack([across * np.cos(phi), across * np.sin(phi), z], axis=1)
