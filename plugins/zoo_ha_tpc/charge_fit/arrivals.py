"""When the electrons of tracks arrive, to begin with: by the times of the leading pads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.times import arrival_lines
from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["arrivals_of"]

Array = NDArray[np.float64]


def arrivals_of(tracks: Tracks, length_mm: Array, peaking_ns: float) -> tuple[Array, Array]:
    """Straight lines through the times of leading pads along the tracks.

    Args:
        tracks: Their clusters.
        length_mm: From the first cluster to the last, (N,).
        peaking_ns: Of the electronics.

    Returns:
        When the electrons of the first cluster arrive, ns, and how much later others do, ns/mm,
        (N,) each; NaN and 0 where no time is known.
    """
    time, path = tracks.clusters.time_ns, tracks.fit.scattered.path_mm
    known = tracks.clusters.present & ~np.isnan(time)
    first = np.where(known.any(1), np.where(known, path, np.inf).min(1), 0.0)
    place = (path - first[:, None]) / length_mm[:, None]
    arrival, later = arrival_lines(place, time, known, peaking_ns)
    return arrival, later / length_mm
