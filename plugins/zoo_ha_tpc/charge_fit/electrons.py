"""How many electrons tracks free, and how far they drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Electrons", "Ionisation"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ionisation:
    """Electrons of tracks in general.

    Attributes:
        per_mm: Their mean.
        variance: Of their number per mm, of the middle of its distribution.
        relative: Standard deviation of a charge from what the response says, relative to it.
    """

    per_mm: float
    variance: float
    relative: float


@dataclass(frozen=True)
class Electrons:
    """Electrons of N tracks.

    Attributes:
        drift_mm: How far they drift, (N,).
        per_mm: How many there are, (N,).
    """

    drift_mm: Array
    per_mm: Array
