"""Cherenkov light of a track: segments, each of which shines on a narrow cone.

A segment lights a sensor as an isotropic point does, times the density of its emission towards it
relative to an isotropic one, ``4 pi g(cos theta)``. For a cone g is a band in ``cos theta`` about
that of the cone, so narrow that along a segment the light of a sensor switches on and off. So the
band is integrated along the segment in closed form, as a difference of two error functions, and a
few segments suffice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_optics.physics.detector import Cylinder, Detector

__all__ = ["Segments", "band", "band_width", "direction_of", "exit_cm", "segments"]

Array = NDArray[np.float64]

_SAME = 1e-6  # cosines at the ends of a segment that differ by less are one


def band(first: Array, last: Array, centre: Array, width: Array) -> Array:
    """``4 pi g`` of a Gaussian band in the cosine, averaged between two cosines.

    Over the sphere its mean is 1: ``integral of 4 pi g d(cos theta) / 2``.

    Args:
        first: Cosine at one end of a segment.
        last: At its other end.
        centre: Of the band.
        width: RMS of the band.
    """
    low, high = (first - centre) / width, (last - centre) / width
    change = high - low
    point = np.exp(-0.5 * ((low + high) / 2) ** 2) / np.sqrt(2 * np.pi)
    same = np.abs(last - first) < _SAME
    mean = np.where(same, point, (ndtr(high) - ndtr(low)) / np.where(same, 1.0, change))
    density: Array = 2 * mean / width
    return density


def band_width(
    radius_cm: float, toward: Array, axis: Array, normal: Array, distance_cm: Array, blur: float
) -> Array:
    """RMS of the cosine of the emission over a sensor, with a blur added in squares.

    The cosine changes on the sensor's disc with the part of its gradient that lies in the disc;
    a coordinate of a disc has the RMS r / 2.

    Args:
        radius_cm: Of the sensors.
        toward: (..., S, 3), unit vectors from the segment to the sensors.
        axis: (..., 1, 3), of the track.
        normal: (S, 3), of the sensors.
        distance_cm: (..., S).
        blur: RMS of the cosine from all else.
    """
    cosine = (toward * axis).sum(-1, keepdims=True)
    gradient = (axis - cosine * toward) / distance_cm[..., None]
    out = (gradient * normal).sum(-1)
    inside = np.clip((gradient**2).sum(-1) - out**2, 0, None)
    width: Array = np.sqrt((radius_cm / 2) ** 2 * inside + blur**2)
    return width


def direction_of(frame: Array, angles: Array) -> Array:
    """Unit vectors (K, 3) of longitude and latitude (K, 2), rad, in a frame.

    Args:
        frame: (3, 3), rows are its axes; both angles are 0 along the first.
        angles: (K, 2). Near 0 they are angles between directions.
    """
    longitude, latitude = angles[:, 0], angles[:, 1]
    local = np.stack(
        [
            np.cos(longitude) * np.cos(latitude),
            np.sin(longitude) * np.cos(latitude),
            np.sin(latitude),
        ],
        axis=1,
    )
    vectors: Array = local @ frame
    return vectors


def exit_cm(detector: Detector, start_cm: Array, direction: Array) -> Array:
    """Way from points inside (K, 3) along directions (K, 3) to the wall, cm, (K,)."""
    volume = detector.volume
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(direction > 0, volume.high - start_cm, volume.low - start_cm) / direction
    ways = np.where(direction == 0, np.inf, ways)
    if isinstance(volume, Cylinder):
        ways[:, 0] = ways[:, 1] = _barrel(volume.radius_cm, start_cm[:, :2], direction[:, :2])
    nearest: Array = np.clip(ways.min(axis=1), 0, None)
    return nearest


def _barrel(radius: float, start: Array, across: Array) -> Array:
    square, along = (across**2).sum(1), (start * across).sum(1)
    inside = (start**2).sum(1) - radius**2
    root = np.sqrt(np.clip(along**2 - square * inside, 0, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        way: Array = np.where(square > 0, (root - along) / square, np.inf)
    return way


@dataclass(frozen=True)
class Segments:
    """A track cut into equal parts.

    Attributes:
        middle_cm: (K, n, 3).
        along_cm: (K, n), of the middles from the start.
        edge_cm: (K, n + 1, 3), their ends.
        share: (K,), of the track's light that starts inside of the volume.
    """

    middle_cm: Array
    along_cm: Array
    edge_cm: Array
    share: Array


def segments(
    detector: Detector, start_cm: Array, direction: Array, length_cm: Array, count: int
) -> Segments:
    """The part of tracks that is inside of the volume.

    Args:
        detector: Its volume holds the starts.
        start_cm: (K, 3).
        direction: (K, 3), unit vectors.
        length_cm: (K,), of the tracks.
        count: Number of segments.
    """
    inside = np.minimum(length_cm, exit_cm(detector, start_cm, direction))
    at_edge = inside[:, None] * np.arange(count + 1) / count
    at_middle = (at_edge[:, 1:] + at_edge[:, :-1]) / 2
    way = direction[:, None]
    return Segments(
        start_cm[:, None] + at_middle[..., None] * way,
        at_middle,
        start_cm[:, None] + at_edge[..., None] * way,
        inside / length_cm,
    )
