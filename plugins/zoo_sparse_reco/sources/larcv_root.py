"""LArCV2 files in ROOT, through uproot: neither ROOT nor LArCV is needed.

Each product is a tree ``TYPE_PRODUCER_tree`` with a branch ``TYPE_PRODUCER_branch``. Voxels are
numbered with x fastest: ``id = (z ny + y) nx + x`` (``Voxel3DMeta``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, UsageError, ZooError
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import LarcvRootConfig
from zoo_sparse_reco.sources.hdf5 import files_of
from zoo_sparse_reco.sources.larcv_products import Frames, Products
from zoo_sparse_reco.sources.larcv_truth import events_of, known_fields
from zoo_sparse_reco.sources.root_clusters import clusters_of
from zoo_sparse_reco.sources.voxel_files import EventFile, VoxelFiles

__all__ = ["LarcvRoot"]

Array = NDArray[Any]

_SPARSE = "_voxel_v/_voxel_v."
_NUMBERS = (
    "pdg", "shape", "group_id", "interaction_id", "parent_id", "parent_trackid", "trackid",
    "px", "py", "pz",
)  # fmt: skip
_PLACES = ("first_step", "last_step", "ancestor_vtx")
_ALL = frozenset((*_NUMBERS, *_PLACES, "process"))


class LarcvRoot(VoxelFiles):
    """A file, or a folder of them; see :class:`VoxelFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        UsageError: uproot is not installed.
        DataError: A file is damaged, or lacks the product.
    """

    config: LarcvRootConfig

    def __init__(self, config: LarcvRootConfig, path: str | Path) -> None:
        where = Path(path)
        _uproot()
        self._open: dict[tuple[int, Path], Any] = {}
        self.config = config
        self._trees: Mapping[str, str] = {
            "voxels": f"sparse3d_{config.energy}",
            "semantics": f"sparse3d_{config.semantics}" if config.semantics else "",
            "clusters": f"cluster3d_{config.clusters}" if config.clusters else "",
            "particles": f"particle_{config.particles}" if config.particles else "",
        }
        files, found = [], []
        for name in files_of(where, ".root"):
            with self._file(name) as file:
                found.append(self._products(file, name))
                files.append(EventFile(name, int(self._tree(file, "voxels", name).num_entries)))
        if any(one != found[0] for one in found):
            raise DataError(
                "files with different products",
                where=str(where),
                remedy="give files alike, or leave a product out: data.options.semantics=",
            )
        self._have, self._members = found[0]
        grid = self._grid(files)
        about = {
            "format": "LArCV2",
            "products": sorted(self._trees[one] for one in self._have),
        }
        fields = known_fields(
            self._members,
            semantics="semantics" in self._have,
            clusters="clusters" in self._have,
        )
        super().__init__(config, where, files=files, grid=grid, fields=fields, about=about)

    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """See :meth:`VoxelFiles.events`."""
        where = f"{file.path}, events {rows.start} to {rows.stop - 1}"
        told = wanted & (fields_of("particle") | fields_of("point") | fields_of("vertex"))
        owners = wanted & {"fragment", "particle", "voxel_group", "interaction", "pid"}
        with self._file(file.path) as opened:
            frames, voxels = self._sparse(opened, "voxels", file.path, rows)
            _require_frames(frames, self.grid, where)
            semantics = clusters = sizes = particles = None
            # Classes of particles may come from those of their clusters' voxels.
            shaped = bool(told) or bool(owners)
            if "semantics" in self._have and ("semantic" in wanted or shaped):
                semantics = self._sparse(opened, "semantics", file.path, rows)[1]
            if "clusters" in self._have and (owners or (told and "shape" not in self._members)):
                clusters, sizes = self._clusters(opened, file.path, rows)
            if "particles" in self._have and shaped:
                particles = self._particles(opened, file.path, rows, bool(told), wanted)
        products = Products(frames, voxels, semantics, clusters, sizes, particles)
        return events_of(products, self.config, where)

    def _grid(self, files: list[EventFile]) -> VoxelGrid:
        first = next((file for file in files if file.events), None)
        if first is None:
            raise DataError("no events", where=str(files[0].path), remedy="give another file")
        with self._file(first.path) as file:
            frames = self._frames(self._tree(file, "voxels", first.path), first.path, range(1))
        return frames.grid(
            f"LArCV2 {self._trees['voxels']}",
            unit_mm=self.config.unit_mm,
            scheme=self.config.scheme,
            where=str(first.path),
        )

    def _products(self, file: Any, path: Path) -> tuple[frozenset[str], frozenset[str]]:
        """Which products there are, and which members of particles."""
        known = {name.partition(";")[0] for name in file.keys()}  # noqa: SIM118  # no mapping
        have = {kind for kind, name in self._trees.items() if name and f"{name}_tree" in known}
        members: set[str] = set()
        if "particles" in have:
            leaves = self._tree(file, "particles", path).keys()
            short = {leaf.rpartition("_part_v._")[2] for leaf in leaves}
            members = {n for n in (*_NUMBERS, "process") if n in short}
            members |= {n for n in _PLACES if f"{n}._x" in short}
            if "pdg" not in members:
                have.discard("particles")
                members = set()
        return frozenset(have | {"voxels"}), frozenset(members & _ALL)

    def _sparse(self, file: Any, kind: str, path: Path, rows: range) -> tuple[Frames, Rows]:
        tree = self._tree(file, kind, path)
        frames = self._frames(tree, path, rows)
        numbers = self._leaf(tree, f"{_SPARSE}_id", path, rows)
        values = self._leaf(tree, f"{_SPARSE}_value", path, rows)
        return frames, _lists(numbers, value=values, frames=frames)

    def _clusters(self, file: Any, path: Path, rows: range) -> tuple[Rows, Rows]:
        tree = self._tree(file, "clusters", path)
        frames = self._frames(tree, path, rows)
        counts = [len(one) for one in self._leaf(tree, "_voxel_vv/_voxel_vv._id", path, rows)]
        branch = self._branch(tree, "_voxel_vv/_voxel_vv._voxel_v", path)
        uproot = _uproot()
        raw = uproot.AsJagged(uproot.AsDtype("u1"))
        contents = branch.array(raw, entry_start=rows.start, entry_stop=rows.stop, library="np")
        sizes, numbers, values, owner = [], [], [], []
        for row, content, count in zip(rows, contents, counts, strict=True):
            size, number, value = clusters_of(content, count, f"{path}, event {row}")
            sizes.append(size)
            numbers.append(number)
            values.append(value)
            owner.append(np.repeat(np.arange(count), size))
        voxels = _lists(numbers, value=values, cluster=owner, frames=frames)
        return voxels, Rows(np.array(counts, np.int64), {"size": np.concatenate(sizes)})

    def _particles(
        self, file: Any, path: Path, rows: range, told: bool, wanted: frozenset[str]
    ) -> Rows:
        tree = self._tree(file, "particles", path)
        asked = self._members & {"pdg", "shape", "group_id", "interaction_id"}
        if told:
            asked = self._members - ({"process"} if "particle_primary" not in wanted else set())
        columns: dict[str, Array] = {}
        counts = np.zeros(len(rows), np.int64)
        for name in sorted(asked):
            leaves = [f"{name}._{axis}" for axis in "xyz"] if name in _PLACES else [name]
            read = [self._leaf(tree, f"_part_v/_part_v._{leaf}", path, rows) for leaf in leaves]
            counts = np.array([len(one) for one in read[0]], np.int64)
            joined = [np.concatenate([np.asarray(one) for one in leaf]) for leaf in read]
            columns[name] = np.stack(joined, axis=1) if name in _PLACES else joined[0]
        return Rows(counts, columns)

    def _frames(self, tree: Any, path: Path, rows: range) -> Frames:
        read = {
            f"{axis}{part}": self._leaf(tree, f"_meta._{axis}{part}", path, rows)
            for axis in "xyz"
            for part in ("num", "len", "min")
        }
        shapes = np.stack([np.asarray(read[f"{axis}num"], np.int64) for axis in "xyz"], axis=1)
        if np.any(shapes != shapes[:1]):
            raise DataError(
                "events on grids of several sizes",
                where=f"{path}, events {rows.start} to {rows.stop - 1}",
                remedy="give files of one detector",
            )
        size, origin = (
            np.stack([np.asarray(read[f"{axis}{part}"], np.float64) for axis in "xyz"], axis=1)
            for part in ("len", "min")
        )
        shape = (int(shapes[0, 0]), int(shapes[0, 1]), int(shapes[0, 2]))
        return Frames(shape, size, origin)

    def _leaf(self, tree: Any, ending: str, path: Path, rows: range) -> Any:
        branch = self._branch(tree, ending, path)
        return branch.array(entry_start=rows.start, entry_stop=rows.stop, library="np")

    def _branch(self, tree: Any, ending: str, path: Path) -> Any:
        """The leaf whose path ends so; branches that only group others cannot be read."""
        for name in tree.keys():  # noqa: SIM118  # uproot's trees are no mappings
            if name == ending or name.endswith(f"/{ending}"):
                return tree[name]
        raise DataError(
            f"no leaf '{ending}' in the tree '{tree.name}'",
            where=str(path),
            remedy="it must be written by LArCV2, with all classes split",
        )

    def _tree(self, file: Any, kind: str, path: Path) -> Any:
        name = f"{self._trees[kind]}_tree"
        known = sorted({one.partition(";")[0] for one in file.keys()})  # noqa: SIM118
        if name not in known:
            raise DataError(
                f"no tree '{name}'",
                where=str(path),
                remedy=f"there is {', '.join(known) or 'none'}: set data.options.energy and so on",
            )
        return file[name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    @contextmanager
    def _file(self, path: Path) -> Iterator[Any]:
        """The file, kept; what uproot cannot read is one error that names it."""
        if not path.is_file():
            raise DataError("no such file", where=str(path), remedy="check the path")
        key = (os.getpid(), path)  # a fork must not share what its parent reads from
        try:
            if key not in self._open:
                self._open = {key: _uproot().open(str(path))}
            yield self._open[key]
        except ZooError:
            raise
        except Exception as error:  # uproot raises whatever it meets
            raise DataError(
                f"truncated, damaged or no ROOT file ({error})",
                where=str(path),
                remedy="copy the file again and compare its size",
            ) from error


def _lists(numbers: Any, *, frames: Frames, **columns: Any) -> Rows:
    """Voxels of events by their numbers, x fastest, with more columns beside."""
    counts = np.array([len(one) for one in numbers], np.int64)
    number = np.concatenate([np.zeros(0, np.uint64), *numbers]).astype(np.int64)
    across, along, _ = frames.shape
    place = np.stack(
        [number % across, (number // across) % along, number // (across * along)], axis=1
    )
    joined = {name: np.concatenate([np.asarray(one) for one in c]) for name, c in columns.items()}
    return Rows(counts, {"place": place, **joined})


def _require_frames(frames: Frames, grid: VoxelGrid, where: str) -> None:
    if frames.shape != grid.shape:
        raise DataError(
            f"a grid of {frames.shape} voxels, not of {grid.shape} as the first event",
            where=where,
            remedy="give files of one detector",
        )


def _uproot() -> Any:
    try:
        return import_module("uproot")
    except ImportError as error:
        raise UsageError(
            "reading LArCV2 files needs the package uproot, which is not installed",
            where="source larcv-root",
            remedy="pip install 'detector-zoo[larcv]'",
        ) from error
