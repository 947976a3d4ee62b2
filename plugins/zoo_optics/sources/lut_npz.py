"""Light tables of larnd-sim: .npz with a structured array (nx, ny, nz, channels).

Its field ``vis`` is the visibility. ``t0`` and ``time_dist``, the time and its distribution, are
not those of single hits, and are not read. The file does not tell where its voxels are: the box is
that of the drift chamber, in cm, its x along the drift.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError
from zoo_optics.physics.detector import Box
from zoo_optics.sources.files_config import LutNpzConfig
from zoo_optics.sources.npz_member import Member, npz_members
from zoo_optics.sources.voxel_tables import Grid, VoxelTable

__all__ = ["LutNpz"]

Array = NDArray[np.float64]


class LutNpz(VoxelTable):
    """A sample is a voxel; see :class:`VoxelTable`.

    Raises:
        ConfigError: The corners are not given, or are no corners.
        DataError: There is not one such array; see :class:`VoxelTable` for the rest.
    """

    def __init__(self, config: LutNpzConfig, path: str | Path) -> None:
        where = Path(path)
        self._member = _table(where)
        x, y, z, self._channels = self._member.shape
        grid = Grid(_box(config), (x, y, z), x_fastest=False)
        if config.reversed_axes:
            grid = Grid(grid.box, grid.shape, False, frozenset(config.reversed_axes))
        voxel = self._channels * self._member.dtype.itemsize
        super().__init__(config, where, grid, self._channels, voxel_bytes=voxel)

    def visibility(self, first: int, count: int) -> Array:
        """See :meth:`VoxelTable.visibility`."""
        values = self._member.read(first * self._channels, count * self._channels)
        found: Array = values["vis"].astype(np.float64).reshape(count, self._channels)
        return found


def _table(path: Path) -> Member:
    members = npz_members(path)
    found = [m for m in members.values() if "vis" in (m.dtype.names or ())]
    if len(found) != 1 or len(found[0].shape) != 4 or found[0].dtype["vis"].shape:
        told = ", ".join(f"{name} {m.shape} of {m.dtype}" for name, m in members.items())
        raise DataError(
            f"no array (nx, ny, nz, channels) with one number 'vis': {told or 'it is empty'}",
            where=str(path),
            remedy="give larnd-sim's lightLUT.npz",
        )
    return found[0]


def _box(config: LutNpzConfig) -> Box:
    if config.low_cm is None or config.high_cm is None:
        raise ConfigError(
            "the table does not tell where its voxels are",
            where="data.options.low_cm, data.options.high_cm",
            remedy="give the corners of its drift chamber in cm",
        )
    if any(a >= b for a, b in zip(config.low_cm, config.high_cm, strict=True)):
        raise ConfigError(
            f"low_cm {config.low_cm} is not below high_cm {config.high_cm}",
            where="data.options.low_cm",
            remedy="give the lowest and the highest corner",
        )
    return Box(config.low_cm, config.high_cm)
