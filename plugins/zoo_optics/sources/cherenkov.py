"""Flashes of light in a water tank, photon by photon."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, Ragged, Table, generator, row_ids, uniform
from zoo_optics.physics.detector import Cylinder, Detector, cylinder_layout
from zoo_optics.physics.emission import emitted, isotropic
from zoo_optics.physics.transport import Hits, Optics, Photons, Surfaces, Transport
from zoo_optics.physics.water import water
from zoo_optics.sources.config import CherenkovConfig, PositionsConfig, TankConfig
from zoo_optics.sources.faults import Faults
from zoo_optics.sources.geometries import load_detector

__all__ = ["Cherenkov", "ring_positions", "tank"]

Array = NDArray[np.float64]

_FROM_WALL_CM = 50.0


class Cherenkov:
    """One flash a sample: its charges, and its hits with their times."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "absorption-20%": {"absorption_factor": 1.04},
        "scattering-20%": {"rayleigh_factor": 0.60},
        "wall-reflects": {"surfaces": {"wall_reflectivity": 0.14}},
        "dark-10-khz": {"dark_khz": 10.0},
        "dead-5%": {"faults": {"dead": 0.05}},
    }

    def __init__(self, config: CherenkovConfig) -> None:
        self.config = config
        self.detector = tank(config.tank)
        self.medium = water(config.absorption_factor, config.rayleigh_factor)
        self.medium.check(*config.wavelength_nm)
        self.faults = Faults.of(config.faults, len(self.detector.sensors))
        _require_possible(config, self.faults)
        if config.positions.kind == "rings":
            self._rings = ring_positions(config.positions)
            _require_inside(self.detector, self._rings)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The geometry, and what the light meets."""
        config = self.config
        middle = np.array([float(np.mean(config.wavelength_nm))])
        group = self.medium.at(self.medium.group_index, middle)
        return {
            **self.detector.facts(),
            "emission": config.emission,
            "group_index": float(group[0]),
            "medium": {
                "kind": "water",
                "absorption_factor": config.absorption_factor,
                "rayleigh_factor": config.rayleigh_factor,
                "wavelength_nm": list(config.wavelength_nm),
            },
            "surfaces": config.surfaces.model_dump(mode="json"),
            "transit_spread_ns": config.transit_spread_ns,
            "dark_khz": config.dark_khz,
            "window_ns": config.window_ns,
            **self.faults.facts(),
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One flash per key."""
        position = self.positions(keys)
        direction = isotropic(uniform(keys, 2, tag=1))
        count = self._photons(keys)
        if self.config.emission == "isotropic":
            direction = np.zeros_like(direction)
        columns: dict[str, Any] = {
            "id": row_ids(keys, 1),
            **self.faults.columns(position),
            "direction": direction.astype(np.float32),
            "photons": count.astype(np.float32),
        }
        if fields & {"charge", "hit_sensor", "hit_time"}:
            hits = [
                self._flash(generator(int(key)), *flash)
                for key, *flash in zip(keys, position, direction, count, strict=True)
            ]
            columns |= self._seen(hits)
        return Table(columns).select(fields)

    def positions(self, keys: NDArray[np.uint64]) -> Array:
        """Where each flash starts, float64 (keys, 3), cm."""
        config = self.config.positions
        if config.kind == "volume":
            return self.detector.volume.points(uniform(keys, 3), config.margin_cm)
        chosen = (uniform(keys, 1)[:, 0] * len(self._rings)).astype(int)
        points: Array = self._rings[chosen]
        return points

    @cached_property
    def _transport(self) -> Transport:
        surfaces = Surfaces(**self.config.surfaces.model_dump())
        return Transport(self.detector, Optics(self.medium, surfaces), self.faults.yields)

    def _photons(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        least, largest = self.config.photons
        drawn = least * (largest / least) ** uniform(keys, 1, tag=2)[:, 0]
        count: NDArray[np.int64] = np.rint(drawn).astype(np.int64)
        return count

    def _flash(
        self, rng: np.random.Generator, position: Array, direction: Array, count: np.int64
    ) -> Hits:
        config = self.config
        start, way, delay = emitted(config, position, direction, int(count), rng)
        low, high = config.wavelength_nm
        wavelength = 1 / (1 / low + rng.random(int(count)) * (1 / high - 1 / low))
        inside = self.detector.volume.holds(start)
        event = np.zeros(int(inside.sum()), dtype=np.int64)
        photons = Photons(start[inside], way[inside], delay[inside], wavelength[inside], event)
        hits = self._transport.run(photons, rng)
        spread = config.transit_spread_ns * rng.standard_normal(len(hits.time))
        return self._with_dark(Hits(hits.event, hits.sensor, hits.time + spread, hits.direct), rng)

    def _with_dark(self, hits: Hits, rng: np.random.Generator) -> Hits:
        mean = self.config.dark_khz * 1e-6 * self.config.window_ns * len(self.detector.sensors)
        dark = int(rng.poisson(mean))
        sensor = rng.integers(len(self.detector.sensors), size=dark)
        time, counted = self.config.window_ns * rng.random(dark), self.faults.alive[sensor]
        return Hits(
            np.zeros(len(hits.time) + int(counted.sum()), dtype=np.int64),
            np.concatenate([hits.sensor, sensor[counted]]),
            np.concatenate([hits.time, time[counted]]),
            np.concatenate([hits.direct, np.zeros(int(counted.sum()), dtype=bool)]),
        )

    def _seen(self, flashes: list[Hits]) -> dict[str, Any]:
        sensors = len(self.detector.sensors)
        charge = [np.bincount(hits.sensor, minlength=sensors) for hits in flashes]
        offsets = np.cumsum([0, *(len(hits.time) for hits in flashes)])
        sensor = np.concatenate([hits.sensor for hits in flashes]).astype(np.int32)
        time = np.concatenate([hits.time for hits in flashes]).astype(np.float32)
        return {
            "charge": np.stack(charge).astype(np.float32),
            "hit_sensor": Ragged(sensor, offsets),
            "hit_time": Ragged(time, offsets),
        }


def tank(config: TankConfig) -> Detector:
    """The detector of its settings.

    WCSim's geofile (``.txt``) tells neither tank nor size of the sensors: both are the settings'.

    Raises:
        ConfigError: If no sensor of a geofile stands near the wall of the tank.
        DataError: If its sensors stand outside of it, or the file is no geometry.
    """
    volume = Cylinder(config.radius_cm, config.half_height_cm)
    path = Path(config.geometry)
    if path.suffix == ".txt":
        detector = load_detector(path, volume, config.sensor_radius_cm)
        _require_near(detector)
        return detector
    if config.geometry:
        return load_detector(path)
    sensors = cylinder_layout(
        volume,
        rows=config.rows,
        columns=config.columns,
        rings=config.rings,
        radius_cm=config.sensor_radius_cm,
    )
    return Detector(sensors, volume)


def ring_positions(config: PositionsConfig) -> Array:
    """All positions of the rings, float64 (positions, 3), cm: heights, then radii, then angles."""
    points = [
        (radius * np.cos(phi), radius * np.sin(phi), height)
        for height in config.heights_cm
        for radius, parts in zip(config.radii_cm, config.divisions, strict=True)
        for phi in 2 * np.pi * np.arange(parts) / parts
    ]
    return np.array(points)


def _require_possible(config: CherenkovConfig, faults: Faults) -> None:
    surfaces = config.surfaces
    largest = surfaces.efficiency * max(surfaces.angular) * float(faults.yields.max())
    if config.faults.yield_rms and largest > 1:
        raise ConfigError(
            f"the largest yield makes a probability of detection of {largest:.3f}",
            where="faults.yield_rms",
            remedy="lower surfaces.efficiency below "
            f"{surfaces.efficiency / largest:.3f}, or the spread of the yields",
        )


def _require_near(detector: Detector) -> None:
    volume, position = detector.volume, detector.sensors.position_cm
    reach = np.array([np.hypot(*position[:, :2].T).max(), np.abs(position[:, 2]).max()])
    if np.all(volume.high[1:] - reach > _FROM_WALL_CM):
        raise ConfigError(
            f"sensors of the geofile end at radius {reach[0]:.1f} and height {reach[1]:.1f} cm, "
            f"the tank at {volume.high[1]:g} and {volume.high[2]:g} cm",
            where="tank",
            remedy="give radius_cm and half_height_cm of the tank that holds these sensors",
        )


def _require_inside(detector: Detector, positions: Array) -> None:
    outside = ~detector.volume.holds(positions)
    if outside.any():
        raise ConfigError(
            f"{int(outside.sum())} of {len(positions)} positions are outside of the tank, "
            f"the first at {positions[outside][0].tolist()} cm",
            where="positions",
            remedy="give smaller radii_cm and heights_cm, or a larger tank",
        )
