"""Where the track crosses a cluster: the top of a Gaussian through the logarithms of the charges.

For charges of a Gaussian profile, ln q is a parabola of the place: with leading charge q0 and its
neighbours q- and q+, a pitch apart, the top lies at ln(q+/q-) / (2 ln(q0^2/(q+ q-))) pitches.
Charges have errors and neighbours may be below the threshold, so the bend of the parabola is
measured together with what is known of it beforehand; with both neighbours well above the noise
nothing but the formula is left, with one of them the known width decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.clusters import Clusters

__all__ = ["Charges", "Top", "top_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Charges:
    """What charges of pads are like.

    Attributes:
        noise: Standard deviation of a charge, ADC.
        threshold: Below it a pad reports none, ADC.
        saturation: Charges from here on are lower limits, ADC.
        relative: Standard deviation of a charge relative to itself: what the profile is not.
    """

    noise: float
    threshold: float
    saturation: float
    relative: float = 0.05


@dataclass(frozen=True)
class Top:
    """The top of each cluster.

    Attributes:
        offset: From the centre of the leading pad, in pitches to the left of the track, (N, M).
        bend: Second derivative of ln q per pitch^2, negative, (N, M).
        neighbours: How many of the two reported a charge, int64 (N, M).
    """

    offset: Array
    bend: Array
    neighbours: NDArray[np.int64]


_ABSENT_VARIANCE = (
    4.0  # of ln q of a pad below the threshold: up to about two below ln(threshold/2)
)
_UNKNOWN_VARIANCE = 1e6  # of a pad that does not exist
_SATURATED_VARIANCE = 1.0


def top_of(clusters: Clusters, charges: Charges, bend: Array, bend_error: Array) -> Top:
    """Log-charge position of each cluster.

    Args:
        clusters: As found, (N, M).
        charges: Noise and threshold.
        bend: Expected second derivative of ln q per pitch^2 (for a Gaussian of width sigma pitches
            -1/sigma^2), (N, M).
        bend_error: Its standard deviation, (N, M).
    """
    seen = clusters.charges[:, :, 1:4]
    logs, variance = _logarithms(seen, clusters.is_pad[:, :, 1:4], charges)
    left, right = logs[:, :, 2] - logs[:, :, 1], logs[:, :, 0] - logs[:, :, 1]
    measured, slope = left + right, (left - right) / 2
    bend_variance = variance[:, :, 0] + variance[:, :, 2] + 4 * variance[:, :, 1]
    together = (variance[:, :, 2] - variance[:, :, 0]) / 2
    pull = (bend - measured) / (bend_variance + bend_error**2)
    top_bend = np.minimum(measured + bend_variance * pull, -_FLATTEST)
    offset = -(slope + together * pull) / top_bend
    return Top(
        np.clip(offset, -_FURTHEST, _FURTHEST),
        top_bend,
        (seen[:, :, [0, 2]] > 0).sum(2).astype(np.int64),
    )


_FLATTEST = 0.05
_FURTHEST = 0.8  # pitches: the leading pad has most charge, so half a pitch and its error


def _logarithms(seen: Array, is_pad: NDArray[np.bool_], charges: Charges) -> tuple[Array, Array]:
    """Logarithm of q and its variance; without a charge, what the threshold leaves open."""
    absent = seen <= 0
    value = np.where(absent, charges.threshold / 2, np.maximum(seen, 1.0))
    variance = (charges.noise / value) ** 2 + charges.relative**2
    variance = np.where(seen >= charges.saturation, _SATURATED_VARIANCE, variance)
    variance = np.where(absent, _ABSENT_VARIANCE, variance)
    return np.log(value), np.where(is_pad, variance, _UNKNOWN_VARIANCE)
