"""Direct light from a point to flat discs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["expected_share", "facts_of"]

Array = NDArray[np.float64]
RADIUS = 100.0  # of a photomultiplier, mm


def facts_of(*, size: float, side: int, attenuation: float) -> Mapping[str, Any]:
    """Box and attenuation (mm), positions ``(P, 3)`` and inward normals ``(P, 3)`` of the PMTs."""
    line = size * ((np.arange(side) + 0.5) / side - 0.5)
    x, y = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    floor = np.stack([x, y, np.full_like(x, -size / 2)], 1)
    up = np.tile([0.0, 0.0, 1.0], (len(x), 1))
    position = np.concatenate([floor, floor * [1, 1, -1]])
    return {
        "geometry": {"size": size, "position": position, "normal": np.concatenate([up, -up])},
        "attenuation": attenuation,
    }


def expected_share(position: Array, facts: Mapping[str, Any]) -> Array:
    """Share ``(N, P)`` of an isotropic flash at ``position`` ``(N, 3)``, mm, that is detected.

    The solid angle of a distant disc over 4 pi, ``r^2 cos(angle) / (4 d^2)``, times
    ``exp(-d / attenuation)``.
    """
    geometry = facts["geometry"]
    way = geometry["position"] - position[:, None]
    distance = np.linalg.norm(way, axis=2)
    cosine = -(way * geometry["normal"]).sum(2) / distance
    share: Array = RADIUS**2 * cosine / (4 * distance**2)
    share *= np.exp(-distance / facts["attenuation"])
    return share
