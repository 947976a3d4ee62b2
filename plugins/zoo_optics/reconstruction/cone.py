"""Cherenkov light of a track, whose every point shines on a narrow cone.

A point lights a sensor as an isotropic one does, times the density of its emission towards it
relative to an isotropic one: ``4 pi g(cos theta)``, whose mean over the sphere is 1. For a cone
that is a narrow band about the cone's cosine. Along the track the cosine towards a sensor falls,
and the sensor is lit from one place: there the band is integrated in closed form, which leaves the
isotropic visibility of that place, ``2 / |d cos theta / ds|``, and two error functions for the
ends of the track, which are as wide as the sensor is seen from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_optics.physics.detector import Cylinder, Detector, Sensors

__all__ = ["Lighting", "cosine_width", "direction_of", "exit_cm", "lighting"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lighting:
    """From where tracks light sensors, and how strongly.

    Attributes:
        along_cm: (K, S), of the place that lights a sensor from the start of the track, within it.
        place_cm: (K, S, 3), there.
        emission: (K, S), mean along the track of ``4 pi g`` towards the sensor.
        axis_cm: (K, S), distance of the sensor from the part of the track inside.
        inside_cm: (K,), length of that part.
    """

    along_cm: Array
    place_cm: Array
    emission: Array
    axis_cm: Array
    inside_cm: Array


def lighting(
    detector: Detector,
    start_cm: Array,
    direction: Array,
    *,
    cone: Array,
    length_cm: Array,
    blur: float,
) -> Lighting:
    """How tracks light all sensors of a detector.

    Args:
        detector: Its volume holds the starts.
        start_cm: (K, 3).
        direction: (K, 3), unit vectors.
        cone: (K,), half opening, rad.
        length_cm: (K,), of the tracks, which may leave the volume.
        blur: RMS of the cosine of the emission.
    """
    sensors = detector.sensors
    inside = np.minimum(length_cm, exit_cm(detector, start_cm, direction))
    way = sensors.position_cm - start_cm[:, None]
    ahead = np.einsum("ksi,ki->ks", way, direction)
    off = np.linalg.norm(way - ahead[..., None] * direction[:, None], axis=2)
    sine, cosine = np.sin(cone)[:, None], np.cos(cone)[:, None]
    along = np.clip(ahead - off * cosine / sine, 0, inside[:, None])
    first, last = (
        _beyond(sensors, way - end[:, None, None] * direction[:, None], direction, cosine, blur)
        for end in (np.zeros_like(inside), inside)
    )
    lit = np.clip(first - last, 0, 1)
    return Lighting(
        along,
        start_cm[:, None] + along[..., None] * direction[:, None],
        2 * off / sine**3 / length_cm[:, None] * lit,
        np.hypot(off, ahead - np.clip(ahead, 0, inside[:, None])),
        inside,
    )


def _beyond(sensors: Sensors, way: Array, direction: Array, cone: Array, blur: float) -> Array:
    """Share of sensors (K, S) that lie within the cone of a point; ``way`` leads to them."""
    distance = np.maximum(np.linalg.norm(way, axis=2), 1e-6)
    toward = way / distance[..., None]
    width = cosine_width(
        sensors.radius_cm / distance, toward, direction[:, None], sensors.direction
    )
    cosine = np.einsum("ksi,ki->ks", toward, direction)
    share: Array = ndtr((cosine - cone) / np.sqrt(width**2 + blur**2))
    return share


def cosine_width(ratio: Array, toward: Array, axis: Array, normal: Array) -> Array:
    """RMS over a sensor of the cosine between a track and the way to its points.

    The cosine changes on the sensor's disc with the part of its gradient that lies in the disc; a
    coordinate of a disc has the RMS r / 2.

    Args:
        ratio: (..., S), radius of the sensors over their distance.
        toward: (..., S, 3), unit vectors to their centres.
        axis: (..., 1, 3), unit vector of the track.
        normal: (S, 3), of the sensors.
    """
    gradient = axis - (toward * axis).sum(-1, keepdims=True) * toward
    out = (gradient * normal).sum(-1)
    inside = np.clip((gradient**2).sum(-1) - out**2, 0, None)
    width: Array = ratio / 2 * np.sqrt(inside)
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
