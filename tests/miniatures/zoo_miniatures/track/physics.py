"""Charge of straight tracks on pads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["PITCH", "ROWS", "VELOCITY", "edges", "pad_shares", "row_offsets"]

Array = NDArray[np.float64]
ROWS, PADS = 6, 16
PITCH = 10.0  # of pads and rows, mm
VELOCITY = 70.0  # of drifting electrons, mm/us
_INTRINSIC = 2.5  # spread of an avalanche, mm


def row_offsets() -> Array:
    """Distance ``(ROWS,)`` of each row to the middle of the plane, mm."""
    offsets: Array = PITCH * (np.arange(ROWS, dtype=np.float64) - (ROWS - 1) / 2)
    return offsets


def edges() -> Array:
    """Edges ``(PADS + 1,)`` of the pads, mm."""
    limits: Array = PITCH * (np.arange(PADS + 1, dtype=np.float64) - PADS / 2)
    return limits


def pad_shares(centre: Array, drift: Array, facts: Mapping[str, Any]) -> Array:
    """Share ``(..., PADS)`` of a charge at ``centre`` ``(...)``, mm, after ``drift`` ``(...)``, mm.

    A Gaussian integrated over each pad; its variance grows linearly with the drift.
    """
    width = np.sqrt(_INTRINSIC**2 + facts["diffusion"] ** 2 * drift)
    shares: Array = np.diff(ndtr((edges() - centre[..., None]) / width[..., None]), axis=-1)
    return shares
