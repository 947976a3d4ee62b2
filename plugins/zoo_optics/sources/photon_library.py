"""Photon libraries of CIDeR's photonlib: HDF5 with ``numvox``, ``min``, ``max``, ``vis``, ``eff``.

``vis`` is (voxels, channels), voxels with x fastest; lengths are cm. It is read in blocks of whole
chunks, never as a whole.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, open_hdf5
from zoo_optics.physics.detector import Box
from zoo_optics.sources.files_config import PhotonLibraryConfig
from zoo_optics.sources.hdf5 import dataset
from zoo_optics.sources.voxel_tables import Grid, VoxelTable

__all__ = ["PhotonLibrary"]

Array = NDArray[np.float64]

_LARGEST_CHUNK = 1 << 28  # bytes: a chunk is unpacked whole, whatever is read of it


class PhotonLibrary(VoxelTable):
    """A sample is a voxel; see :class:`VoxelTable`.

    Raises:
        ConfigError, DataError: As for :class:`VoxelTable`; sizes of grid and table differ.
    """

    def __init__(self, config: PhotonLibraryConfig, path: str | Path) -> None:
        where = Path(path)
        with open_hdf5(where) as file:
            grid = _grid(file)
            vis = dataset(file, "vis", (None,))
            voxels, channels = vis.shape
            chunk = vis.chunks or (1, channels)
            vis_bytes = vis.dtype.itemsize
            self._efficiency = _efficiency(file, channels)
            told = np.asarray(file["n_simulated"][()] if "n_simulated" in file else 0.0)
            self._told = float(told) if told.size == 1 else 0.0
        if voxels != prod(grid.shape):
            raise DataError(
                f"{voxels} rows for {' x '.join(map(str, grid.shape))} voxels",
                where=f"{where}:/vis",
                remedy="the library was cut short, or numvox is of another one",
            )
        size = prod(chunk) * vis_bytes
        if size > _LARGEST_CHUNK:
            raise DataError(
                f"chunks of {size / 2**20:.0f} MiB, each of which must be unpacked whole",
                where=f"{where}:/vis",
                remedy=f"h5repack -l vis:CHUNK=1024x{channels}",
            )
        voxel = channels * vis_bytes
        super().__init__(config, where, grid, channels, voxel_bytes=voxel, together=chunk[0])

    def visibility(self, first: int, count: int) -> Array:
        """See :meth:`VoxelTable.visibility`; the efficiency of the file is applied."""
        with open_hdf5(self.path) as file:
            found = dataset(file, "vis", (None,))[first : first + count].astype(np.float64)
        scaled: Array = found * self._efficiency
        return scaled

    def told_photons(self) -> float:
        """``n_simulated``, where there is one."""
        return self._told


def _grid(file: h5py.File) -> Grid:
    shape = dataset(file, "numvox", ())[:]
    low, high = (dataset(file, name, ())[:].astype(np.float64) for name in ("min", "max"))
    right = all(len(values) == 3 for values in (shape, low, high))
    if not right or np.any(shape < 1) or np.any(shape != np.rint(shape)) or not np.all(low < high):
        raise DataError(
            f"numvox {shape.tolist()}, min {low.tolist()}, max {high.tolist()}",
            where=str(file.filename),
            remedy="write three of each, with min below max, in cm",
        )
    x, y, z = (int(n) for n in shape)
    return Grid(Box(tuple(low.tolist()), tuple(high.tolist())), (x, y, z), x_fastest=True)


def _efficiency(file: h5py.File, channels: int) -> Array:
    values = np.asarray(file["eff"][()] if "eff" in file else 1.0, dtype=np.float64)
    if values.size not in (1, channels) or not np.all((values >= 0) & (values <= 1)):
        raise DataError(
            f"efficiencies of shape {values.shape} for {channels} channels, from "
            f"{values.min(initial=1):.3g} to {values.max(initial=0):.3g}",
            where=f"{file.filename}:/eff",
            remedy="write one number or one for each channel, between 0 and 1",
        )
    return values.reshape(-1)
