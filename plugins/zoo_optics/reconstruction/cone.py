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

from zoo_optics.physics.detector import Cylinder, Detector

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
    off = np.sqrt(np.clip(np.einsum("ksi,ksi->ks", way, way) - ahead**2, 0, None))
    seen = _Ends(
        sensors.radius_cm,
        ahead,
        off,
        np.einsum("ksi,si->ks", way, sensors.direction),
        direction @ sensors.direction.T,
    )
    sine, cosine = np.sin(cone)[:, None], np.cos(cone)[:, None]
    along = np.clip(ahead - off * cosine / sine, 0, inside[:, None])
    first, last = (seen.within(end, cosine, blur) for end in (0 * inside, inside))
    return Lighting(
        along,
        start_cm[:, None] + along[..., None] * direction[:, None],
        2 * off / sine**3 / length_cm[:, None] * np.clip(first - last, 0, 1),
        np.hypot(off, ahead - np.clip(ahead, 0, inside[:, None])),
        inside,
    )


@dataclass(frozen=True)
class _Ends:
    """Sensors seen from points of a track: along it, off it, and along their normals (K, S)."""

    radius_cm: float
    ahead: Array
    off: Array
    depth: Array
    normal: Array

    def within(self, end_cm: Array, cone: Array, blur: float) -> Array:
        """Share of every sensor (K, S) that lies within the cone of a point of the track (K,)."""
        ahead = self.ahead - end_cm[:, None]
        distance = np.maximum(np.hypot(self.off, ahead), 1e-6)
        cosine = ahead / distance
        facing = (self.depth - end_cm[:, None] * self.normal) / distance
        width = cosine_width(self.radius_cm / distance, cosine, facing, self.normal)
        share: Array = ndtr((cosine - cone) / np.sqrt(width**2 + blur**2))
        return share


def cosine_width(ratio: Array, cosine: Array, facing: Array, normal: Array) -> Array:
    """RMS over a sensor of the cosine between a track and the way to its points.

    The cosine changes on the sensor's disc with the part of its gradient that lies in the disc; a
    coordinate of a disc has the RMS r / 2.

    Args:
        ratio: Radius of the sensors over their distance.
        cosine: Of the angle between the track and the way to their centres.
        facing: Of that between the way and their normals.
        normal: Of that between the track and their normals.
    """
    inside = 1 - cosine**2 - (normal - cosine * facing) ** 2
    width: Array = ratio / 2 * np.sqrt(np.clip(inside, 0, None))
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
