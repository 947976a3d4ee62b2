"""LArCV3 files in HDF5, with h5py alone.

``Data/TYPE_PRODUCER_group`` holds a product: ``extents`` tells for each event which of its tensors
are its own, ``voxel_extents`` (``cluster_extents`` behind ``projection_extents``) which of
``voxels`` belong to each. Voxels are numbered with z fastest: the opposite of LArCV2.

The shape of a particle is left unread, since LArCV3 numbers shapes in another way than LArCV2: its
class is that of most voxels of its cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import LarcvH5Config
from zoo_sparse_reco.sources.hdf5 import compound, files_of, opened
from zoo_sparse_reco.sources.larcv_products import Frames, Products
from zoo_sparse_reco.sources.larcv_truth import events_of, known_fields
from zoo_sparse_reco.sources.voxel_files import EventFile, VoxelFiles

__all__ = ["LarcvH5"]

Array = NDArray[Any]

_PARTICLE = ("pdg", "px", "py", "pz", "trackid", "parent_trackid", "process")
_PLACES = ("first_step", "last_step")


class LarcvH5(VoxelFiles):
    """A file, or a folder of them; see :class:`VoxelFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, or lacks the product.
    """

    config: LarcvH5Config

    def __init__(self, config: LarcvH5Config, path: str | Path) -> None:
        where = Path(path)
        self.config = config
        self._groups = {
            "voxels": f"sparse3d_{config.energy}_group",
            "semantics": f"sparse3d_{config.semantics}_group" if config.semantics else "",
            "clusters": f"cluster3d_{config.clusters}_group" if config.clusters else "",
            "particles": f"particle_{config.particles}_group" if config.particles else "",
        }
        files, found, grids = [], [], []
        for name in files_of(where, ".h5", ".hdf5"):
            with opened(name) as file:
                named = {kind: group for kind, group in self._groups.items() if group}
                found.append(frozenset(k for k, group in named.items() if f"Data/{group}" in file))
                extents = compound(self._group(file, "voxels"), "extents", "first", "N")
                files.append(EventFile(name, len(extents)))
                if len(extents):
                    grids.append(self._grid(file))
        if any(one != found[0] for one in found) or any(one != grids[0] for one in grids):
            raise DataError(
                "files with different products or grids",
                where=str(where),
                remedy="give files alike, or leave a product out: data.options.semantics=",
            )
        if not grids:
            raise DataError("no events", where=str(where), remedy="give another file")
        self._have = found[0]
        members = frozenset({*_PARTICLE, *_PLACES} if "particles" in self._have else ())
        fields = known_fields(
            members,
            semantics="semantics" in self._have,
            clusters="clusters" in self._have,
        )
        about = {"format": "LArCV3", "products": sorted(self._groups[k] for k in self._have)}
        super().__init__(config, where, files=files, grid=grids[0], fields=fields, about=about)

    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """See :meth:`VoxelFiles.events`."""
        where = f"{file.path}, events {rows.start} to {rows.stop - 1}"
        told = bool(wanted & (fields_of("particle") | fields_of("point") | fields_of("vertex")))
        owners = bool(wanted & {"fragment", "particle", "voxel_group", "interaction", "pid"})
        semantics = clusters = sizes = particles = None
        with opened(file.path) as content:
            frames, voxels = self._sparse(content, "voxels", rows)
            if "semantics" in self._have and ("semantic" in wanted or told or owners):
                semantics = self._sparse(content, "semantics", rows)[1]
            if "clusters" in self._have and (told or owners):
                clusters, sizes = self._clusters(content, rows, frames)
            if "particles" in self._have and (told or owners):
                particles = self._particles(content, rows)
        products = Products(frames, voxels, semantics, clusters, sizes, particles)
        return events_of(products, self.config, where)

    def _group(self, file: h5py.File, kind: str) -> h5py.Group:
        name = f"Data/{self._groups[kind]}"
        found = file.get(name)
        if not isinstance(found, h5py.Group):
            known = file.get("Data")
            there = ", ".join(sorted(known)) if isinstance(known, h5py.Group) else "nothing"
            raise DataError(
                f"no product '{name}'",
                where=str(file.filename),
                remedy=f"there is {there}: set data.options.energy and so on",
            )
        return found

    def _grid(self, file: h5py.File) -> VoxelGrid:
        frames = self._frames(self._group(file, "voxels"), range(1))
        return frames.grid(
            f"LArCV3 {self._groups['voxels'].removesuffix('_group')}",
            unit_mm=self.config.unit_mm,
            scheme=self.config.scheme,
            where=str(file.filename),
        )

    def _frames(self, group: h5py.Group, rows: range) -> Frames:
        members = ("number_of_voxels", "image_sizes", "origin")
        meta = compound(group, "image_meta", *members)[rows.start : rows.stop]
        shapes = meta["number_of_voxels"].astype(np.int64)
        if len(meta) != len(rows) or np.any(shapes != shapes[:1]) or np.any(shapes < 1):
            raise DataError(
                "events on grids of several sizes, or of none",
                where=f"{group.file.filename}:{group.name}/image_meta",
                remedy="give files of one detector",
            )
        shape = (int(shapes[0, 0]), int(shapes[0, 1]), int(shapes[0, 2]))
        return Frames(shape, meta["image_sizes"] / shapes, meta["origin"])

    def _sparse(self, file: h5py.File, kind: str, rows: range) -> tuple[Frames, Rows]:
        group = self._group(file, kind)
        frames = self._frames(group, rows)
        tensors = _run(group, "extents", rows)
        if np.any(tensors["N"] != 1):
            raise DataError(
                "events with several tensors of voxels",
                where=f"{group.file.filename}:{group.name}/extents",
                remedy="give a product of 3-D voxels: one tensor for each event",
            )
        own = _run(group, "voxel_extents", _span(tensors))
        counts, voxels = _voxels(group, own)
        return frames, Rows(counts, _columns(voxels, frames))

    def _clusters(self, file: h5py.File, rows: range, frames: Frames) -> tuple[Rows, Rows]:
        group = self._group(file, "clusters")
        tensors = _run(group, "extents", rows)
        lists = _run(group, "projection_extents", _span(tensors))
        if len(lists) != len(rows):
            raise DataError(
                "events with several projections of clusters",
                where=f"{group.file.filename}:{group.name}/extents",
                remedy="give a product of 3-D clusters: one projection for each event",
            )
        sets = _run(group, "cluster_extents", _span(lists))
        sizes, voxels = _voxels(group, sets)
        counts = lists["N"].astype(np.int64)
        event = np.repeat(np.arange(len(rows)), counts)
        number = np.arange(len(sets)) - np.repeat(np.cumsum(counts) - counts, counts)
        own = np.bincount(event, sizes, minlength=len(rows)).astype(np.int64)
        columns = {**_columns(voxels, frames), "cluster": np.repeat(number, sizes)}
        return Rows(own, columns), Rows(counts, {"size": sizes})

    def _particles(self, file: h5py.File, rows: range) -> Rows:
        group = self._group(file, "particles")
        extents = _run(group, "extents", rows)
        span = _span(extents)
        table = compound(group, "particles", *_PARTICLE, *_PLACES)
        if span.stop > len(table):
            raise _cut_short(group, "particles")
        found = table[span.start : span.stop]
        columns: dict[str, Array] = {name: found[name] for name in _PARTICLE[:-1]}
        columns["process"] = _texts(found["process"])
        for name in _PLACES:
            columns[name] = np.stack([found[name][axis] for axis in "xyz"], axis=1)
        return Rows(extents["N"].astype(np.int64), columns)


def _run(group: h5py.Group, name: str, rows: range) -> Array:
    """Some rows of a dataset of extents, which must follow one another without gaps."""
    found = compound(group, name, "first", "N")
    if rows.stop > len(found):
        raise _cut_short(group, name)
    extents: Array = found[rows.start : rows.stop]
    first, number = extents["first"].astype(np.int64), extents["N"].astype(np.int64)
    if np.any(first[1:] != first[:-1] + number[:-1]):
        raise DataError(
            "what belongs to events does not follow one another",
            where=f"{group.file.filename}:{group.name}/{name}",
            remedy="write the file again with LArCV3",
        )
    return extents


def _span(extents: Array) -> range:
    if not len(extents):
        return range(0)
    first, last = extents[0], extents[-1]
    return range(int(first["first"]), int(last["first"]) + int(last["N"]))


def _voxels(group: h5py.Group, extents: Array) -> tuple[NDArray[np.int64], Array]:
    span = _span(extents)
    found = compound(group, "voxels", "id", "value")
    if span.stop > len(found):
        raise _cut_short(group, "voxels")
    return extents["N"].astype(np.int64), found[span.start : span.stop]


def _columns(voxels: Array, frames: Frames) -> dict[str, Array]:
    number = voxels["id"].astype(np.int64)
    _, along, deep = frames.shape
    place = np.stack([number // (along * deep), (number // deep) % along, number % deep], axis=1)
    return {"place": place, "value": voxels["value"]}


def _texts(field: Array) -> Array:
    """Texts of fixed length up to their first zero byte: what follows was never set."""
    told = [bytes(one).partition(b"\0")[0].decode("ascii", "replace") for one in field]
    return np.array(told, dtype=str)


def _cut_short(group: h5py.Group, name: str) -> DataError:
    return DataError(
        "it has fewer rows than the product tells",
        where=f"{group.file.filename}:{group.name}/{name}",
        remedy="the writing was cut short: write or copy the file again",
    )
