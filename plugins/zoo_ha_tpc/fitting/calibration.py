"""Constants of the fit: widths of the charge, corrections of positions, their errors, the start.

All of them are kept by category: kind of the cluster and how far it is off the normal of the track.
Corrections are sums of smooth functions of where in the pad the track passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import Clusters
from zoo_ha_tpc.fitting.positions import Charges, Top
from zoo_ha_tpc.fitting.starts import START_CLASSES, START_FEATURES

__all__ = [
    "CATEGORIES",
    "FEATURES",
    "OFFSETS",
    "QUALITIES",
    "Calibration",
    "categories",
    "features",
    "offset_bins",
    "qualities",
]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SLANTS = np.array([0.1, 0.2, 0.3, 0.4])
CATEGORIES = 3 * (len(_SLANTS) + 1)
"""Kinds times bins of the slant."""

QUALITIES = 4
"""Both neighbours saw charge; one; none; or a pad or charge is lost in a gap between modules."""

_OFFSET_EDGES = np.array([0.1, 0.2, 0.3, 0.4])
OFFSETS = len(_OFFSET_EDGES) + 1
"""Bins of the distance from the centre of the pad, in pitches."""

FEATURES = 8
"""Functions that a correction is a sum of."""

_DEFAULT_ERROR_MM = (0.6, 1.0, 3.0, 2.0)  # by quality, before any fit


def categories(clusters: Clusters) -> IntArray:
    """Category of each cluster, 0 to CATEGORIES - 1, (N, M)."""
    slant = np.searchsorted(_SLANTS, np.abs(clusters.slant))
    return clusters.kind * (len(_SLANTS) + 1) + slant


def qualities(clusters: Clusters, top: Top) -> IntArray:
    """Quality of each cluster, 0 to QUALITIES - 1, (N, M)."""
    lost = clusters.at_gap | ~clusters.is_pad[:, :, [1, 3]].all(2)
    return np.where(lost, 3, 2 - top.neighbours)


def offset_bins(top: Top) -> IntArray:
    """Bin of the offset, 0 to OFFSETS - 1, (N, M)."""
    return np.searchsorted(_OFFSET_EDGES, np.abs(top.offset))


def features(clusters: Clusters, top: Top) -> Array:
    """What the correction of a position is a sum of, (N, M, FEATURES).

    All are odd in a reflection on the track, so a cluster and its mirror image get opposite
    corrections, and even in a reversal of the direction of flight.
    """
    offset, slant = top.offset, clusters.slant
    waves = [np.sin(2 * np.pi * order * offset) for order in (1, 2, 3)]
    outer = clusters.charges[:, :, 4] - clusters.charges[:, :, 0]
    rise = _rise(clusters)
    return np.stack(
        [
            offset,
            *waves,
            (top.bend + 5.0).clip(-10, 10) / 5 * waves[0],
            outer / np.maximum(clusters.charges[:, :, 2], 1.0),
            slant * rise,
            slant * rise * offset**2,
        ],
        2,
    )


def _rise(clusters: Clusters) -> Array:
    """How much more charge the next cluster has than the one before: ln of the ratio, halved.

    The pads of a slanted cluster lie at different places along the track, so a charge that rises
    along it moves the cluster.
    """
    total = np.where(clusters.present, clusters.charges[:, :, 1:4].sum(2), 0.0)
    logs = np.log(np.maximum(total, 1.0))
    before = np.pad(logs, ((0, 0), (1, 0)))[:, :-1]
    after = np.pad(logs, ((0, 0), (0, 1)))[:, 1:]
    inside = np.pad(clusters.present, ((0, 0), (0, 1)))[:, 1:]
    inside[:, 0] = False
    return np.where(inside, (after - before) / 2, 0.0).clip(-2, 2)


def _default_bend() -> Array:
    """Gaussian of 4.5 mm across the pads, in pitches of columns, rows and diagonals."""
    pitch = np.repeat([10.19, 11.28, 15.2], CATEGORIES // 3)
    return np.asarray(-((pitch / 4.5) ** 2))


def _default_start_errors() -> Array:
    """Of a place in a pad; at the border that of the fit alone."""
    return np.repeat([4.0, 0.5], START_CLASSES // 2)


def _default_errors() -> Array:
    by_quality = np.array(_DEFAULT_ERROR_MM)[:, None]
    return np.broadcast_to(by_quality, (CATEGORIES, QUALITIES, OFFSETS)).copy()


@dataclass(frozen=True)
class Calibration:
    """Constants of the fit; the defaults are those of no training.

    Attributes:
        charges: Noise, threshold and saturation.
        bend: Expected second derivative of ln q per pitch^2, (CATEGORIES,).
        bend_error: Its spread, (CATEGORIES,).
        corrections: Coefficients of the features, mm across the track,
            (CATEGORIES, QUALITIES, FEATURES).
        errors_mm: Standard deviation of a position across the track,
            (CATEGORIES, QUALITIES, OFFSETS).
        starts: Coefficients of the distance of the start behind the first cluster, mm;
            at the border behind the border; (START_CLASSES, START_FEATURES).
        start_errors_mm: Its standard deviation, (START_CLASSES,).
    """

    charges: Charges = field(
        default_factory=lambda: Charges(noise=4.4, threshold=25.0, saturation=4095.0)
    )
    bend: Array = field(default_factory=_default_bend)
    bend_error: Array = field(default_factory=lambda: 0.4 * np.abs(_default_bend()))
    corrections: Array = field(default_factory=lambda: np.zeros((CATEGORIES, QUALITIES, FEATURES)))
    errors_mm: Array = field(default_factory=_default_errors)
    starts: Array = field(default_factory=lambda: np.zeros((START_CLASSES, START_FEATURES)))
    start_errors_mm: Array = field(default_factory=_default_start_errors)
