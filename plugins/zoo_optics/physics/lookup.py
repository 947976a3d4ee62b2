"""Which sensor a ray meets near the wall: candidates from a grid of cells, not from all sensors.

Sensors fill a shell: from the one that stands farthest before the wall to the edge of the one that
reaches farthest behind it. The part of a ray inside of that shell is cut into steps; the cell that
holds the middle of a step names the few sensors that the step can meet, and those discs are
intersected exactly. So the time per ray does not depend on the number of sensors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Cylinder, Detector, Sensors
from zoo_optics.physics.walls import crossing

__all__ = ["SensorLookup"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NONE = -1
_SLACK = 0.01  # of a radius: a rim is looked at in 32 points only


class SensorLookup:
    """Discs by cells of a cubic grid around the volume.

    Args:
        detector: Sensors and volume; the sensors may stand away from the wall.
    """

    def __init__(self, detector: Detector) -> None:
        sensors, volume = detector.sensors, detector.volume
        self._volume = volume
        self._centre, self._normal = sensors.position_cm, sensors.direction
        self._radius_squared = sensors.radius_cm**2
        depth = _depths(detector)
        slack = _SLACK * sensors.radius_cm
        self._inner, self._outer = -float(depth.max()) - slack, -float(depth.min()) + slack
        self._step = max(sensors.radius_cm, self._outer - self._inner)
        reach = sensors.radius_cm + self._step / 2 + slack
        margin = max(self._outer, 0.0) + self._step + reach
        self._low, self._edge = volume.low - margin, 2 * reach
        self._shape = np.ceil((volume.high + margin - self._low) / self._edge).astype(int) + 1
        self._table = self._candidates(reach)

    @property
    def candidates(self) -> int:
        """The most sensors that share a cell."""
        return int(self._table.shape[1])

    def first(self, start: Array, direction: Array) -> tuple[IntArray, Array]:
        """The first disc that each ray meets from its front.

        Args:
            start: (N, 3), cm, in the volume.
            direction: (N, 3), unit vectors.

        Returns:
            Sensor int64 (N,), -1 for none, and the distance to it float64 (N,), cm, infinite
            for none. What stands behind the wall counts, too.
        """
        ray, along = self._steps(start, direction)
        rows = self._table[self._cells(start[ray] + along[:, None] * direction[ray])]
        step, column = np.nonzero(rows != _NONE)
        sensor, ray = rows[step, column].astype(np.int64), ray[step]
        length = self._lengths(start[ray], direction[ray], sensor)
        met = np.flatnonzero(np.isfinite(length))
        met = met[np.lexsort((length[met], ray[met]))]
        who, place = np.unique(ray[met], return_index=True)
        found, distance = np.full(len(start), _NONE), np.full(len(start), np.inf)
        found[who], distance[who] = sensor[met][place], length[met][place]
        return found, distance

    def _steps(self, start: Array, direction: Array) -> tuple[IntArray, Array]:
        """Middles of the steps of all rays through the shell: ray, and distance along it, cm."""
        _, out = crossing(self._volume, start, direction, self._outer)
        enter, leave = crossing(self._volume, start, direction, self._inner)
        through = (enter < leave) & (leave > 0)
        first_end = np.where(through, np.clip(enter, 0, None), np.clip(out, 0, None))
        second = np.where(through, leave, np.inf)
        every = np.arange(len(start))
        parts = [
            _cut(every, np.zeros(len(start)), first_end, self._step),
            _cut(every[through], second[through], out[through], self._step),
        ]
        ray, along = (np.concatenate(part) for part in zip(*parts, strict=True))
        return ray, along

    def _lengths(self, start: Array, direction: Array, sensor: IntArray) -> Array:
        """Distance at which each ray meets its disc from the front, infinite where it does not."""
        way, normal = self._centre[sensor] - start, self._normal[sensor]
        facing = np.einsum("ij,ij->i", direction, normal)
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.einsum("ij,ij->i", way, normal) / facing
            off = direction * length[:, None] - way
            inside = np.einsum("ij,ij->i", off, off) < self._radius_squared
        return np.where(inside & (facing < 0) & (length > 0), length, np.inf)

    def _cells(self, points: Array) -> IntArray:
        index = ((points - self._low) / self._edge).astype(np.int64)
        index = np.clip(index, 0, self._shape - 1)
        flat: IntArray = (index[:, 0] * self._shape[1] + index[:, 1]) * self._shape[2] + index[:, 2]
        return flat

    def _candidates(self, reach: float) -> NDArray[np.int32]:
        """(cells, most), sensors whose cube of ``reach`` meets the cell, then -1."""
        steps = np.array(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij")).reshape(3, -1).T
        near = (self._centre[:, None] + steps * reach).reshape(-1, 3)
        sensors = len(self._centre)
        pairs = np.unique(self._cells(near) * sensors + np.repeat(np.arange(sensors), len(steps)))
        cell, first, count = np.unique(pairs // sensors, return_index=True, return_counts=True)
        table = np.full((int(self._shape.prod()), int(count.max())), _NONE, dtype=np.int32)
        place = np.arange(len(pairs)) - np.repeat(first, count)
        table[np.repeat(cell, count), place] = pairs % sensors
        return table


def _cut(ray: IntArray, first: Array, last: Array, step: float) -> tuple[IntArray, Array]:
    """Ways from ``first`` to ``last`` in equal steps of at most ``step``; empty ways vanish."""
    length = last - first
    count = np.where(length > 0, np.ceil(length / step), 0).astype(np.int64)
    place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    share = np.repeat(length / np.maximum(count, 1), count)
    return np.repeat(ray, count), np.repeat(first, count) + (place + 0.5) * share


def _depths(detector: Detector) -> Array:
    """How far each disc reaches into the volume, at its centre and its rim, cm; negative: out."""
    volume = detector.volume
    points = np.concatenate([detector.sensors.position_cm[None], _rims(detector.sensors)])
    if isinstance(volume, Cylinder):
        barrel = volume.radius_cm - np.hypot(points[..., 0], points[..., 1])
        cap = volume.half_height_cm - np.abs(points[..., 2])
        cylinder: Array = np.minimum(barrel, cap)
        return cylinder
    box: Array = np.minimum(points - volume.low, volume.high - points).min(axis=-1)
    return box


def _rims(sensors: Sensors, points: int = 32) -> Array:
    """Points on the rims, float64 (points, sensors, 3), cm."""
    helper = np.zeros_like(sensors.direction)
    smallest = np.abs(sensors.direction).argmin(axis=1)
    helper[np.arange(len(helper)), smallest] = 1
    first = np.cross(sensors.direction, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(sensors.direction, first)
    angle = 2 * np.pi * np.arange(points)[:, None, None] / points
    rim: Array = sensors.position_cm + sensors.radius_cm * (
        np.cos(angle) * first + np.sin(angle) * second
    )
    return rim
