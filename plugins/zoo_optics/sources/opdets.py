"""Optical detectors of DUNE's files: positions in mm by number, which tell no direction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Box, Sensors

__all__ = ["load_opdets", "wall_normals"]

Array = NDArray[np.float64]

_MM = 0.1
_AT_WALL = 0.1  # of the box's smallest edge: how far from a wall a sensor may stand


def load_opdets(path: Path, box: Box, radius_cm: float) -> tuple[Sensors, NDArray[np.int64]]:
    """The sensors of Wire-Cell's ``*-opdet-geom.json``, looking inward from the nearest wall.

    Args:
        path: JSON with a list ``opdets`` of ``opdet`` (number), ``x``, ``y``, ``z`` in mm.
        box: The volume that they look into.
        radius_cm: Their radius, which the file does not tell.

    Returns:
        The sensors in the order of their numbers, and the numbers: those of dead ones are missing.

    Raises:
        DataError: If it is no such file, or a sensor stands away from all walls.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["opdets"]
        number = np.array([sensor["opdet"] for sensor in found], dtype=np.int64)
        place = np.array([[sensor[axis] for axis in "xyz"] for sensor in found], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"no optical detectors ({error!r})",
            where=str(path),
            remedy="give Wire-Cell's opdet-geom.json: a list opdets of opdet, x, y, z (mm)",
        ) from error
    if not len(number) or len(np.unique(number)) < len(number):
        raise DataError(
            f"{len(number)} detectors with {len(np.unique(number))} numbers",
            where=str(path),
            remedy="give every detector a number of its own",
        )
    order = np.argsort(number)
    position = _MM * place[order]
    return Sensors(position, wall_normals(position, box, str(path)), radius_cm), number[order]


def wall_normals(position_cm: Array, box: Box, where: str) -> Array:
    """Inward normal of the wall nearest to each sensor, float64 (sensors, 3).

    Args:
        position_cm: (sensors, 3).
        box: The volume.
        where: Names them in errors.

    Raises:
        DataError: If one stands deep inside, where two sides see it.
    """
    walls = np.concatenate([position_cm - box.low, box.high - position_cm], axis=1)
    nearest = walls.argmin(axis=1)
    depth = walls.min(axis=1)
    deep = depth > _AT_WALL * (box.high - box.low).min()
    if deep.any():
        raise DataError(
            f"{int(deep.sum())} of {len(deep)} sensors stand inside of the volume, up to "
            f"{depth.max():.0f} cm from its walls: which way they look is not known",
            where=where,
            remedy="give an .npz with directions, or the library of one drift volume in cm",
        )
    normal = np.concatenate([np.eye(3), -np.eye(3)])
    inward: Array = normal[nearest]
    return inward
