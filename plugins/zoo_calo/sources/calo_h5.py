"""HDF5 files of cells with energy, as zoo writes them: any grid, and small.

``energy`` (N,), GeV, ``offsets`` (N + 1,), ``cell`` and ``deposit``, MeV, one after another;
``theta`` and ``outside`` (N,) where known. The attribute ``zoo_grid`` has the facts of the grid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.sources.files_config import CaloH5Config
from zoo_calo.sources.getting_high import GRID_ATTRIBUTE
from zoo_calo.sources.hdf5 import files_of, numbers, opened, rows_of
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["CaloH5"]

_ROWS = 256


class CaloH5(ShowerFiles):
    """A file, or a folder of them; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, tells no grid, or is of another one.
    """

    config: CaloH5Config

    def __init__(self, config: CaloH5Config, path: str | Path) -> None:
        where = Path(path)
        files, grids, optional = [], [], []
        for file in files_of(where, ".h5", ".hdf5"):
            with opened(file) as content:
                showers = len(numbers(content, "energy", ()))
                files.append(ShowerFile(file, showers, config.rows or _ROWS))
                grids.append(_grid(content))
                optional.append(frozenset({"theta", "outside"} & set(content)))
                _require_lists(content, showers)
        if len(set(grids)) > 1 or len(set(optional)) > 1:
            raise DataError(
                "files of different detectors or fields",
                where=str(where),
                remedy="give the files of one kind",
            )
        fields = frozenset({"energy", "cell", "deposit"}) | optional[0]
        super().__init__(
            config,
            where,
            files=files,
            grid=grids[0],
            fields=fields,
            about={"format": "calo-h5"},
        )

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        with opened(path) as content:
            for name in fields & {"energy", "theta", "outside"}:
                columns[name] = rows_of(numbers(content, name, ()), rows)
            if fields & {"cell", "deposit"}:
                columns |= self._cells(content, rows)
        return columns

    def _cells(self, content: h5py.File, rows: range) -> dict[str, Ragged]:
        offsets: NDArray[np.int64] = content["offsets"][rows.start : rows.stop + 1].astype(np.int64)
        hits = range(int(offsets[0]), int(offsets[-1]))
        total = len(content["cell"])
        if np.any(np.diff(offsets) < 0) or hits.start < 0 or hits.stop > total:
            raise DataError(
                f"offsets that fall, or beyond the {total} cells",
                where=f"{content.filename}:/offsets",
                remedy="the file was cut short: write it again",
            )
        cell: NDArray[np.int32] = content["cell"][hits.start : hits.stop].astype(np.int32)
        if len(cell) and not 0 <= int(cell.min()) <= int(cell.max()) < self.grid.cells:
            raise DataError(
                f"cells {int(cell.min())} to {int(cell.max())} of {self.grid.cells}",
                where=f"{content.filename}:/cell",
                remedy="the grid that the file tells is not its own: write it again",
            )
        offsets -= offsets[0]
        return {
            "cell": Ragged(cell, offsets),
            "deposit": Ragged(rows_of(content["deposit"], hits), offsets),
        }


def _grid(content: h5py.File) -> Grid:
    try:
        facts = json.loads(content.attrs[GRID_ATTRIBUTE])
    except (KeyError, TypeError, ValueError):
        facts = {}
    try:
        return grid_of(facts if isinstance(facts, dict) else {})
    except DataError as error:
        raise DataError(
            f"its attribute {GRID_ATTRIBUTE} tells no grid",
            where=content.filename,
            remedy="give a file that `zoo calo generate --format calo-h5` wrote",
        ) from error


def _require_lists(content: h5py.File, showers: int) -> None:
    names = {"offsets", "cell", "deposit"} | ({"theta", "outside"} & set(content))
    found = {name: len(numbers(content, name, ())) for name in sorted(names)}
    fits = found["offsets"] == showers + 1 and found["cell"] == found["deposit"]
    if not fits or any(found.get(name, showers) != showers for name in ("theta", "outside")):
        raise DataError(
            f"{showers} showers with {', '.join(f'{n} {name}' for name, n in found.items())}",
            where=content.filename,
            remedy="the file was cut short: write it again",
        )
