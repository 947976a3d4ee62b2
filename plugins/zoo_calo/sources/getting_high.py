"""HDF5 files of layers: a group with ``energy`` (N, 1), GeV, ``layers`` (N, layers, x, y), MeV.

Photons are in the group ``30x30``, pions in ``hcal_only``, ``ecal`` or ``ecal_hcal``, photons of
many angles, with ``theta`` (N, 1), in ``30x30x40``. Files that zoo wrote tell their grid in an
attribute; of the others the shape of the layers does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from zoo.api import DataError
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.physics.showers import listed
from zoo_calo.sources.crops import Crop, crop_of
from zoo_calo.sources.files_config import GettingHighConfig
from zoo_calo.sources.hdf5 import block_rows, files_of, numbers, opened, rows_of
from zoo_calo.sources.layouts import known_grid
from zoo_calo.sources.looks import require_deposits
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["GRID_ATTRIBUTE", "GettingHigh"]

GRID_ATTRIBUTE = "zoo_grid"
"""Attribute of a group with the facts of its grid, JSON."""
_MOST_CELLS = 2**20


class GettingHigh(ShowerFiles):
    """A file, or a folder of them; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        ConfigError: The crop does not fit.
        DataError: A file is damaged, has no such group, or its grid is not known.
    """

    config: GettingHighConfig

    def __init__(self, config: GettingHighConfig, path: str | Path) -> None:
        where = Path(path)
        self._groups: dict[Path, str] = {}
        files, grids, angled = [], [], []
        for file in files_of(where, ".h5", ".hdf5"):
            with opened(file) as content:
                group = _group(content, config.group)
                layers, grid = _layers(group, str(file))
                files.append(ShowerFile(file, layers.shape[0], block_rows(layers, config.rows)))
                grids.append(grid)
                angled.append("theta" in group)
                self._groups[file] = group.name
        if len(set(grids)) > 1 or len(set(angled)) > 1:
            raise DataError(
                "files of different detectors or with and without angles",
                where=str(where),
                remedy="give the files of one kind",
            )
        self._crop: Crop | None = crop_of(config.crop) if config.crop else None
        grid = grids[0] if self._crop is None else self._crop.grid(grids[0])
        fields = {"energy", "cell", "deposit"} | ({"theta"} if angled[0] else set())
        fields |= {"outside"} if self._crop is not None else set()
        about = {"format": "getting-high", "group": self._groups[files[0].path].strip("/")}
        super().__init__(
            config, where, files=files, grid=grid, fields=frozenset(fields), about=about
        )

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        with opened(path) as content:
            group = content[self._groups[path]]
            for name in fields & {"energy", "theta"}:
                columns[name] = rows_of(numbers(group, name, (1,)), rows)[:, 0]
            if fields & {"cell", "deposit", "outside"}:
                layers = rows_of(group["layers"], rows)
                require_deposits(layers, f"{path}:{group.name}/layers")
                if self._crop is not None:
                    layers, columns["outside"] = self._crop.split(layers)
                columns["cell"], columns["deposit"] = listed(layers.reshape(len(layers), -1))
        return {name: columns[name] for name in columns if name in fields}


def _group(content: h5py.File, name: str) -> h5py.Group:
    groups = [
        key
        for key in content
        if isinstance(group := content.get(key), h5py.Group) and {"layers", "energy"} <= set(group)
    ]
    if name in groups:
        return content[name]
    if name or len(groups) != 1:
        raise DataError(
            f"no group '{name}' with energy and layers"
            if name
            else f"{len(groups)} groups with energy and layers",
            where=content.filename,
            remedy=f"set data.options.group; the file has {', '.join(groups or content) or 'none'}",
        )
    return content[groups[0]]


def _layers(group: h5py.Group, where: str) -> tuple[h5py.Dataset, Grid]:
    layers = numbers(group, "layers", (None, None, None))
    shape = tuple(int(size) for size in layers.shape[1:])
    for name in ("energy", *(["theta"] if "theta" in group else [])):
        found = numbers(group, name, (1,))
        if len(found) != len(layers):
            raise DataError(
                f"{len(found)} rows for {len(layers)} showers",
                where=f"{where}:{group.name}/{name}",
                remedy="the file was cut short: write it again",
            )
    if GRID_ATTRIBUTE in group.attrs:
        grid = _told_grid(group.attrs[GRID_ATTRIBUTE])
    else:
        known = known_grid((shape[0], shape[1], shape[2]), group.name.strip("/"))
        if known is None:
            raise DataError(
                f"layers of {shape} cells, whose places are not known",
                where=f"{where}:{group.name}/layers",
                remedy="published are (30, 30, 30), (30, 30, 40), (48, 48, 48) and their crops; "
                f"else tell the grid as JSON in the group's attribute {GRID_ATTRIBUTE}",
            )
        grid = known
    if grid.box is None or grid.shape != shape or grid.cells > _MOST_CELLS:
        raise DataError(
            f"layers of {shape} cells, and a grid of {grid.cells}",
            where=f"{where}:{group.name}/layers",
            remedy="write layers (N, layers, x, y) as the grid has them",
        )
    return layers, grid


def _told_grid(text: Any) -> Grid:
    try:
        facts = json.loads(text)
    except (TypeError, ValueError):
        facts = {}
    return grid_of(facts if isinstance(facts, dict) else {})
