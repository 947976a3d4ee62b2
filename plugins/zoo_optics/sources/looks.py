"""Whether files of light are what they seem: looked at when they are opened.

What is refused: files without any light, copied events, places outside of the volume, hits that
come before light can, and charges whose sensors are not those of the geometry. The last is told by
two numbers. Sensors look at the light they see: the mean cosine between their normal and the way
to the light, weighted with charge, is about +0.7, and about 0 or negative for a geometry whose
normals belong to other sensors. But all normals of a tank look inward, so sensors that were mixed
up together with their normals keep that cosine; then charges no longer follow the solid angles of
the sensors, or, of directed light, its direction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Box, Cylinder, Sensors
from zoo_optics.physics.solid_angle import cosine_and_distance, disc
from zoo_optics.physics.water import C_CM_NS

__all__ = [
    "Copies",
    "charge_cosine",
    "forward_cosine",
    "require_facing",
    "require_forward",
    "require_inside",
    "require_light",
    "require_near",
    "require_order",
    "require_possible_times",
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
_SURE = 5.0  # standard deviations by which a right order must differ from a mixed one to be asked
_FEW_SENSORS = 8  # events with fewer hit sensors may be equal by chance
_UNITS = {0.001: "1/1000", 0.01: "1/100", 0.1: "1/10", 10.0: "10", 100.0: "100", 1000.0: "1000"}
_REMEMBERED = 100_000  # events whose charges are compared with all later ones


class Copies:
    """Finds events whose charges are those of another."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[str, int]] = {}

    def require_none(self, charge: NDArray[np.float32], rows: Sequence[int], file: str) -> None:
        """Compare events with all that were seen before, the first 100 000.

        Args:
            charge: (N, sensors).
            rows: Their numbers in the file, (N,).
            file: It.

        Raises:
            DataError: If two have the same charges in eight sensors or more.
        """
        for row, charges in zip(rows, charge, strict=True):
            if np.count_nonzero(charges) < _FEW_SENSORS:
                continue
            key = hashlib.blake2b(np.ascontiguousarray(charges).data, digest_size=8).digest()
            place = (file, int(row))
            known = self._seen.get(int.from_bytes(key, "big"), place)
            if known != place:
                raise DataError(
                    f"copied events: all charges are those of event {known[1]} of {known[0]}",
                    where=f"{file}, event {row}",
                    remedy="simulate each event with a seed of its own, and give every file once",
                )
            if len(self._seen) < _REMEMBERED:
                self._seen[int.from_bytes(key, "big")] = place


def require_light(charge: NDArray[np.float32], where: str) -> None:
    """Refuse charges (N, sensors) that are all zero.

    Raises:
        DataError: They are.
    """
    if len(charge) and not charge.any():
        raise DataError(
            f"all charges of the {len(charge)} rows looked at are zero",
            where=where,
            remedy="the simulation lost its photons: check where it starts them, in which unit, "
            "and that sensors are sensitive",
        )


def require_inside(position_cm: Array, volume: Cylinder | Box, unit: str, where: str) -> None:
    """Refuse places outside of the volume, and say in which unit they would be inside.

    Args:
        position_cm: (N, 3), as read.
        volume: The detector's.
        unit: In which the file is taken to be.
        where: Names it in errors.

    Raises:
        DataError: One is outside.
    """
    # Files hold float32: a place on the wall may be a hair outside.
    middle = (volume.low + volume.high) / 2
    outside = ~volume.holds(middle + (position_cm - middle) * (1 - 1e-6))
    if not outside.any():
        return
    first = np.round(position_cm[outside][0], 1).tolist()
    raise DataError(
        f"{int(outside.sum())} of {len(outside)} positions lie outside of the volume, the first "
        f"at {first} cm; it reaches from {np.round(volume.low, 1).tolist()} to "
        f"{np.round(volume.high, 1).tolist()} cm",
        where=where,
        remedy=_unit_remedy(
            [f for f in _UNITS if _fits(position_cm * f, volume)], unit, "positions"
        ),
    )


def _fits(position_cm: Array, volume: Cylinder | Box) -> bool:
    """Whether places are inside, and not all in a small part of it."""
    reach = np.abs(position_cm - (volume.low + volume.high) / 2).max(axis=0)
    wide = bool(np.any(reach > 0.1 * (volume.high - volume.low) / 2))
    return bool(volume.holds(position_cm).all()) and wide


def require_near(sensors: Sensors, box: Box, where: str) -> None:
    """Refuse sensors that are far from the box of a table, or lost within it.

    Raises:
        DataError: With the factor that would fit.
    """
    if _about(sensors.position_cm, box):
        return
    low, high = sensors.position_cm.min(axis=0), sensors.position_cm.max(axis=0)
    fitting = [f for f in _UNITS if _about(sensors.position_cm / f, box)]
    raise DataError(
        f"sensors from {np.round(low, 1).tolist()} to {np.round(high, 1).tolist()} cm are not those "
        f"of a table from {box.low.tolist()} to {box.high.tolist()} cm",
        where=where,
        remedy=_unit_remedy(fitting, "cm", "the table's corners"),
    )


def _about(position_cm: Array, box: Box) -> bool:
    """Whether sensors lie about a box: near it, and spread as far as its largest edge's tenth."""
    edge = (box.high - box.low).max()
    outside = np.maximum(np.maximum(box.low - position_cm, position_cm - box.high), 0)
    near = bool(np.linalg.norm(outside, axis=1).max() < 0.5 * edge)
    middle = (box.low + box.high) / 2
    return near and bool(np.abs(position_cm - middle).max() > 0.1 * edge)


def _unit_remedy(factors: Sequence[float], unit: str, what: str) -> str:
    if not factors:
        return f"check the unit ({unit} is assumed), the axes and the geometry"
    named = {0.01: "cm instead of m", 0.001: "mm instead of m"} if unit == "m" else {}
    named |= {100.0: "m instead of cm", 0.1: "mm instead of cm"} if unit == "cm" else {}
    told = " or ".join(
        f"{_UNITS[f]} times as large" + (f" ({named[f]})" if f in named else "") for f in factors
    )
    return f"{what} would fit {told}: write them in {unit}"


def require_possible_times(
    time_ns: Array, distance_cm: Array, where: str, remedy: str
) -> None:
    """Refuse hits most of which come before light in vacuum can.

    Args:
        time_ns: (hits,), from the start of the light.
        distance_cm: (hits,), from its start to the sensor.
        where: Names them in errors.
        remedy: What to do.

    Raises:
        DataError: More than half come too early.
    """
    least = distance_cm / C_CM_NS
    early = time_ns < least - 1  # a nanosecond for the transit time of sensors
    if len(early) and early.mean() > 0.5:
        raise DataError(
            f"{early.mean():.0%} of hits come before light can: their median is "
            f"{np.median(time_ns):.2f} ns after the start, light needs {np.median(least):.2f} ns",
            where=where,
            remedy=remedy,
        )


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
            f"charges do not follow the solid angles of the sensors: they agree by {agreement:+.2f}, "
            f"1 is direct light alone, 0 (+-{spread:.2f}) a wrong order of the sensors",
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
    if right <= 0:
        return 1.0, float("inf")
    return found / right, float(np.sqrt(variance)) / right
