"""Frames with y vertical, as WCSim's and WCTE's events have, in ours with z vertical."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["direction_of_angles", "upright"]

Array = NDArray[np.float64]


def upright(vectors: Array) -> Array:
    """Vectors (..., 3) of a frame with y vertical in ours: (x, -z, y), a rotation."""
    turned: Array = np.stack([vectors[..., 0], -vectors[..., 2], vectors[..., 1]], axis=-1)
    return turned


def direction_of_angles(angles: Array) -> Array:
    """Unit vectors (N, 3), in our frame, of WatChMaL's angles.

    Args:
        angles: (N, 2), polar from the vertical y, and azimuth from x towards z, radians.
    """
    polar, azimuth = angles[:, 0], angles[:, 1]
    sine = np.sin(polar)
    in_file = np.stack([sine * np.cos(azimuth), np.cos(polar), sine * np.sin(azimuth)], axis=1)
    return upright(in_file)
