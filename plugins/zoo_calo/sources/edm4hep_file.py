"""EDM4hep files in ROOT, through uproot: hits of SimCalorimeterHit on the grid of a cell map."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged, UsageError, ZooError
from zoo_calo.sources.cell_map_file import read_cell_map
from zoo_calo.sources.events import primary_of, require_collections, theta_of
from zoo_calo.sources.files_config import Edm4hepConfig
from zoo_calo.sources.hdf5 import files_of
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["Edm4hep"]

Array = NDArray[np.float64]


class Edm4hep(ShowerFiles):
    """A file, or a folder of them; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        UsageError: uproot is not installed.
        ConfigError: No collection or no map is named.
        DataError: A file is damaged, or lacks the collection.
    """

    config: Edm4hepConfig

    def __init__(self, config: Edm4hepConfig, path: str | Path) -> None:
        where = Path(path)
        self._uproot = _uproot()
        self._open: dict[tuple[int, Path], Any] = {}
        self.map = read_cell_map(config.map)
        self.config = config
        files = []
        for name in files_of(where, ".root"):
            with self._tree(name) as tree:
                if not config.collections:
                    require_collections(config, _known(tree), name)
                files.append(ShowerFile(name, int(tree.num_entries), config.rows))
        fields = {"energy", "cell", "deposit", "outside"}
        if config.theta and config.primary != "sum":
            fields.add("theta")
        about = {"format": "EDM4hep", "collections": list(config.collections)}
        super().__init__(
            config, where, files=files, grid=self.map.grid, fields=frozenset(fields), about=about
        )

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        with self._tree(path) as tree:
            if fields & {"energy", "theta"}:
                primaries = [
                    primary_of(energy, momentum, self.config.primary, f"{path}, event {row}")
                    for row, energy, momentum in self._particles(tree, path, rows)
                ]
                columns["energy"] = np.array([energy for energy, _ in primaries], np.float32)
                columns["theta"] = theta_of([momentum for _, momentum in primaries], self.map)
            if fields & {"cell", "deposit", "outside"}:
                columns |= self._filled(tree, path, rows)
        return {name: columns[name] for name in columns if name in fields}

    def _filled(self, tree: Any, path: Path, rows: range) -> dict[str, Any]:
        places: list[Array] = []
        energies: list[Array] = []
        read = {
            name: [
                self._branch(tree, path, f"{name}.{leaf}", rows)
                for leaf in ("energy", "position.x", "position.y", "position.z")
            ]
            for name in self.config.collections
        }
        for row in range(len(rows)):
            energies.append(np.concatenate([found[0][row] for found in read.values()]))
            places += [np.stack([axis[row] for axis in found[1:]], 1) for found in read.values()]
        energy = Ragged.of(energies)
        place = np.concatenate(places)
        if not (np.isfinite(energy.values).all() and np.isfinite(place).all()):
            raise DataError(
                "hits with energies or positions that are not finite",
                where=f"{path}, events {rows.start} to {rows.stop - 1}",
                remedy="find what made them and write the file again",
            )
        if np.any(energy.values < 0):
            raise DataError(
                "hits with negative energies",
                where=f"{path}, events {rows.start} to {rows.stop - 1}",
                remedy="give simulated hits, before noise and pedestals",
            )
        filled = self.map.fill(place, energy.values, energy.offsets)
        return {"cell": filled.cell, "deposit": filled.deposit, "outside": filled.outside}

    def _particles(self, tree: Any, path: Path, rows: range) -> Iterator[tuple[int, Array, Array]]:
        """Row, energies and momenta of particles that the generator handed over."""
        leaves = ("generatorStatus", "mass", "momentum.x", "momentum.y", "momentum.z")
        read = [
            self._branch(tree, path, f"{self.config.particles}.{leaf}", rows) for leaf in leaves
        ]
        for row, (status, mass, *momentum) in zip(rows, zip(*read, strict=True), strict=True):
            chosen = status == 1
            vector = np.stack(momentum, 1)[chosen]
            yield row, np.sqrt((vector**2).sum(axis=1) + mass[chosen] ** 2), vector

    def _branch(self, tree: Any, path: Path, name: str, rows: range) -> list[Array]:
        collection = name.partition(".")[0]
        whole = f"{collection}/{name}"
        try:
            branch = tree[whole]
        except KeyError as error:
            raise DataError(
                f"no branch '{whole}'",
                where=str(path),
                remedy=f"collections of hits are {', '.join(_known(tree)) or 'none'}",
            ) from error
        found = branch.array(entry_start=rows.start, entry_stop=rows.stop, library="np")
        return [np.asarray(values, np.float64) for values in found]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    @contextmanager
    def _tree(self, path: Path) -> Iterator[Any]:
        """The tree of events, kept; what uproot cannot read is one error that names the file."""
        if not path.is_file():
            raise DataError("no such file", where=str(path), remedy="check the path")
        key = (os.getpid(), path)  # a fork must not share what its parent reads from
        try:
            if key not in self._open:
                self._open = {key: self._uproot.open(str(path))[self.config.tree]}
            yield self._open[key]
        except ZooError:
            raise
        except Exception as error:  # uproot raises whatever it meets
            raise DataError(
                f"damaged, no ROOT file, or without the tree '{self.config.tree}' ({error})",
                where=str(path),
                remedy="copy the file again and compare its size",
            ) from error


def _known(tree: Any) -> list[str]:
    """Collections of hits with energy, position and contributions."""
    names = set(tree.keys(filter_name="*/*"))
    collections = {name.partition("/")[0] for name in names if name.endswith(".position.x")}
    return sorted(one for one in collections if f"{one}/{one}.contributions_begin" in names)


def _uproot() -> Any:
    try:
        return import_module("uproot")
    except ImportError as error:
        raise UsageError(
            "reading EDM4hep needs the package uproot, which is not installed",
            where="source edm4hep",
            remedy="pip install 'detector-zoo[edm4hep]'",
        ) from error
