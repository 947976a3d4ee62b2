"""What all files of voxels share: blocks, ids, the fields that are asked for, and a first look."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import Block, DataError, Table, file_digest, sample_ids
from zoo_sparse_reco.physics.kinds import hip_mip_of
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import FilesConfig
from zoo_sparse_reco.sources.tidy import Tidied, tidy_points, tidy_voxels

__all__ = ["EventFile", "VoxelFiles"]

_VOXEL, _POINT = fields_of("voxel"), fields_of("point")
_PARTICLE, _VERTEX = fields_of("particle"), fields_of("vertex")
_PLACES = frozenset({"voxel_x", "voxel_y", "voxel_z"})
_PIECE = 8  # events that are looked at together


@dataclass(frozen=True, slots=True)
class EventFile:
    """One file.

    Attributes:
        path: The file.
        events: How many it has.
    """

    path: Path
    events: int


class VoxelFiles(ABC):
    """All events of a file, or of all files in a folder.

    Args:
        config: Settings.
        path: What was asked for.
        files: By name.
        grid: Of the voxels, in the scheme of the settings.
        fields: What every event has.
        about: What the facts say of the files.

    Attributes:
        path: What was asked for.
        files: By name.
        grid: Of the voxels.
        fields: What every event has.
        looked: What was repaired of the events that were looked at.
        facts: The grid, how the files are read, and as ``note`` what is repaired.

    Raises:
        DataError: There is no event, or events are not what they seem.
    """

    def __init__(
        self,
        config: FilesConfig,
        path: Path,
        *,
        files: Sequence[EventFile],
        grid: VoxelGrid,
        fields: frozenset[str],
        about: Mapping[str, Any],
    ) -> None:
        self.config, self.path, self.files, self.grid = config, path, files, grid
        self.fields = fields
        self._digests: dict[Path, str] = {}
        self._by_key: dict[str, tuple[EventFile, range]] = {}
        for file in files:
            for first in range(0, file.events, config.rows):
                run = range(first, min(first + config.rows, file.events))
                self._by_key[f"{file.path.name}, events {first} to {run.stop - 1}"] = (file, run)
        if not self._by_key:
            raise DataError("no events", where=str(path), remedy="give another file")
        if config.scheme != "spine" and "semantic" in fields and "pid" not in fields:
            raise DataError(
                f"the scheme '{config.scheme}' needs the kinds of particles, which are not there",
                where=str(path),
                remedy="give files that have them, or use the scheme 'spine'",
            )
        self.looked = self._look()
        self.facts: Mapping[str, Any] = {**grid.facts, "files": dict(about), **self._note()}

    @abstractmethod
    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """Some events of a file: at least the fields that are wanted, of those that it has.

        Raises:
            DataError: The file is damaged.
        """

    def remarks(self) -> Sequence[str]:
        """Sentences on what was looked at, beyond repairs: none."""
        return ()

    def blocks(self) -> Sequence[Block]:
        """Runs of events; no run crosses a file."""
        return [Block(key, len(rows), key) for key, (_, rows) in self._by_key.items()]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Events of a run: only what is asked for is read.

        Raises:
            DataError: The file is damaged, lacks a field, or holds what cannot be.
        """
        file, run = self._by_key[block.key]
        unknown = fields - self.fields - {"id"}
        if unknown:
            raise DataError(
                f"it has no {', '.join(sorted(unknown))}",
                where=str(file.path),
                remedy=f"its fields are {', '.join(sorted(self.fields))}",
            )
        columns, _ = self._columns(file, run[rows], fields)
        columns["id"] = sample_ids(self._digest(file.path), np.asarray(run[rows]))
        return Table(columns).select(fields)

    def _columns(
        self, file: EventFile, rows: range, fields: frozenset[str]
    ) -> tuple[dict[str, Any], Tidied]:
        where = f"{file.path}, events {rows.start} to {rows.stop - 1}"
        events = self.events(file, rows, self._wanted(fields))
        columns: dict[str, Any] = {}
        done = Tidied()
        if fields & _VOXEL and events.voxels is not None:
            voxels, done = tidy_voxels(events.voxels, self.grid, self.config, where)
            columns |= self._in_scheme(voxels, "semantic", "pid").ragged(fields & _VOXEL)
        if fields & _POINT and events.points is not None:
            points, dropped = tidy_points(events.points, self.grid)
            done.points = dropped.points
            points = self._in_scheme(points, "point_semantic", "point_pid")
            columns |= points.ragged(fields & _POINT)
        if fields & _PARTICLE and events.particles is not None:
            particles = self._in_scheme(events.particles, "particle_semantic", "particle_pid")
            columns |= particles.ragged(fields & _PARTICLE)
        if fields & _VERTEX and events.vertices is not None:
            columns |= events.vertices.ragged(fields & _VERTEX)
        return columns, done

    def _wanted(self, fields: frozenset[str]) -> frozenset[str]:
        """What must be read for some fields: order and precedence need places, energy and class."""
        wanted = fields
        if fields & _VOXEL:
            wanted |= _PLACES | {"deposit"} | ({"semantic"} & self.fields)
        if self.config.scheme != "spine":
            kinds = {"semantic": "pid", "particle_semantic": "particle_pid"}
            wanted |= {kinds[name] for name in kinds.keys() & wanted} & self.fields
        return wanted

    def _in_scheme(self, rows: Rows, semantic: str, pid: str) -> Rows:
        if self.config.scheme == "spine" or semantic not in rows.columns:
            return rows
        kind = rows.columns.get(pid, np.full(len(rows.columns[semantic]), -1))
        heavy = rows.columns.get("heavy")
        classes = hip_mip_of(rows.columns[semantic], kind, heavy)
        return rows.with_columns(**{semantic: classes})

    def _look(self) -> Tidied:
        """Read events, spread over all files, in pieces of a few, none twice."""
        done = Tidied()
        for file, rows in self._spread():
            columns, repaired = self._columns(file, rows, self.fields)
            done.add(repaired)
            del columns
        if done.empty > self.config.most_empty * done.events:
            raise DataError(
                f"{done.empty} of the {done.events} events looked at have no voxel",
                where=str(self.path),
                remedy="the writing lost them, or another product has them; raise "
                "data.options.most_empty if this is meant",
            )
        return done

    def _spread(self) -> Iterator[tuple[EventFile, range]]:
        total = sum(file.events for file in self.files)
        for file in self.files:
            if not file.events:
                continue
            starts = np.arange(0, file.events, _PIECE)
            wanted = max(self.config.look * file.events // (total * _PIECE), 1)
            places = np.linspace(0, len(starts) - 1, min(wanted, len(starts))).astype(int)
            for first in starts[np.unique(places)].tolist():
                yield file, range(first, min(first + _PIECE, file.events))

    def _note(self) -> dict[str, str]:
        told = [*self.looked.sentences(), *self.remarks()]
        if not told:
            return {}
        return {"note": f"Of {self.looked.events} events looked at: {'; '.join(told)}."}

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_digest(path)
        return self._digests[path]
