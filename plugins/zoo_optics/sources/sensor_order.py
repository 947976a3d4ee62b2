"""Whether the sensors of a geometry are those that charges belong to.

Sensors look at the light they see: the mean cosine between their normal and the way to the light,
weighted with charge, is about +0.7, and about 0 or negative for a geometry whose normals belong to
other sensors. But all normals of a tank look inward, so sensors that were mixed up together with
their normals keep that cosine; then charges no longer follow the solid angles of the sensors, or,
of directed light, its direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Sensors
from zoo_optics.physics.solid_angle import cosine_and_distance, disc

__all__ = [
    "charge_cosine",
    "forward_cosine",
    "require_facing",
    "require_forward",
    "require_order",
    "solid_angle_agreement",
]

Array = NDArray[np.float64]

LEAST_COSINE = 0.2
"""Right geometries have +0.5 to +0.95; sensors that look away have less than 0."""

LEAST_FORWARD = 0.25
"""Cherenkov light has the cosine 0.75 to its axis, 0.4 with as much light reflected; sensors in a
wrong order see it at 0 on average."""

_ORDER = (
    "give the geometry that the file was made with, its sensors in the order of the file's numbers"
)
_ALIKE = 1e-9  # of solid angles: what rounding leaves where all sensors look alike
_SURE = 5.0  # standard deviations by which a right order must differ from a mixed one to be asked


def require_facing(position_cm: Array, charge: Array, sensors: Sensors, where: str) -> None:
    """Refuse a geometry whose sensors look away from the light that they see.

    Args:
        position_cm: (N, 3), where light starts.
        charge: (N, sensors).
        sensors: The geometry's.
        where: Names them in errors.

    Raises:
        DataError: The cosine is too small.
    """
    cosine = charge_cosine(position_cm, charge, sensors)
    if cosine < LEAST_COSINE:
        raise DataError(
            f"sensors look away from the light that they see: the cosine, weighted with charge, is "
            f"{cosine:+.2f}, about +0.7 where the order of sensors is right",
            where=where,
            remedy=_ORDER,
        )


def require_forward(
    position_cm: Array, direction: Array, charge: Array, sensors: Sensors, where: str
) -> None:
    """Refuse charges of directed light that are not where it goes.

    Args:
        position_cm: (N, 3), where light starts.
        direction: (N, 3), unit vectors.
        charge: (N, sensors).
        sensors: The geometry's.
        where: Names them in errors.

    Raises:
        DataError: The cosine is too small.
    """
    cosine = forward_cosine(position_cm, direction, charge, sensors)
    if cosine < LEAST_FORWARD:
        raise DataError(
            f"light does not go where its direction says: the cosine, weighted with charge, is "
            f"{cosine:+.2f}, +0.75 for Cherenkov light",
            where=where,
            remedy=_ORDER + "; check the axes of the directions",
        )


def require_order(
    position_cm: Array, charge: Array, sensors: Sensors, least: float, where: str
) -> None:
    """Refuse charges that belong to another order of the sensors than the geometry has.

    Args:
        position_cm: (N, 3), where light starts, to all sides.
        charge: (N, sensors).
        sensors: The geometry's.
        least: Least agreement with the solid angles.
        where: Names them in errors.

    Raises:
        DataError: Charges do not follow the solid angles although the places are such that they
            would show it.
    """
    agreement, spread = solid_angle_agreement(position_cm, charge, sensors)
    if agreement < least and spread * _SURE < 1:
        raise DataError(
            f"charges do not follow the solid angles of the sensors: they agree by "
            f"{agreement:+.2f}, 1 is direct light alone, 0 (+-{spread:.2f}) a wrong order",
            where=where,
            remedy=_ORDER + "; set data.options.agreement lower where reflected light outweighs "
            "direct light",
        )


def charge_cosine(position_cm: Array, charge: Array, sensors: Sensors) -> float:
    """Mean cosine between normals and the way to the light, weighted with charge; 1 without any.

    Args:
        position_cm: (N, 3).
        charge: (N, sensors).
        sensors: The geometry's.
    """
    total, weight = 0.0, float(charge.sum())
    for place, charges in zip(position_cm, charge, strict=True):
        cosine, _ = cosine_and_distance(place[None], sensors.position_cm, sensors.direction)
        total += float(charges @ cosine[0])
    return total / weight if weight else 1.0


def forward_cosine(position_cm: Array, direction: Array, charge: Array, sensors: Sensors) -> float:
    """Mean cosine between directions and the way to the sensors, weighted with charge; 1 without.

    Args:
        position_cm: (N, 3).
        direction: (N, 3), unit vectors.
        charge: (N, sensors).
        sensors: The geometry's.
    """
    total, weight = 0.0, float(charge.sum())
    for place, axis, charges in zip(position_cm, direction, charge, strict=True):
        way = sensors.position_cm - place
        length = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        total += float(charges @ ((way @ axis) / length))
    return total / weight if weight else 1.0


def solid_angle_agreement(
    position_cm: Array, charge: Array, sensors: Sensors
) -> tuple[float, float]:
    """How far charges follow the solid angles ``w`` of the sensors.

    Of each flash with shares ``q`` of its charge, ``(sum(q w) - mean(w)) / (sum(w^2) / sum(w) -
    mean(w))``: its numerators and denominators are summed over flashes.

    Args:
        position_cm: (N, 3), where light starts, to all sides.
        charge: (N, sensors).
        sensors: The geometry's.

    Returns:
        The number, and its standard deviation where sensors are mixed up: every order is as likely,
        and the sum has the variance ``sum((q - mean(q))^2) sum((w - mean(w))^2) / (S - 1)``.
    """
    found, right, variance = 0.0, 0.0, 0.0
    for place, charges in zip(position_cm, charge, strict=True):
        if not charges.any():
            continue
        cosine, distance = cosine_and_distance(place[None], sensors.position_cm, sensors.direction)
        angle = disc(sensors.radius_cm, distance[0], cosine[0])
        # A flash beside a sensor must not outweigh all others.
        angle = angle / max(angle.max(), 1e-300)
        share = charges / charges.sum()
        mean = angle.mean()
        found += float(share @ angle) - mean
        right += float(angle @ angle) / max(float(angle.sum()), 1e-300) - mean
        spread = np.sum((share - share.mean()) ** 2) * np.sum((angle - mean) ** 2)
        variance += float(spread) / max(len(angle) - 1, 1)
    if right <= _ALIKE:
        return 1.0, float("inf")
    return found / right, float(np.sqrt(variance)) / right
