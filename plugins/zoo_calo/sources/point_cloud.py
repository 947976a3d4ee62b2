"""HDF5 files of points, as CaloClouds uses them: ``energy`` (N, 1), ``events`` (N, points, 4).

A point is x, y, z and energy; y is the number of the layer, x and z are mm across. Unused points
have no energy. How their places and the direction in ``p_norm_local`` are related is not told, so
angles are not read. See https://github.com/FLC-QU-hep/CaloClouds-3.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import DataError
from zoo_calo.sources.cell_map_file import read_cell_map
from zoo_calo.sources.files_config import PointCloudConfig
from zoo_calo.sources.hdf5 import block_rows, files_of, numbers, opened, rows_of
from zoo_calo.sources.looks import require_deposits
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["PointCloud"]

_GEV = {"GeV": 1.0, "MeV": 1e-3}


class PointCloud(ShowerFiles):
    """A file, or a folder of them; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        ConfigError: There is no such map.
        DataError: A file is damaged, or not of points.
    """

    config: PointCloudConfig

    def __init__(self, config: PointCloudConfig, path: str | Path) -> None:
        where = Path(path)
        self.map = read_cell_map(config.map)
        self.config = config
        files = []
        for file in files_of(where, ".h5", ".hdf5"):
            with opened(file) as content:
                events = numbers(content, "events", (None, 4))
                energies = numbers(content, "energy", (1,))
                if len(energies) != len(events):
                    raise DataError(
                        f"{len(energies)} energies for {len(events)} showers",
                        where=f"{file}:/energy",
                        remedy="the file was cut short: write it again",
                    )
                files.append(ShowerFile(file, len(events), block_rows(events, config.rows)))
        fields = frozenset({"energy", "cell", "deposit", "outside"})
        about = {"format": "points", "unit": config.unit}
        super().__init__(config, where, files=files, grid=self.map.grid, fields=fields, about=about)

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        with opened(path) as content:
            if "energy" in fields:
                columns["energy"] = rows_of(content["energy"], rows)[:, 0]
            if fields & {"cell", "deposit", "outside"}:
                points = rows_of(content["events"], rows)
                require_deposits(points[..., 3], f"{path}:/events")
                used = points[..., 3] > 0
                offsets = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
                chosen = points[used].astype(np.float64)
                energy = chosen[:, 3] * _GEV[self.config.unit]
                filled = self.map.fill(chosen[:, :3], energy, offsets)
                columns |= {"cell": filled.cell, "deposit": filled.deposit}
                columns["outside"] = filled.outside
        return {name: columns[name] for name in columns if name in fields}
