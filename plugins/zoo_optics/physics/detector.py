"""Photosensors and the volume that they look into.

Frame: z is the axis of a cylinder (vertical), lengths are in cm, the origin is wherever the
geometry says. A sensor is a disc with an inward normal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError

__all__ = [
    "Box",
    "Cylinder",
    "Detector",
    "Sensors",
    "alive_of",
    "cylinder_layout",
    "detector_of",
]

Array = NDArray[np.float64]
_UNIT = 1e-3  # how far from one the norm of a direction may be


@dataclass(frozen=True)
class Sensors:
    """Discs that see light.

    Attributes:
        position_cm: float64 (sensors, 3), centres.
        direction: float64 (sensors, 3), unit vectors into the volume.
        radius_cm: Radius of each disc.
    """

    position_cm: Array
    direction: Array
    radius_cm: float

    def __post_init__(self) -> None:
        shape = self.position_cm.shape
        if self.direction.shape != shape or len(shape) != 2 or shape[1] != 3 or not shape[0]:
            raise DataError(
                f"positions {shape} and directions {self.direction.shape}",
                where="sensors",
                remedy="give both as (sensors, 3), at least one",
            )
        norms = np.linalg.norm(self.direction, axis=1)
        if not (np.isfinite(self.position_cm).all() and np.all(np.abs(norms - 1) < _UNIT)):
            raise DataError(
                "a position is not finite, or a direction is no unit vector",
                where="sensors",
                remedy="check the columns and units of the geometry",
            )
        if not self.radius_cm > 0:
            raise DataError(f"a radius of {self.radius_cm} cm", where="sensors")

    def __len__(self) -> int:
        return len(self.position_cm)

    @property
    def digest(self) -> str:
        """sha256 of positions to 10 um, directions to 1e-4 and the radius, in their order."""
        rounded = np.concatenate([self.position_cm * 1e3, self.direction * 1e4], axis=1)
        text = np.round(rounded).astype("<i8").tobytes()
        return hashlib.sha256(text + f"{self.radius_cm:.4f}".encode()).hexdigest()


@dataclass(frozen=True)
class Cylinder:
    """A tank: ``x^2 + y^2 <= radius^2``, ``|z| <= half_height``, in cm."""

    radius_cm: float
    half_height_cm: float

    @property
    def low(self) -> Array:
        """Lowest corner of the box around it, (3,)."""
        return -self.high

    @property
    def high(self) -> Array:
        """Highest corner, (3,)."""
        return np.array([self.radius_cm, self.radius_cm, self.half_height_cm])

    @property
    def wall_cm2(self) -> float:
        """Area of the wall."""
        return float(2 * np.pi * self.radius_cm * (self.radius_cm + 2 * self.half_height_cm))

    def holds(self, position_cm: Array) -> NDArray[np.bool_]:
        """True for points (..., 3) inside."""
        inside: NDArray[np.bool_] = (
            np.hypot(position_cm[..., 0], position_cm[..., 1]) <= self.radius_cm
        ) & (np.abs(position_cm[..., 2]) <= self.half_height_cm)
        return inside

    def points(self, uniform: Array, margin_cm: float = 0.0) -> Array:
        """Points spread evenly, at least a margin from the wall.

        Args:
            uniform: (N, 3) in [0, 1).
            margin_cm: Distance from the wall.

        Returns:
            float64 (N, 3), cm.
        """
        radius = (self.radius_cm - margin_cm) * np.sqrt(uniform[:, 0])
        angle = 2 * np.pi * uniform[:, 1]
        z = (self.half_height_cm - margin_cm) * (2 * uniform[:, 2] - 1)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


@dataclass(frozen=True)
class Box:
    """A cuboid between two corners, cm."""

    low_cm: tuple[float, float, float]
    high_cm: tuple[float, float, float]

    @property
    def low(self) -> Array:
        """Lowest corner, (3,)."""
        return np.array(self.low_cm, dtype=np.float64)

    @property
    def high(self) -> Array:
        """Highest corner, (3,)."""
        return np.array(self.high_cm, dtype=np.float64)

    @property
    def wall_cm2(self) -> float:
        """Area of the wall."""
        x, y, z = self.high - self.low
        return float(2 * (x * y + y * z + z * x))

    def holds(self, position_cm: Array) -> NDArray[np.bool_]:
        """True for points (..., 3) inside."""
        inside: NDArray[np.bool_] = np.all(
            (position_cm >= self.low) & (position_cm <= self.high), axis=-1
        )
        return inside

    def points(self, uniform: Array, margin_cm: float = 0.0) -> Array:
        """Points spread evenly, at least a margin from the wall; see :meth:`Cylinder.points`."""
        low, high = self.low + margin_cm, self.high - margin_cm
        spread: Array = low + (high - low) * uniform
        return spread


@dataclass(frozen=True)
class Detector:
    """Sensors around a volume."""

    sensors: Sensors
    volume: Cylinder | Box

    def facts(self) -> dict[str, Any]:
        """What weights are bound to."""
        volume = self.volume
        shape: dict[str, Any] = {"low_cm": volume.low.tolist(), "high_cm": volume.high.tolist()}
        shape["shape"] = "cylinder" if isinstance(volume, Cylinder) else "box"
        return {
            "geometry": {
                "digest": self.sensors.digest,
                "position_cm": self.sensors.position_cm,
                "direction": self.sensors.direction,
                "radius_cm": self.sensors.radius_cm,
                "volume": shape,
            }
        }


def detector_of(facts: Mapping[str, Any]) -> Detector:
    """The detector of the facts of a data set.

    Raises:
        DataError: If they have no geometry, or one whose digest is another.
    """
    try:
        geometry = facts["geometry"]
        sensors = Sensors(
            np.asarray(geometry["position_cm"], dtype=np.float64),
            np.asarray(geometry["direction"], dtype=np.float64),
            float(geometry["radius_cm"]),
        )
        volume, digest = geometry["volume"], geometry["digest"]
        low, high = volume["low_cm"], volume["high_cm"]
        shape = volume["shape"]
    except KeyError as error:
        raise DataError(
            f"the facts lack {error}", where="geometry", remedy="take data of the task optics"
        ) from error
    if sensors.digest != digest:
        raise DataError(
            "the sensors are not those of the digest",
            where="geometry",
            remedy="the file was changed: write it again",
        )
    if shape == "cylinder":
        return Detector(sensors, Cylinder(float(high[0]), float(high[2])))
    return Detector(sensors, Box(tuple(map(float, low)), tuple(map(float, high))))  # type: ignore[arg-type]


def alive_of(facts: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """Sensors that are alive in the data of these facts, bool (sensors,); none: all are."""
    return np.asarray(facts["alive"], dtype=bool) if "alive" in facts else None


def cylinder_layout(
    volume: Cylinder, *, rows: int, columns: int, rings: Sequence[int], radius_cm: float
) -> Sensors:
    """Sensors on a grid of the barrel and on rings of both caps.

    Args:
        volume: The tank.
        rows: Rows of the barrel, evenly between the caps.
        columns: Sensors of a row.
        rings: Sensors of each ring of a cap, from the outermost inwards; the last is the centre.
        radius_cm: Radius of a sensor.

    Returns:
        The barrel, the upper and the lower cap, in that order.

    Raises:
        ConfigError: If there is no sensor.
    """
    if rows * columns + sum(rings) < 1:
        raise ConfigError("no sensor", where="layout", remedy="give rows and columns, or rings")
    height = 2 * volume.half_height_cm
    z, phi = np.meshgrid(
        height * (np.arange(1, rows + 1) / (rows + 1) - 0.5),
        2 * np.pi * np.arange(columns) / max(columns, 1),
        indexing="ij",
    )
    inward = np.stack([-np.cos(phi), -np.sin(phi), np.zeros_like(phi)], axis=-1).reshape(-1, 3)
    barrel = -volume.radius_cm * inward
    barrel[:, 2] = z.ravel()
    cap = _rings(volume.radius_cm, rings)
    down = np.tile([0.0, 0.0, -1.0], (len(cap), 1))
    lift = np.array([0.0, 0.0, volume.half_height_cm])
    return Sensors(
        np.concatenate([barrel, cap + lift, cap - lift]),
        np.concatenate([inward, down, -down]),
        radius_cm,
    )


def _rings(radius: float, rings: Sequence[int]) -> Array:
    points = [np.zeros((0, 3))]
    for index, count in enumerate(rings, start=1):
        phi = 2 * np.pi * np.arange(count) / max(count, 1)
        r = radius * (1 - index / len(rings))
        points.append(np.stack([r * np.cos(phi), r * np.sin(phi), np.zeros(count)], axis=1))
    return np.concatenate(points)
