"""Whether files of light are what they seem: looked at when they are opened.

Refused are files without any light, copied events, places outside of the volume, sensors that are
not those of a table, and hits that come before light can. ``sensor_order`` has the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Box, Cylinder, Sensors
from zoo_optics.physics.water import C_CM_NS

__all__ = ["Copies", "require_inside", "require_light", "require_near", "require_possible_times"]

Array = NDArray[np.float64]

_FEW_SENSORS = 8  # events with fewer hit sensors may be equal by chance
_UNITS = {0.001: "1/1000", 0.01: "1/100", 0.1: "1/10", 10.0: "10", 100.0: "100", 1000.0: "1000"}
_MANY = 4  # sensors that do not all stand in one place
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
    # A few that are outside tell nothing of the unit.
    fits = [f for f in _UNITS if outside.mean() > 0.5 and _fits(position_cm * f, volume)]
    first = np.round(position_cm[outside][0], 1).tolist()
    raise DataError(
        f"{int(outside.sum())} of {len(outside)} positions lie outside of the volume, the first "
        f"at {first} cm; it reaches from {np.round(volume.low, 1).tolist()} to "
        f"{np.round(volume.high, 1).tolist()} cm",
        where=where,
        remedy=_unit_remedy(fits, unit, "positions"),
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
    place = np.round(sensors.position_cm, 1)
    fitting = [f for f in _UNITS if _about(sensors.position_cm / f, box)]
    raise DataError(
        f"sensors from {place.min(axis=0).tolist()} to {place.max(axis=0).tolist()} cm are not "
        f"those of a table from {box.low.tolist()} to {box.high.tolist()} cm",
        where=where,
        remedy=_unit_remedy(fitting, "cm", "the table's corners"),
    )


def _about(position_cm: Array, box: Box) -> bool:
    """Whether sensors lie about a box: near it, and, if they are many, spread along it."""
    edge = (box.high - box.low).max()
    outside = np.maximum(np.maximum(box.low - position_cm, position_cm - box.high), 0)
    near = bool(np.linalg.norm(outside, axis=1).max() < 0.5 * edge)
    spread = np.ptp(position_cm, axis=0).max()
    return near and (len(position_cm) < _MANY or bool(spread > 0.15 * edge))


def _unit_remedy(factors: Sequence[float], unit: str, what: str) -> str:
    if not factors:
        return f"check the unit ({unit} is assumed), the axes and the geometry"
    named = {0.01: "cm instead of m", 0.001: "mm instead of m"} if unit == "m" else {}
    named |= {100.0: "m instead of cm", 0.1: "mm instead of cm"} if unit == "cm" else {}
    told = " or ".join(
        f"{_UNITS[f]} times as large" + (f" ({named[f]})" if f in named else "") for f in factors
    )
    return f"{what} would fit {told}: write them in {unit}"


def require_possible_times(time_ns: Array, distance_cm: Array, where: str, remedy: str) -> None:
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
