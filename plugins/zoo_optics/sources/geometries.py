"""Sensors from files: arrays (.npz) with their unit in the name, WCSim's table, WCTE's design.

WCSim's geofile (.txt) has five lines of text, then a sensor on each line: number, module, place in
the module, position x y z in cm, direction x y z, and where it is (0 and 2: caps, 1: barrel). Where
its caps look along y, y is vertical, and it is turned: (x, -z, y). WCTE's design is a JSON.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Cylinder, Detector, Sensors
from zoo_optics.sources.upright import upright
from zoo_optics.sources.wcte import read_wcte

__all__ = ["load_detector", "read_geofile"]

Array = NDArray[np.float64]

_TO_CM = {"positions_mm": 0.1, "positions_cm": 1.0, "positions_m": 100.0}
_HEADER_LINES, _COLUMNS = 5, 9
_METRE = 100.0


def load_detector(path: Path, volume: Cylinder | None = None, radius_cm: float = 4.0) -> Detector:
    """The detector of a file.

    Args:
        path: ``.npz`` with ``positions_mm``, ``_cm`` or ``_m`` (sensors, 3), ``directions``, and
            ``radius``, ``height`` and ``sensor_radius`` in m, z vertical; WCSim's ``.txt``; or
            WCTE's ``.json``.
        volume: The tank of a ``.txt`` or ``.json``, which do not tell it; default: the smallest
            one around the sensors.
        radius_cm: Radius of the sensors of a ``.txt``, likewise.

    Raises:
        DataError: If it is no such file, or its sensors stand outside of its tank.
    """
    try:
        if path.suffix == ".npz":
            detector = _of_arrays(path)
        elif path.suffix == ".json":
            position, direction, radius_cm = read_wcte(path)
            detector = _around(Sensors(position, direction, radius_cm), volume)
        else:
            position, direction = _turned(*read_geofile(path), _caps(path))
            detector = _around(Sensors(position, direction, radius_cm), volume)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"no geometry ({error!r})",
            where=str(path),
            remedy="give an .npz with positions_mm, directions, radius, height, sensor_radius (m), "
            "WCSim's geofile (.txt), or WCTE's design (.json)",
        ) from error
    _require_inside(detector, path)
    return detector


def read_geofile(path: Path) -> tuple[Array, Array]:
    """Positions, cm, and directions of WCSim's table, each float64 (sensors, 3), by number.

    Raises:
        ValueError: If a line has too few columns, or a number is missing.
    """
    lines = path.read_text(encoding="utf-8").splitlines()[_HEADER_LINES:]
    rows = [line.split()[:_COLUMNS] for line in lines if line.strip()]
    if not rows or any(len(row) < _COLUMNS for row in rows):
        raise ValueError("a sensor needs nine columns")
    table = np.array(rows, dtype=np.float64)
    number = table[:, 0].astype(int)
    order = np.argsort(number, kind="stable")
    if not np.array_equal(number[order], np.arange(1, len(number) + 1)):
        raise ValueError("sensors are not numbered from 1 without gaps")
    return table[order, 3:6], table[order, 6:9]


def _of_arrays(path: Path) -> Detector:
    with np.load(path, allow_pickle=False) as arrays:
        found = [name for name in _TO_CM if name in arrays]
        if len(found) != 1:
            raise KeyError(f"needs one of {', '.join(_TO_CM)}")
        position = np.asarray(arrays[found[0]], np.float64) * _TO_CM[found[0]]
        direction = np.asarray(arrays["directions"], np.float64)
        radius, height, sensor = (float(arrays[k]) for k in ("radius", "height", "sensor_radius"))
    volume = Cylinder(_METRE * radius, _METRE * height / 2)
    return Detector(Sensors(position, direction, _METRE * sensor), volume)


def _around(sensors: Sensors, volume: Cylinder | None) -> Detector:
    """Sensors in a tank, or in the smallest one around them."""
    position = sensors.position_cm
    smallest = Cylinder(
        float(np.hypot(position[:, 0], position[:, 1]).max()), float(np.abs(position[:, 2]).max())
    )
    return Detector(sensors, volume or smallest)


def _caps(path: Path) -> NDArray[np.bool_]:
    """Which sensors of WCSim's table are on a cap, (sensors,); none where it does not tell."""
    lines = path.read_text(encoding="utf-8").splitlines()[_HEADER_LINES:]
    rows = [line.split() for line in lines if line.strip()]
    if any(len(row) <= _COLUMNS for row in rows):
        return np.zeros(len(rows), dtype=np.bool_)
    order = np.argsort([int(row[0]) for row in rows], kind="stable")
    return np.array([row[_COLUMNS] != "1" for row in rows], dtype=np.bool_)[order]


def _turned(position: Array, direction: Array, caps: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Both with z vertical: the axis that the caps look along.

    Raises:
        ValueError: If they look along x.
    """
    if not caps.any():
        return position, direction
    axis = int(np.abs(direction[caps]).mean(axis=0).argmax())
    if axis == 0:
        raise ValueError("the caps look along x: write it with y or z vertical")
    return (position, direction) if axis == 2 else (upright(position), upright(direction))


def _require_inside(detector: Detector, path: Path) -> None:
    volume, position = detector.volume, detector.sensors.position_cm
    slack = detector.sensors.radius_cm
    high = np.abs(position).max(axis=0)
    if np.any(high > volume.high + slack):
        raise DataError(
            f"sensors reach {np.round(high, 1).tolist()} cm, the tank {volume.high.tolist()} cm",
            where=str(path),
            remedy="check the units: an .npz has radius, height and sensor_radius in m; a geofile "
            "(.txt) needs radius_cm and half_height_cm of its tank",
        )
