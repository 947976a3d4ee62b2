"""Which sensor a ray meets at the wall: candidates from a grid of cells, not from all sensors.

The cell that holds the point where a ray leaves the volume names the few sensors that it can have
met; those discs are intersected exactly. So the time per ray does not depend on their number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Cylinder, Detector

__all__ = ["SensorLookup"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_GRAZING = 1.7  # tangent of the largest angle at which a disc before the wall is not missed
_NONE = -1


class SensorLookup:
    """Discs by cells of a cubic grid around the volume.

    Args:
        detector: Sensors and volume; the sensors may stand away from the wall.
    """

    def __init__(self, detector: Detector) -> None:
        sensors = detector.sensors
        self._centre, self._normal = sensors.position_cm, sensors.direction
        self._radius_squared = sensors.radius_cm**2
        depth = float(_to_wall(detector).max())
        reach = sensors.radius_cm + _GRAZING * depth
        self._low = detector.volume.low - reach
        self._edge = 2 * reach
        self._shape = (
            np.ceil((detector.volume.high + reach - self._low) / self._edge).astype(int) + 1
        )
        self._table = self._candidates(reach)

    @property
    def candidates(self) -> int:
        """The most sensors that share a cell."""
        return int(self._table.shape[1])

    def first(self, start: Array, direction: Array, end: Array) -> tuple[IntArray, Array]:
        """The first disc that each ray meets from its front.

        Args:
            start: (N, 3), cm.
            direction: (N, 3), unit vectors.
            end: (N, 3), where the rays leave the volume.

        Returns:
            Sensor int64 (N,), -1 for none, and the distance to it float64 (N,), cm, infinite
            for none.
        """
        found = np.full(len(start), _NONE)
        distance = np.full(len(start), np.inf)
        rows = self._table[self._cells(end)]
        for column in rows.T:
            some = np.flatnonzero(column != _NONE)
            if not some.size:
                break  # columns are filled from the left
            sensor = column[some]
            way, ray = self._centre[sensor] - start[some], direction[some]
            normal = self._normal[sensor]
            facing = np.einsum("ij,ij->i", ray, normal)
            with np.errstate(divide="ignore", invalid="ignore"):
                length = np.einsum("ij,ij->i", way, normal) / facing
            off = ray * length[:, None] - way
            inside = np.einsum("ij,ij->i", off, off) < self._radius_squared
            hit = inside & (facing < 0) & (length > 0) & (length < distance[some])
            found[some[hit]], distance[some[hit]] = sensor[hit], length[hit]
        return found, distance

    def _cells(self, points: Array) -> IntArray:
        index = ((points - self._low) / self._edge).astype(np.int64)
        flat: IntArray = (index[:, 0] * self._shape[1] + index[:, 1]) * self._shape[2] + index[:, 2]
        return flat

    def _candidates(self, reach: float) -> NDArray[np.int32]:
        """(cells, most), sensors whose cube of ``reach`` meets the cell, then -1."""
        steps = np.array(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij")).reshape(3, -1).T
        near = (self._centre[:, None] + steps * reach).reshape(-1, 3)
        near = np.clip(near, self._low, self._low + self._edge * (self._shape - 0.5))
        sensors = len(self._centre)
        pairs = np.unique(self._cells(near) * sensors + np.repeat(np.arange(sensors), len(steps)))
        cell, first, count = np.unique(pairs // sensors, return_index=True, return_counts=True)
        table = np.full((int(self._shape.prod()), int(count.max())), _NONE, dtype=np.int32)
        place = np.arange(len(pairs)) - np.repeat(first, count)
        table[np.repeat(cell, count), place] = pairs % sensors
        return table


def _to_wall(detector: Detector) -> Array:
    """How far each sensor stands from the nearest wall, cm."""
    position, volume = detector.sensors.position_cm, detector.volume
    if isinstance(volume, Cylinder):
        barrel = volume.radius_cm - np.hypot(position[:, 0], position[:, 1])
        cap = volume.half_height_cm - np.abs(position[:, 2])
        nearest: Array = np.minimum(np.abs(barrel), np.abs(cap))
        return nearest
    away = np.minimum(np.abs(position - volume.low), np.abs(volume.high - position))
    box: Array = away.min(axis=1)
    return box
