"""Sensors of WCTE's design file: JSON, mm, y vertical."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo_optics.sources.upright import upright

__all__ = ["read_wcte"]

Array = NDArray[np.float64]

_MM = 0.1


def read_wcte(path: Path) -> tuple[Array, Array, float]:
    """Positions, cm, and directions, each float64 (sensors, 3), and the sensors' radius, cm.

    Sensors are in the order of module and place in the module, z is vertical, and the origin lies
    midway between the lowest and the highest sensor.

    Raises:
        KeyError, ValueError, TypeError: If it is no such file, or its sensors differ in size.
    """
    modules = json.loads(path.read_text(encoding="utf-8"))["mpmts"]
    sensors = [
        modules[module]["pmts"][sensor]
        for module in sorted(modules, key=int)
        for sensor in sorted(modules[module]["pmts"], key=int)
    ]
    position = [sensor["placement"]["location"] for sensor in sensors]
    direction = [sensor["placement"]["direction_z"] for sensor in sensors]
    sizes = {float(sensor["properties"]["size"]) for sensor in sensors}
    if len(sizes) != 1:
        raise ValueError(f"sensors of {len(sizes)} sizes")
    place = _MM * upright(np.array(position, dtype=np.float64))
    place[:, 2] -= (place[:, 2].min() + place[:, 2].max()) / 2
    return place, upright(np.array(direction, dtype=np.float64)), _MM * sizes.pop() / 2
