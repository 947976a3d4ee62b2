"""What a fit to pads answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.parameters import Parameters

__all__ = ["FittedClusters", "TrackFits"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FittedClusters:
    """Clusters of all tracks one after another, C in all, each track's in the order of flight.

    Attributes:
        offsets: Clusters of track i are offsets[i]:offsets[i + 1], int64 (N + 1,).
        z_mm: Where the track crosses the cluster, as measured, float64 (C,).
        y_mm: The same, y.
        along_mm: Path along the track from its first cluster.
        residual_mm: Distance from one arc fitted to all used clusters of the track by their errors
            alone, without scattering. Positive on the left of the direction of flight, to which a
            positive curvature d(phi)/ds bends.
        error_mm: Standard error of the position across the track.
        charge: Sum of the leading pad and its two neighbours, ADC.
        charges: Leading pad and two on each side from the right of the track to its left, ADC, 0
            where there is none, (C, 5).
        offset: Position within the leading pad, in pitches to the left of the track.
        slope: Sine of the angle of the cluster to the normal of the track.
        kind: 0 column, 1 row, 2 diagonal, int64.
        used: Whether it lies on the track, bool.
        time_ns: Time of the leading pad, NaN where the samples have none.
    """

    offsets: NDArray[np.int64]
    z_mm: Array
    y_mm: Array
    along_mm: Array
    residual_mm: Array
    error_mm: Array
    charge: Array
    charges: Array
    offset: Array
    slope: Array
    kind: NDArray[np.int64]
    used: NDArray[np.bool_]
    time_ns: Array


@dataclass(frozen=True)
class TrackFits(Parameters):
    """N fitted tracks.

    Attributes:
        length_mm: Length between the first and the last cluster used, float64 (N,).
        good: Whether enough clusters were there for a curvature, bool (N,).
        clusters: Of all tracks.
    """

    length_mm: Array
    good: NDArray[np.bool_]
    clusters: FittedClusters
