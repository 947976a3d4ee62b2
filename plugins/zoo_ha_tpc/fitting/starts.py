"""Where a track starts.

At the border of the plane, if it is near it: there it came in. Else between the pads that see it, by
how much charge the first of them have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import Clusters
from zoo_ha_tpc.fitting.ends import to_border
from zoo_ha_tpc.fitting.least_squares import Fit
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["START_CLASSES", "START_FEATURES", "border_mm", "start_classes", "start_features"]

Array = NDArray[np.float64]

START_CLASSES = 6
"""Kinds of the first cluster, times whether it is at the border of the plane."""

START_FEATURES = 4
"""Numbers that its place is a linear function of."""

_FIRST = START_FEATURES - 1  # clusters whose charges are looked at


def start_classes(clusters: Clusters, at_border: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Class of the start of each track, 0 to START_CLASSES - 1, (N,)."""
    return clusters.kind[:, 0] + 3 * at_border


def start_features(clusters: Clusters) -> Array:
    """What the distance of the start from the first cluster is a linear function of, (N, START_FEATURES).

    One, and the charges of the first three clusters over the mean of the track's middle, at most 2:
    a first pad that the track only touches has little.
    """
    total = np.where(clusters.present, clusters.charges[:, :, 1:4].sum(2), 0.0)
    number = np.maximum(clusters.present.sum(1), 1)
    typical = np.maximum(np.minimum(total, _clip(total, number)).sum(1) / number, 1.0)
    columns = [np.ones(len(total))]
    for index in range(_FIRST):
        one = total[:, index] if index < total.shape[1] else np.zeros(len(total))
        columns.append(np.minimum(one / typical, 2.0))
    return np.stack(columns, 1)


def border_mm(plane: PadPlane, fit: Fit, clusters: Clusters, at_border: NDArray[np.bool_]) -> Array:
    """How far behind the first cluster a track that starts at the border came in, else 0, (N,)."""
    first = np.where(clusters.present[:, 0], fit.path_mm[:, 0], 0.0)
    way = np.clip(to_border(plane, fit.arcs.at(first)), -_FURTHEST_MM, _FURTHEST_MM)
    return np.where(at_border, way, 0.0)


_FURTHEST_MM = 50.0


def _clip(total: Array, number: NDArray[np.int64]) -> Array:
    """Twice the mean: a delta electron does not make the others look small."""
    return np.asarray(2 * total.sum(1) / number)[:, None]
