"""Files of events and their hits, as SimpleSim and WatChMaL's DataTools write them.

``positions`` (events, 1, 3), ``event_hits_index`` (events,), ``hit_pmt``, ``hit_charge`` and
``hit_time`` (hits,). A sample is an event; a block is a run of events, read in one piece. What is
looked at when the files are opened is in ``looks``; the events that are read later are compared
for copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, ConfigError, DataError, Ragged, Table, file_digest, open_hdf5, sample_ids
from zoo_optics.physics.detector import Sensors
from zoo_optics.sources.event_file import EventFile, event_file
from zoo_optics.sources.faults import alive_channels
from zoo_optics.sources.files_config import FlashFilesConfig
from zoo_optics.sources.geometries import load_detector
from zoo_optics.sources.hdf5 import hdf5_files, rows_of
from zoo_optics.sources.looks import (
    Copies,
    require_inside,
    require_light,
    require_possible_times,
)
from zoo_optics.sources.sensor_order import require_facing, require_forward, require_order

__all__ = ["FlashFiles"]

Array = NDArray[np.float64]

_HIT_FIELDS = frozenset({"hit_sensor", "hit_time"})


class FlashFiles:
    """All events of a file, or of all files in a folder.

    Args:
        config: Settings.
        path: A file or a folder.

    Attributes:
        path: What was asked for.
        detector: Of the geometry file.
        files: By name.
        fields: What every event has.
        facts: The geometry, and how the files are read.

    Raises:
        ConfigError: No geometry is given.
        DataError: A file is damaged or lacks something, or its events are not what they seem.
    """

    unit: Literal["m", "cm"] = "cm"
    """Of positions in the file."""

    def __init__(self, config: FlashFilesConfig, path: str | Path) -> None:
        self.config = config
        self.path = Path(path)
        if not config.geometry:
            raise ConfigError(
                "the geometry is missing",
                where="data.options.geometry",
                remedy="give the file of the sensors: .npz, WCSim's .txt, WCTE's .json",
            )
        radius = config.sensor_radius_cm
        self.detector = load_detector(Path(config.geometry), radius_cm=radius)
        self.files = [event_file(file, config) for file in hdf5_files(self.path)]
        timed = config.start_ns is not None and all(file.timed for file in self.files)
        self.fields = frozenset({"position", "direction", "photons", "charge"})
        self.fields |= _HIT_FIELDS if timed else frozenset()
        channels = np.arange(len(self.detector.sensors))
        self._alive = alive_channels(channels, config.dead) if config.dead else None
        self.fields |= {"alive"} if config.dead else set()
        self._by_key = self._runs()
        self._digests: dict[Path, str] = {}
        self._copies = Copies()
        self.facts: Mapping[str, Any] = {**self.detector.facts(), **self._about(timed)}
        if self._alive is not None:
            self.facts = {**self.facts, "alive": self._alive}
        self._look()

    def flashes(self, file: h5py.File, rows: slice) -> tuple[Array, Array, Array]:
        """Position (N, 3), cm, direction (N, 3) and photons (N,) of some events, in our frame.

        Raises:
            DataError: The file lacks them.
        """
        raise NotImplementedError  # abstract: each format has its own

    def about(self) -> Mapping[str, Any]:
        """What else the facts say of the files."""
        raise NotImplementedError  # abstract: each format has its own

    @property
    def isotropic(self) -> bool:
        """Whether light goes to all sides."""
        raise NotImplementedError  # abstract: each format has its own

    def blocks(self) -> Sequence[Block]:
        """Runs of events; no run crosses a file."""
        return [Block(key, len(rows), key) for key, (_, rows) in self._by_key.items()]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Events of a run: the hits of all in one read.

        Raises:
            DataError: The file is damaged, a hit is of no sensor of the geometry, or an event is a
                copy of one that was read before.
        """
        file, run = self._by_key[block.key]
        chosen = run[rows]
        unknown = fields - self.fields - {"id"}
        if unknown:
            raise DataError(
                f"it has no {', '.join(sorted(unknown))}",
                where=str(file.path),
                remedy=str(self.facts.get("note", f"its fields are {sorted(self.fields)}")),
            )
        columns = self._columns(file, slice(chosen.start, chosen.stop), fields)
        columns["id"] = sample_ids(self._digest(file.path), np.asarray(chosen))
        if self._alive is not None:
            columns["alive"] = np.tile(self._alive, (len(chosen), 1))
        if "charge" in columns:
            self._copies.require_none(columns["charge"], chosen, str(file.path))
        return Table(columns).select(fields)

    def _columns(self, file: EventFile, rows: slice, fields: frozenset[str]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        with open_hdf5(file.path) as content:
            if fields & {"position", "direction", "photons"}:
                for name, values in zip(
                    ("position", "direction", "photons"), self.flashes(content, rows), strict=True
                ):
                    columns[name] = values.astype(np.float32)
            if fields & {"charge", *_HIT_FIELDS}:
                columns |= self._hits(content, file, rows, fields)
        return columns

    def _hits(
        self, content: h5py.File, file: EventFile, rows: slice, fields: frozenset[str]
    ) -> dict[str, Any]:
        cuts = file.cuts[rows.start : rows.stop + 1]
        hits = slice(int(cuts[0]), int(cuts[-1]))
        sensor = rows_of(content, "hit_pmt", (), hits).astype(np.int64)
        _require_sensors(sensor, self.detector.sensors, str(file.path))
        columns: dict[str, Any] = {}
        if "charge" in fields:
            events, sensors = rows.stop - rows.start, len(self.detector.sensors)
            flat = np.repeat(np.arange(events) * sensors, np.diff(cuts)) + sensor
            charge = np.bincount(
                flat, rows_of(content, "hit_charge", (), hits), minlength=events * sensors
            )
            columns["charge"] = charge.reshape(events, sensors).astype(np.float32)
        offsets = cuts - cuts[0]
        if "hit_sensor" in fields:
            columns["hit_sensor"] = Ragged(sensor.astype(np.int32), offsets)
        if "hit_time" in fields and self.config.start_ns is not None:
            time = rows_of(content, "hit_time", (), hits) - self.config.start_ns
            columns["hit_time"] = Ragged(time.astype(np.float32), offsets)
        return columns

    def _runs(self) -> dict[str, tuple[EventFile, range]]:
        runs = {}
        for file in self.files:
            for first in range(0, file.events, self.config.rows):
                run = range(first, min(first + self.config.rows, file.events))
                runs[f"{file.path.name}, events {first} to {run.stop - 1}"] = (file, run)
        if not runs:
            raise DataError("no events", where=str(self.path), remedy="give another file")
        return runs

    def _about(self, timed: bool) -> dict[str, Any]:
        told = dict(self.about())
        if self.config.group_index is not None:
            told["group_index"] = self.config.group_index
        constant = [file.path.name for file in self.files if not file.timed]
        if constant:
            told["note"] = (
                f"Hit times of {len(constant)} of {len(self.files)} files are constant: "
                "there are charges alone"
            )
        elif not timed:
            told["note"] = "Hit times are not read: data.options.start_ns says when light starts"
        return told

    def _look(self) -> None:
        """Refuse what is not what it seems, on events that are spread over all files."""
        wanted = self.fields - {"photons"}
        parts = []
        for file, events in self._spread():
            found = [self._columns(file, slice(e, e + 1), wanted) for e in events]
            charge = np.concatenate([columns["charge"] for columns in found])
            require_light(charge, str(file.path))
            self._copies.require_none(charge, events, str(file.path))
            parts += found
        joined = {
            name: np.concatenate([part[name] for part in parts]).astype(np.float64)
            for name in ("position", "direction", "charge")
        }
        where = str(self.path)
        require_inside(joined["position"], self.detector.volume, self.unit, where)
        if "hit_time" in wanted:
            self._look_at_times(parts)
        if self.config.agreement > -10:
            self._look_at_order(joined, where)

    def _look_at_order(self, rows: Mapping[str, Array], where: str) -> None:
        position, charge, sensors = rows["position"], rows["charge"], self.detector.sensors
        require_facing(position, charge, sensors, where)
        if self.isotropic:
            require_order(position, charge, sensors, self.config.agreement, where)
        elif np.abs(rows["direction"]).sum(axis=1).all():
            require_forward(position, rows["direction"], charge, sensors, where)

    def _look_at_times(self, parts: Sequence[Mapping[str, Any]]) -> None:
        place = self.detector.sensors.position_cm
        distance = [
            np.linalg.norm(place[part["hit_sensor"].values] - part["position"], axis=1)
            for part in parts
        ]
        require_possible_times(
            np.concatenate([part["hit_time"].values for part in parts]),
            np.concatenate(distance),
            str(self.path),
            "set data.options.start_ns to the time of the light in the file's clock, or to none: "
            "hit_time may be a length, or count from a trigger",
        )

    def _spread(self) -> list[tuple[EventFile, list[int]]]:
        """Events to look at, by file."""
        total = sum(file.events for file in self.files)
        chosen = np.unique(np.linspace(0, total - 1, min(self.config.look, total)).astype(int))
        spread, first = [], 0
        for file in self.files:
            inside = chosen[(chosen >= first) & (chosen < first + file.events)] - first
            if len(inside):
                spread.append((file, inside.tolist()))
            first += file.events
        return spread

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_digest(path)
        return self._digests[path]


def _require_sensors(sensor: NDArray[np.int64], sensors: Sensors, where: str) -> None:
    low, high = int(sensor.min(initial=0)), int(sensor.max(initial=0))
    if low < 0 or high >= len(sensors):
        raise DataError(
            f"hits of sensors {low} to {high}, the geometry has 0 to {len(sensors) - 1}",
            where=f"{where}:/hit_pmt",
            remedy="give the geometry that the file was made with; sensors are counted from 0",
        )
