"""Where a track starts.

At the border of the plane, if it is near it: there it came in. Else between the pads that see it,
by how much charge the first of them have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import Clusters
from zoo_ha_tpc.fitting.ends import to_border
from zoo_ha_tpc.fitting.least_squares import Fit
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["AT_BORDER_MM", "START_FEATURES", "Border", "border_of", "start_features"]

Array = NDArray[np.float64]
Border = tuple[Array, Array]
"""Normal (z, y) of the border on which tracks start, zero for those that start elsewhere, (N,)."""

START_FEATURES = 4
"""Numbers that the place of a start is a linear function of."""

AT_BORDER_MM = 0.1
"""Standard error along the track of a start at the border."""

_FIRST = START_FEATURES - 1  # clusters whose charges are looked at
_FURTHEST_MM = 50.0


def start_features(clusters: Clusters) -> Array:
    """What a start behind the first cluster is a linear function of, (N, START_FEATURES).

    One, and the charges of the first three clusters over the mean of the track's middle, at most 2:
    a first pad that the track only touches has little.
    """
    total = np.where(clusters.present, clusters.charges[:, :, 1:4].sum(2), 0.0)
    number = np.maximum(clusters.present.sum(1), 1)
    # Clipped at twice the mean: a delta electron does not make the others look small.
    clipped = np.minimum(total, (2 * total.sum(1) / number)[:, None])
    typical = np.maximum(clipped.sum(1) / number, 1.0)
    columns = [np.ones(len(total))]
    for index in range(_FIRST):
        one = total[:, index] if index < total.shape[1] else np.zeros(len(total))
        columns.append(np.minimum(one / typical, 2.0))
    return np.stack(columns, 1)


def border_of(
    plane: PadPlane, fit: Fit, first_mm: Array, at_border: NDArray[np.bool_]
) -> tuple[Array, Border]:
    """Where tracks that start at the border came in.

    Args:
        plane: The pad plane.
        fit: Arcs.
        first_mm: Path to the first cluster, (N,).
        at_border: Which start there, bool (N,).

    Returns:
        How far behind the first cluster, mm, (N,), and the border.
    """
    way, over_z = to_border(plane, fit.arcs.at(first_mm))
    normal = np.where(at_border & over_z, 1.0, 0.0), np.where(at_border & ~over_z, 1.0, 0.0)
    return np.clip(way, -_FURTHEST_MM, _FURTHEST_MM), normal
