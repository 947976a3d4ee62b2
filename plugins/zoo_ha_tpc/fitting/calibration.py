"""Constants of the fit: widths of the charge, corrections of positions, their errors, the start.

All of them are kept by category: kind of the cluster, how far it is off the normal of the track,
and how wide the charge of the track is, which grows with the drift.
Corrections are sums of smooth functions of where in the pad the track passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import DIAGONAL, Clusters
from zoo_ha_tpc.fitting.positions import Charges, Top
from zoo_ha_tpc.fitting.starts import START_FEATURES

__all__ = [
    "CATEGORIES",
    "FEATURES",
    "FORMS",
    "OFFSETS",
    "QUALITIES",
    "WIDTHS",
    "Calibration",
    "features",
    "forms",
    "offset_bins",
    "qualities",
    "widening",
]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SLANTS = np.array([0.1, 0.2, 0.3, 0.4])
FORMS = 3 * (len(_SLANTS) + 1)
"""Kinds times bins of the slant."""

WIDTHS = 4
"""Classes of tracks by the width of their charge."""

CATEGORIES = FORMS * WIDTHS
"""Forms of clusters times widths: category = form * WIDTHS + width."""

QUALITIES = 5
"""Both neighbours saw charge; one; none; part is lost in a gap, or faint; an end of the track."""

_FAINT = 0.3  # of the mean charge of the clusters of a track

_OFFSET_EDGES = np.array([0.1, 0.2, 0.3, 0.4])
OFFSETS = len(_OFFSET_EDGES) + 1
"""Bins of the distance from the centre of the pad, in pitches."""

FEATURES = 8
"""Functions that a correction is a sum of."""

_DEFAULT_ERROR_MM = (0.6, 1.0, 3.0, 2.0, 1.5)  # by quality, before any fit


def forms(clusters: Clusters) -> IntArray:
    """Form of each cluster, 0 to FORMS - 1, (N, M)."""
    slant = np.searchsorted(_SLANTS, np.abs(clusters.slant))
    return clusters.kind * (len(_SLANTS) + 1) + slant


def widening(clusters: Clusters, bend: Array, bend_error: Array) -> Array:
    """How much wider than usual the charge of each track is, in spreads of a cluster, (N,).

    The mean over its clusters in which both neighbours saw charge, each at most two spreads, and
    drawn to zero where there are few.

    Args:
        clusters: Of the tracks.
        bend: Usual second derivative of ln q of each cluster, (N, M).
        bend_error: Its spread.
    """
    charges = clusters.charges[:, :, 1:4]
    clear = clusters.present & (charges.min(2) > 0) & ~clusters.at_gap
    logs = np.log(np.maximum(charges, 1.0))
    seen = logs[:, :, 0] + logs[:, :, 2] - 2 * logs[:, :, 1]
    one = np.clip((seen - bend) / bend_error, -2, 2)
    return np.asarray(np.where(clear, one, 0.0).sum(1) / (clear.sum(1) + 3))


def qualities(clusters: Clusters, top: Top) -> IntArray:
    """Quality of each cluster, 0 to QUALITIES - 1, (N, M)."""
    total = np.where(clusters.present, clusters.charges[:, :, 1:4].sum(2), 0.0)
    mean = total.sum(1) / np.maximum(clusters.present.sum(1), 1)
    faint = total < _FAINT * mean[:, None]
    lost = clusters.at_gap | faint | ~clusters.is_pad[:, :, [1, 3]].all(2)
    return np.where(lost, 3, np.where(_at_end(clusters), 4, 2 - top.neighbours))


def _at_end(clusters: Clusters) -> NDArray[np.bool_]:
    """The first and the last cluster, and of diagonals, which lie closer, two at each end."""
    place = np.arange(clusters.present.shape[1])
    behind = clusters.present.sum(1)[:, None] - 1 - place
    return np.asarray(np.minimum(place, behind) < np.where(clusters.kind == DIAGONAL, 2, 1))


def offset_bins(top: Top) -> IntArray:
    """Bin of the offset, 0 to OFFSETS - 1, (N, M)."""
    return np.searchsorted(_OFFSET_EDGES, np.abs(top.offset))


def features(clusters: Clusters, top: Top, bend: Array, bend_error: Array) -> Array:
    """What the correction of a position is a sum of, (N, M, FEATURES).

    All are odd in a reflection on the track, so a cluster and its mirror image get opposite
    corrections, and even in a reversal of the direction of flight.

    Args:
        clusters: Of the tracks.
        top: Their tops.
        bend: Expected second derivative of ln q, (N, M).
        bend_error: Its spread.
    """
    offset, slant = top.offset, clusters.slant
    waves = [np.sin(2 * np.pi * order * offset) for order in (1, 2, 3)]
    outer = clusters.charges[:, :, 4] - clusters.charges[:, :, 0]
    rise = _rise(clusters)
    return np.stack(
        [
            offset,
            *waves,
            np.clip((top.bend - bend) / bend_error, -2, 2) * waves[0],
            outer / np.maximum(clusters.charges[:, :, 2], 1.0),
            slant * rise,
            slant * rise * offset**2,
        ],
        2,
    )


def _rise(clusters: Clusters) -> Array:
    """How much more charge the next cluster has than the one before: ln of the ratio, halved.

    The pads of a slanted cluster lie at different places along the track, so a charge that rises
    along it moves the cluster. The first cluster counts as one, the last as minus one.
    """
    total = np.where(clusters.present, clusters.charges[:, :, 1:4].sum(2), 0.0)
    logs = np.log(np.maximum(total, 1.0))
    before = np.pad(logs, ((0, 0), (1, 0)))[:, :-1]
    after = np.pad(logs, ((0, 0), (0, 1)))[:, 1:]
    rise = np.clip((after - before) / 2, -2, 2)
    place, last = np.arange(logs.shape[1]), clusters.present.sum(1)[:, None] - 1
    rise = np.where(place >= last, -1.0, rise)
    rise[:, 0] = 1.0
    return rise


def _default_bend() -> Array:
    """Gaussian of 5 mm across columns and rows, 5.7 mm across diagonals, in pitches."""
    pitch = np.repeat([10.19 / 5, 11.28 / 5, 15.2 / 5.7], FORMS // 3)
    return np.asarray(-(pitch**2))


def _by_width(form: Array) -> Array:
    return np.repeat(form, WIDTHS, axis=0)


def _default_errors() -> Array:
    by_quality = np.array(_DEFAULT_ERROR_MM)[:, None]
    return np.broadcast_to(by_quality, (CATEGORIES, QUALITIES, OFFSETS)).copy()


@dataclass(frozen=True)
class Calibration:
    """Constants of the fit; the defaults are those of no training.

    Attributes:
        charges: Noise, threshold and saturation.
        usual_bend: Second derivative of ln q per pitch^2 of tracks of all widths, (FORMS,).
        usual_bend_error: Its spread, (FORMS,).
        width_edges: Between the classes of width, (WIDTHS - 1,).
        bend: Expected second derivative of ln q per pitch^2, (CATEGORIES,).
        bend_error: Its spread, (CATEGORIES,).
        corrections: Coefficients of the features, mm across the track,
            (CATEGORIES, QUALITIES, FEATURES).
        errors_mm: Standard deviation of a position across the track,
            (CATEGORIES, QUALITIES, OFFSETS).
        starts: Coefficients of the distance of a start in the plane behind the first cluster, mm,
            by its kind, (3, START_FEATURES).
        start_errors_mm: Its standard deviation, by the same, (3,).
    """

    charges: Charges = field(
        default_factory=lambda: Charges(noise=4.4, threshold=25.0, saturation=4095.0)
    )
    usual_bend: Array = field(default_factory=_default_bend)
    usual_bend_error: Array = field(default_factory=lambda: 0.2 * np.abs(_default_bend()))
    width_edges: Array = field(default_factory=lambda: np.full(WIDTHS - 1, np.inf))
    bend: Array = field(default_factory=lambda: _by_width(_default_bend()))
    bend_error: Array = field(default_factory=lambda: 0.2 * np.abs(_by_width(_default_bend())))
    corrections: Array = field(default_factory=lambda: np.zeros((CATEGORIES, QUALITIES, FEATURES)))
    errors_mm: Array = field(default_factory=_default_errors)
    starts: Array = field(default_factory=lambda: np.zeros((3, START_FEATURES)))
    start_errors_mm: Array = field(default_factory=lambda: np.full(3, 4.0))

    def categories(self, clusters: Clusters) -> IntArray:
        """Category of each cluster, 0 to CATEGORIES - 1, (N, M)."""
        form = forms(clusters)
        wide = widening(clusters, self.usual_bend[form], self.usual_bend_error[form])
        return form * WIDTHS + np.searchsorted(self.width_edges, wide)[:, None]
