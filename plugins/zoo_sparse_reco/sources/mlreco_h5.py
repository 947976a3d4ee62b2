"""Cluster tensors of lartpc_mlreco3d and SPINE in HDF5: a row for each voxel.

The order of the columns is lartpc_mlreco3d's, 10 of them, or SPINE's, 21:

=======  ===================================================================================
mlreco   x, y, z, batch, value, cluster, group, interaction, nu, class
SPINE    batch, x, y, z, value, cluster, particle, group, ancestor, interaction, nu, kind, group
         primary, interaction primary, vertex (3), momentum, ancestor's kind, ancestor's momentum,
         class
=======  ===================================================================================

An event is a number of the batch; its rows follow one another. A second dataset, if there is one,
has nine columns: batch, start (3), end (3), time, class of each particle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.labels import Semantic
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import MlrecoH5Config
from zoo_sparse_reco.sources.hdf5 import dataset, files_of, opened
from zoo_sparse_reco.sources.tidy import or_nowhere
from zoo_sparse_reco.sources.voxel_files import EventFile, VoxelFiles

__all__ = ["MlrecoH5"]

Array = NDArray[Any]

_MLRECO = {
    "batch": 3,
    "deposit": 4,
    "fragment": 5,
    "voxel_group": 6,
    "interaction": 7,
    "semantic": 9,
}
_SPINE = {
    "batch": 0, "deposit": 4, "fragment": 5, "particle": 6, "voxel_group": 7, "interaction": 9,
    "pid": 11, "primary": 13, "vertex": 14, "semantic": 20,
}  # fmt: skip
_PLACE = {"mlreco": 0, "spine": 1}  # first of x, y, z
_WIDTH = {"mlreco": 10, "spine": 21}
_POINT_WIDTH = 9
_CHUNK = 500_000  # rows whose events are looked at together


class MlrecoH5(VoxelFiles):
    """A file, or a folder of them; see :class:`VoxelFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, has other columns, or its events do not follow one another.
    """

    config: MlrecoH5Config

    def __init__(self, config: MlrecoH5Config, path: str | Path) -> None:
        where = Path(path)
        self.config = config
        files, layouts, pointed = [], set(), set()
        self._cuts: dict[Path, Array] = {}
        self._points: dict[Path, Array] = {}
        for name in files_of(where, ".h5", ".hdf5"):
            with opened(name) as file:
                table = _table(file, config.dataset)
                layout = _layout(table, config.layout)
                layouts.add(layout)
                batch, self._cuts[name] = _events_of(table, _columns(layout)["batch"])
                pointed.add(bool(config.points) and config.points in file)
                if config.points and config.points in file:
                    self._points[name] = _points_of(file, config.points, batch)
            files.append(EventFile(name, len(batch)))
        if len(layouts) > 1 or len(pointed) > 1:
            raise DataError(
                "files with different columns, or some without points",
                where=str(where),
                remedy="give files alike, or set data.options.points= to leave points out",
            )
        self._layout = layouts.pop()
        grid = VoxelGrid(
            name=f"{self._layout} tensors",
            shape=config.shape,
            voxel_mm=config.voxel_mm,
            scheme=config.scheme,
        )
        about = {"format": "cluster tensors", "layout": self._layout}
        fields = self._known(pointed.pop())
        super().__init__(config, where, files=files, grid=grid, fields=fields, about=about)

    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """See :meth:`VoxelFiles.events`."""
        cuts = self._cuts[file.path][rows.start : rows.stop + 1]
        told = wanted - fields_of("point")
        with opened(file.path) as content:
            voxels = particles = vertices = points = None
            if told:
                table = content[self.config.dataset][int(cuts[0]) : int(cuts[-1])]
                voxels = self._voxels(table, np.diff(cuts))
                if wanted & (fields_of("particle") | fields_of("vertex")):
                    particles, vertices = self._truth(table, voxels)
            if wanted & fields_of("point") and file.path in self._points:
                ends = self._points[file.path][rows.start : rows.stop + 1]
                found = content[self.config.points][int(ends[0]) : int(ends[-1])]
                points = _points(found, np.diff(ends))
        return Events(voxels=voxels, particles=particles, vertices=vertices, points=points)

    def _voxels(self, table: Array, counts: Array) -> Rows:
        first = _PLACE[self._layout]
        columns: dict[str, Array] = {"place": table[:, first : first + 3]}
        for name, column in _columns(self._layout).items():
            if name not in ("batch", "primary", "vertex"):
                columns[name] = table[:, column]
        return Rows(np.asarray(counts, np.int64), columns)

    def _truth(self, table: Array, voxels: Rows) -> tuple[Rows, Rows]:
        """Particles and interactions, as their first voxels tell."""
        columns = _columns(self._layout)
        particles = vertices = Rows.none(len(voxels.counts))
        if "particle" in columns:
            first = _first(voxels.event, voxels.columns["particle"])
            kept = voxels.take(first)
            have = kept.columns
            semantic, pid = have["semantic"], have["pid"]
            particles = Rows(
                kept.counts,
                {
                    "particle_id": have["particle"],
                    "particle_group": np.maximum(have["voxel_group"], -1),
                    "particle_interaction": np.maximum(have["interaction"], -1),
                    "particle_pid": np.where((pid >= 0) & (pid <= 5), pid, -1),
                    "particle_semantic": np.where((semantic >= 0) & (semantic <= 4), semantic, -1),
                    "particle_primary": np.clip(table[first, columns["primary"]], -1, 1),
                },
            )
        if "vertex" in columns:
            first = _first(voxels.event, voxels.columns["interaction"])
            place = table[first][:, columns["vertex"] : columns["vertex"] + 3]
            kept = voxels.take(first)
            vertices = Rows(
                kept.counts,
                {
                    "interaction_id": kept.columns["interaction"],
                    "interaction_vertex": or_nowhere(place),
                },
            )
        return particles, vertices

    def _known(self, points: bool) -> frozenset[str]:
        have = _columns(self._layout)
        fields = {"voxel_x", "voxel_y", "voxel_z"}
        fields |= {n for n in have if n not in ("batch", "primary", "vertex")}
        if "particle" in have:
            names = ("id", "group", "interaction", "pid", "semantic", "primary")
            fields |= {f"particle_{name}" for name in names} | fields_of("vertex")
        if points and self.config.scheme == "spine":  # of what kind a point is, it does not tell
            fields |= fields_of("point") - {"point_particle"}
        return frozenset(fields)


def _columns(layout: str) -> Mapping[str, int]:
    return _MLRECO if layout == "mlreco" else _SPINE


def _table(file: h5py.File, name: str) -> h5py.Dataset:
    found = dataset(file, name)
    if found.ndim != 2 or found.dtype.kind not in "iuf":
        raise DataError(
            f"{found.dtype} of shape {found.shape} instead of rows of numbers",
            where=f"{file.filename}:{found.name}",
            remedy="write a row of 10 or 21 numbers for each voxel",
        )
    return found


def _layout(table: h5py.Dataset, asked: str) -> str:
    fitting = [name for name, width in _WIDTH.items() if width == table.shape[1]]
    if not fitting or asked not in ("auto", fitting[0]):
        raise DataError(
            f"{table.shape[1]} columns",
            where=f"{table.file.filename}:{table.name}",
            remedy="lartpc_mlreco3d has 10, SPINE 21; see docs/plugins/sparse-reco-files.md",
        )
    return fitting[0]


def _events_of(table: h5py.Dataset, column: int) -> tuple[Array, Array]:
    """Numbers of the events (N,), and where their rows begin (N + 1,); in bounded memory."""
    numbers: list[Array] = []
    starts: list[Array] = []
    last = -np.inf
    for first in range(0, len(table), _CHUNK):
        batch = table[first : first + _CHUNK, column].astype(np.float64)
        step = batch - np.concatenate([[last], batch[:-1]])
        if not (np.isfinite(batch).all() and np.all(step >= 0)):
            raise DataError(
                f"numbers of events in column {column} fall, or are none",
                where=f"{table.file.filename}:{table.name}",
                remedy="sort rows by event: is the order of the columns another one?",
            )
        begins = np.flatnonzero(step > 0)
        starts.append(begins + first)
        numbers.append(batch[begins])
        last = float(batch[-1])
    if not numbers:
        return np.zeros(0), np.zeros(1, np.int64)
    return np.concatenate(numbers), np.concatenate([*starts, [len(table)]]).astype(np.int64)


def _points_of(file: h5py.File, name: str, batch: Array) -> Array:
    """Where the points of each event begin (N + 1,).

    Raises:
        DataError: It has other columns, or points of events without voxels.
    """
    table = _table(file, name)
    if table.shape[1] != _POINT_WIDTH:
        raise DataError(
            f"{table.shape[1]} columns instead of {_POINT_WIDTH}",
            where=f"{file.filename}:{table.name}",
            remedy="write batch, start (3), end (3), time and class",
        )
    number, cuts = _events_of(table, 0)
    if not np.isin(number, batch).all():
        raise DataError(
            "points of events that have no voxel",
            where=f"{file.filename}:{table.name}",
            remedy="give the points of the same events",
        )
    rows = np.searchsorted(number, batch)
    return np.concatenate([cuts[rows], cuts[-1:]])


def _points(table: Array, counts: Sequence[int] | Array) -> Rows:
    """Starts of all particles but those of low energy, and ends of tracks."""
    semantic = table[:, 8].astype(np.int64)
    known = (semantic >= 0) & (semantic < Semantic.LOW_ENERGY)
    starts, ends = np.flatnonzero(known), np.flatnonzero(semantic == Semantic.TRACK)
    row = np.concatenate([starts, ends])
    end = np.repeat([0, 1], [len(starts), len(ends)])
    order = np.lexsort((end, row))
    row, end = row[order], end[order]
    place = np.where(end[:, None] > 0, table[row, 4:7], table[row, 1:4])
    event = np.repeat(np.arange(len(counts)), counts)
    found = np.bincount(event[row], minlength=len(counts)).astype(np.int64)
    columns = {f"point_{axis}": place[:, i] for i, axis in enumerate("xyz")}
    return Rows(found, {**columns, "point_semantic": semantic[row], "point_end": end})


def _first(event: Array, number: Array) -> Array:
    """Rows where a number, 0 or above, first stands in an event."""
    order = np.lexsort((number, event))
    order = order[number[order] >= 0]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(number[order]) != 0) | (np.diff(event[order]) != 0)
    rows: Array = order[new]
    return rows
