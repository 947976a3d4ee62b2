"""Photons through a tank, one by one: absorption, Rayleigh scattering, reflection, detection.

Every photon flies straight until the nearest of three things happens: it is absorbed, it is
scattered, or it reaches the wall or a sensor. All photons are moved at once; those that end leave
the arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Detector
from zoo_optics.physics.lookup import SensorLookup
from zoo_optics.physics.walls import to_wall
from zoo_optics.physics.water import C_CM_NS, Medium

__all__ = ["Hits", "Optics", "Photons", "Surfaces", "Transport", "rayleigh_cosine", "turned"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NUDGE_CM = 1e-7  # a reflected photon starts this far from the wall
_MAX_LEGS = 1000  # after as many scatterings and reflections a photon counts as lost


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """What a photon meets at the end of its way.

    Attributes:
        efficiency: Probability that a sensor detects a photon that comes straight.
        angular: Relative efficiency at 0, 10, ... 90 degrees to the sensor's normal.
        sensor_reflectivity: Probability that an undetected photon leaves a sensor again.
        wall_reflectivity: The same of the wall.
        specular: Fraction of reflections that are those of a mirror; the others follow Lambert.
    """

    efficiency: float = 1.0
    angular: tuple[float, ...] = (1.0,) * 10
    sensor_reflectivity: float = 0.0
    wall_reflectivity: float = 0.0
    specular: float = 0.0


@dataclass(frozen=True)
class Optics:
    """A medium and surfaces."""

    medium: Medium
    surfaces: Surfaces


@dataclass
class Photons:
    """Photons in flight; every array has N rows.

    Attributes:
        position: (N, 3), cm.
        direction: (N, 3), unit vectors.
        time: (N,), ns.
        wavelength: (N,), nm.
        event: int64 (N,), to which event each belongs.
    """

    position: Array
    direction: Array
    time: Array
    wavelength: Array
    event: IntArray

    def take(self, rows: NDArray[np.bool_]) -> Photons:
        """Those of a mask."""
        return Photons(
            self.position[rows],
            self.direction[rows],
            self.time[rows],
            self.wavelength[rows],
            self.event[rows],
        )


@dataclass(frozen=True)
class Hits:
    """Detected photons, sorted by event.

    Attributes:
        event: int64 (hits,).
        sensor: int64 (hits,).
        time: (hits,), ns, of arrival.
        direct: bool (hits,), neither scattered nor reflected.
    """

    event: IntArray
    sensor: IntArray
    time: Array
    direct: NDArray[np.bool_]


class Transport:
    """The tank with its look-up of sensors, made once for many events.

    Args:
        detector: The tank.
        optics: What light meets.
        yields: (sensors,), factors on the efficiency of each; none: all are alike.
    """

    def __init__(self, detector: Detector, optics: Optics, yields: Array | None = None) -> None:
        self.detector, self.optics = detector, optics
        self.yields = np.ones(len(detector.sensors)) if yields is None else yields
        self.lookup = SensorLookup(detector)

    def run(self, photons: Photons, rng: np.random.Generator) -> Hits:
        """Follow photons until all are detected or lost.

        Args:
            photons: Inside the volume; left as they are.
            rng: All that is random comes from it.
        """
        none = np.zeros(0, dtype=np.int64)
        found = [(none, none, np.zeros(0), np.zeros(0, dtype=bool))]
        direct = np.ones(len(photons.time), dtype=bool)
        for _ in range(_MAX_LEGS):
            if not len(photons.time):
                break
            photons, direct = self._leg(photons, direct, rng, found)
        event, sensor, time, straight = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(event, kind="stable")
        return Hits(event[order], sensor[order], time[order], straight[order])

    def _leg(
        self,
        photons: Photons,
        direct: NDArray[np.bool_],
        rng: np.random.Generator,
        found: list[tuple[IntArray, IntArray, Array, NDArray[np.bool_]]],
    ) -> tuple[Photons, NDArray[np.bool_]]:
        """One straight way of every photon; returns those that go on."""
        medium = self.optics.medium
        count = len(photons.time)
        wall, normal = to_wall(self.detector.volume, photons.position, photons.direction)
        sensor, at_sensor = self.lookup.first(photons.position, photons.direction)
        surface = np.where(sensor >= 0, at_sensor, wall)
        absorbed = rng.exponential(size=count) * medium.at(medium.absorption_cm, photons.wavelength)
        scattered = rng.exponential(size=count) * medium.at(
            medium.scattering_cm, photons.wavelength
        )
        way = np.minimum(np.minimum(absorbed, scattered), surface)
        index = medium.at(medium.group_index, photons.wavelength)
        time = photons.time + way * index / C_CM_NS
        position = photons.position + photons.direction * way[:, None]
        at_surface = surface <= np.minimum(absorbed, scattered)
        at_disc = at_surface & (sensor >= 0)
        normal = np.where(at_disc[:, None], self.detector.sensors.direction[sensor], normal)
        chance = self._efficiency(photons.direction, normal) * self.yields[sensor]
        seen = at_disc & (rng.random(count) < chance)
        found.append((photons.event[seen], sensor[seen], time[seen], direct[seen]))
        direction = self._scattered(photons.direction, rng)
        if (back := at_surface & ~seen & self._reflects(at_disc, rng)).any():
            bounced = self._reflected(photons.direction[back], normal[back], rng)
            direction[back], position[back] = bounced, position[back] + _NUDGE_CM * normal[back]
        on = (~at_surface & (scattered < absorbed)) | back
        moved = Photons(position, direction, time, photons.wavelength, photons.event)
        return moved.take(on), np.zeros(int(on.sum()), dtype=bool)

    def _efficiency(self, direction: Array, normal: Array) -> Array:
        surfaces = self.optics.surfaces
        cosine = np.clip(-np.einsum("ij,ij->i", direction, normal), 0, 1)
        angle = np.rad2deg(np.arccos(cosine))
        relative: Array = np.interp(angle, np.arange(0, 91, 10), surfaces.angular)
        return surfaces.efficiency * relative

    def _reflects(self, at_disc: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
        surfaces = self.optics.surfaces
        chance = np.where(at_disc, surfaces.sensor_reflectivity, surfaces.wall_reflectivity)
        reflects: NDArray[np.bool_] = rng.random(len(at_disc)) < chance
        return reflects

    def _reflected(self, direction: Array, normal: Array, rng: np.random.Generator) -> Array:
        count = len(direction)
        mirror = direction - 2 * np.einsum("ij,ij->i", direction, normal)[:, None] * normal
        lambert = turned(normal, np.sqrt(rng.random(count)), rng)
        specular = rng.random(count) < self.optics.surfaces.specular
        return np.where(specular[:, None], mirror, lambert)

    def _scattered(self, direction: Array, rng: np.random.Generator) -> Array:
        return turned(direction, rayleigh_cosine(rng.random(len(direction))), rng)


def rayleigh_cosine(uniform: Array) -> Array:
    """Cosine of the angle of Rayleigh scattering, of density 3/8 (1 + cos^2).

    The inverse of its integral: the real root of ``m^3 + 3 m = 8 u - 4``, by Cardano.
    """
    half = 4 * uniform - 2
    root = np.cbrt(half + np.sqrt(half**2 + 1))
    cosine: Array = np.clip(root - 1 / root, -1, 1)
    return cosine


def turned(axis: Array, cosine: Array, rng: np.random.Generator) -> Array:
    """Unit vectors at angles to axes, evenly around them.

    Args:
        axis: (N, 3), unit vectors.
        cosine: (N,), of the angles.
        rng: For the azimuths.
    """
    helper = np.zeros_like(axis)
    smallest = np.abs(axis).argmin(axis=1)
    helper[np.arange(len(axis)), smallest] = 1
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    azimuth = 2 * np.pi * rng.random(len(axis))
    sine = np.sqrt(np.clip(1 - cosine**2, 0, None))
    across = np.cos(azimuth)[:, None] * first + np.sin(azimuth)[:, None] * second
    vectors: Array = cosine[:, None] * axis + sine[:, None] * across
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
