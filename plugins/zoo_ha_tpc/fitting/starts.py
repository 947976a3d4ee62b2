"""Where a track starts: between the pads that see it, by how much charge the first of them have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import Clusters

__all__ = ["START_CLASSES", "START_FEATURES", "start_classes", "start_features"]

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


def _clip(total: Array, number: NDArray[np.int64]) -> Array:
    """Twice the mean: a delta electron does not make the others look small."""
    return np.asarray(2 * total.sum(1) / number)[:, None]
