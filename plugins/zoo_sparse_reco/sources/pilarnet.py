"""PILArNet-M in HDF5 (DeepLearnPhysics, Hugging Face): lists of numbers, different in length.

========================  ====================================================================
``point``                 8 numbers a voxel: x, y, z, value, energy deposit (MeV), time,
                          number of electrons, dx; in the order of the clusters
``cluster``               a cluster: voxels, fragment, group, interaction, class; in v2 and v3 the
                          kind of particle
``cluster_extra``         a cluster, 5 numbers (v2) or 6 (v3): mass (MeV, v3), momentum (GeV/c),
                          place of the interaction (voxels), and whether it is a primary (v3); 9
                          or 11 where others are packed behind them
``interaction_extra``     an interaction, 4 numbers: its number and place (voxels)
========================  ====================================================================

Low energy has no numbers: -1. A fragment is a cluster; a particle is a group of clusters, described
by the one whose number is the group's, or else by the largest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import PilarnetConfig
from zoo_sparse_reco.sources.hdf5 import files_of, lists, opened
from zoo_sparse_reco.sources.tidy import or_nowhere
from zoo_sparse_reco.sources.voxel_files import EventFile, VoxelFiles

__all__ = ["Pilarnet"]

Array = NDArray[Any]

_POINT_WIDTH = 8
_CLUSTER = ("size", "fragment", "group", "interaction", "semantic", "pid")
_ENERGY = {"value": 3, "deposit": 4}
_PRIMARY = (6, 11)  # widths of cluster_extra that tell primaries, and the mass


class Pilarnet(VoxelFiles):
    """A file, or a folder of them; see :class:`VoxelFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, or its lists do not fit one another.
    """

    config: PilarnetConfig

    def __init__(self, config: PilarnetConfig, path: str | Path) -> None:
        where = Path(path)
        files, widths, vertices = [], set(), set()
        for name in files_of(where, ".h5", ".hdf5"):
            with opened(name) as file:
                events = lists(file, "point").shape[0]
                _require_events(file, events)
                widths.add(_widths(file))
                vertices.add("interaction_extra" in file)
            _require_sidecar(name, events)
            files.append(EventFile(name, events))
        if len(widths) > 1 or len(vertices) > 1:
            raise DataError(
                "files of several versions",
                where=str(where),
                remedy="give each version alone: their events differ",
            )
        self._width, self._extra = widths.pop()
        self._listed = vertices.pop()
        grid = VoxelGrid(
            name="PILArNet-M",
            shape=config.shape,
            voxel_mm=config.voxel_mm,
            scheme=config.scheme,
        )
        about = {"format": "PILArNet-M", "cluster": self._width, "cluster_extra": self._extra}
        super().__init__(config, where, files=files, grid=grid, fields=self._known(), about=about)

    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """See :meth:`VoxelFiles.events`."""
        where = f"{file.path}, events {rows.start} to {rows.stop - 1}"
        labels = (fields_of("voxel") - {"voxel_x", "voxel_y", "voxel_z", "deposit"}) & wanted
        with opened(file.path) as content:
            points = _rows(content, "point", rows, _POINT_WIDTH, where)
            clusters = None
            if labels or wanted & (fields_of("particle") | fields_of("vertex")):
                clusters = _rows(content, "cluster", rows, self._width, where)
                _require_sizes(clusters, points, where)
            voxels = self._voxels(points, clusters, labels)
            if clusters is None or not wanted & (fields_of("particle") | fields_of("vertex")):
                return Events(voxels=voxels)
            extra = None
            if self._extra:
                extra = _rows(content, "cluster_extra", rows, self._extra, where)
                if not np.array_equal(extra.counts, clusters.counts):
                    raise _inconsistent("cluster_extra", "cluster", where)
            listed = _rows(content, "interaction_extra", rows, 4, where) if self._listed else None
        return Events(
            voxels=voxels,
            particles=_particles(clusters, extra),
            vertices=_vertices(clusters, extra, listed),
        )

    def _voxels(self, points: Rows, clusters: Rows | None, labels: frozenset[str]) -> Rows:
        values = points.columns["values"]
        columns = {"place": values[:, :3], "deposit": values[:, _ENERGY[self.config.energy]]}
        if clusters is not None:
            table = clusters.columns["values"]
            sizes = table[:, 0].astype(np.int64)
            for name in labels:
                column = {"particle": "group", "voxel_group": "group"}.get(name, name)
                columns[name] = np.repeat(table[:, _CLUSTER.index(column)], sizes)
        return Rows(points.counts, columns)

    def _known(self) -> frozenset[str]:
        fields = {"voxel_x", "voxel_y", "voxel_z", "deposit"}
        fields |= {"semantic", "fragment", "particle", "voxel_group", "interaction"}
        fields |= {f"particle_{name}" for name in ("id", "group", "interaction", "semantic")}
        if self._width > 5:
            fields |= {"pid", "particle_pid"}
        if self._extra in _PRIMARY:
            fields |= {"particle_primary", "particle_energy"}
        if self._extra or self._listed:
            fields |= {"interaction_id", "interaction_vertex"}
        return frozenset(fields)


def _particles(clusters: Rows, extra: Rows | None) -> Rows:
    """One row for each group, from the cluster that describes it."""
    table, event = clusters.columns["values"], clusters.event
    own = table[:, 1] == table[:, 2]
    # Of each group the cluster of its own number comes first, then the largest.
    order = np.lexsort((-table[:, 0], ~own, table[:, 2], event))
    order = order[table[order, 2] >= 0]
    group, of = table[order, 2], event[order]
    new = np.ones(len(order), bool)
    new[1:] = (group[1:] != group[:-1]) | (of[1:] != of[:-1])
    chosen = order[new]
    picked = clusters.take(chosen)
    values = picked.columns["values"]
    columns: dict[str, Array] = {
        "particle_id": values[:, 2],
        "particle_group": values[:, 2],
        "particle_interaction": np.maximum(values[:, 3], -1),
        "particle_semantic": np.where(values[:, 4] > 4, -1, values[:, 4]),
    }
    if values.shape[1] > 5:
        columns["particle_pid"] = np.where(values[:, 5] > 5, -1, values[:, 5])
    if extra is not None and extra.columns["values"].shape[1] in _PRIMARY:
        told = extra.columns["values"][chosen]
        columns["particle_primary"] = np.clip(told[:, 5], -1, 1)
        known = (told[:, 0] >= 0) & (told[:, 1] >= 0)
        momentum = 1000.0 * np.where(known, told[:, 1], 0.0)
        mass = np.where(known, told[:, 0], 0.0)
        columns["particle_energy"] = np.hypot(momentum, mass) - mass
    return Rows(picked.counts, columns)


def _vertices(clusters: Rows, extra: Rows | None, listed: Rows | None) -> Rows:
    """One row for each interaction: as listed, or where its first cluster says it was."""
    if listed is not None:
        rows, number = listed, listed.columns["values"][:, 0]
        place = listed.columns["values"][:, 1:]
    elif extra is not None:
        rows, number = clusters, clusters.columns["values"][:, 3]
        place = extra.columns["values"][:, 2:5]
    else:
        return Rows.none(len(clusters.counts))
    place = or_nowhere(place)
    order = np.lexsort((place[:, 0] < 0, number, rows.event))  # places that are known come first
    order = order[number[order] >= 0]
    new = np.ones(len(order), bool)
    of = rows.event[order]
    new[1:] = (number[order][1:] != number[order][:-1]) | (of[1:] != of[:-1])
    chosen = order[new]
    picked = rows.take(chosen)
    columns = {"interaction_id": number[chosen], "interaction_vertex": place[chosen]}
    return Rows(picked.counts, columns)


def _rows(file: h5py.File, name: str, rows: range, width: int, where: str) -> Rows:
    """Lists of some events, cut into rows of a width: ``values`` (total, width)."""
    found = lists(file, name)[rows.start : rows.stop]
    sizes = np.array([len(one) for one in found], np.int64)
    if np.any(sizes % width):
        wrong = int(np.flatnonzero(sizes % width)[0])
        raise DataError(
            f"'{name}' of event {rows[wrong]} has {sizes[wrong]} numbers, no multiple of {width}",
            where=where,
            remedy="the file was cut short, or is of another version",
        )
    values = np.concatenate(found) if len(found) else np.zeros(0, np.float32)
    return Rows(sizes // width, {"values": values.reshape(-1, width)})


def _require_events(file: h5py.File, events: int) -> None:
    for name in ("cluster", "cluster_extra", "interaction_extra"):
        if (name == "cluster" or name in file) and lists(file, name).shape[0] != events:
            raise _inconsistent(name, "point", str(file.filename))


def _widths(file: h5py.File) -> tuple[int, int]:
    """Numbers of each cluster in ``cluster`` and in ``cluster_extra``, 0: there is none.

    A width fits where the first numbers of all clusters add up to the voxels of the event.
    """
    points, clusters = lists(file, "point"), lists(file, "cluster")
    for event in range(min(points.shape[0], 8)):
        voxels, table = len(points[event]) // _POINT_WIDTH, np.asarray(clusters[event])
        fits = [w for w in (6, 5) if _fits(table, w, voxels)]
        if not fits:
            continue
        extra = 0
        if "cluster_extra" in file:
            extra = len(lists(file, "cluster_extra")[event]) * fits[0] // len(table)
            if extra not in (5, 6, 9, 11):
                raise DataError(
                    f"{extra} numbers for each cluster",
                    where=f"{file.filename}:/cluster_extra",
                    remedy="write 5 (v2) or 6 (v3), or 9 or 11 where others are packed behind them",
                )
        return fits[0], extra
    raise DataError(
        "no event whose clusters, of 5 or 6 numbers each, have as many voxels as it",
        where=str(file.filename),
        remedy="is this PILArNet-M? 'point' has 8 numbers for each voxel",
    )


def _fits(table: Array, width: int, voxels: int) -> bool:
    return bool(len(table) and not len(table) % width and table[::width].sum() == voxels)


def _require_sizes(clusters: Rows, points: Rows, where: str) -> None:
    sizes = clusters.columns["values"][:, 0]
    total = np.bincount(clusters.event, sizes, minlength=len(points.counts))
    if np.any(sizes < 0) or np.any(total != points.counts):
        raise _inconsistent("cluster", "point", where)


def _require_sidecar(path: Path, events: int) -> None:
    """Refuse a file whose list of sizes, ``NAME_points.npy``, is of another one."""
    beside = path.with_name(f"{path.stem}_points.npy")
    if not beside.is_file():
        return
    try:
        with beside.open("rb") as stream:
            sizes = npy.read_array(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"no array of numbers ({error})",
            where=str(beside),
            remedy="copy it again, or remove it: it is not needed",
        ) from error
    if len(np.atleast_1d(sizes)) != events:
        raise DataError(
            f"sizes of {len(np.atleast_1d(sizes))} events beside a file of {events}",
            where=str(beside),
            remedy="one of the two is of another file or was cut short: copy them again",
        )


def _inconsistent(name: str, other: str, where: str) -> DataError:
    return DataError(
        f"'{name}' does not fit '{other}'",
        where=where,
        remedy="the writing was cut short, or the files are of several versions: copy them again",
    )
