"""How many electrons tracks free, how far they drift, and when they arrive."""

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
        arrival_ns: When those arrive that are freed where the course starts, (N,).
        later_ns_mm: How much later those do that are freed further on, (N,).
    """

    drift_mm: Array
    per_mm: Array
    arrival_ns: Array
    later_ns_mm: Array
