"""Products of LArCV as they are read, and where their voxels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Rows
from zoo_sparse_reco.sources.tidy import or_nowhere

__all__ = ["Frames", "Products", "keys_of", "looked_up", "numbers_of"]

Array = NDArray[Any]
Whole = NDArray[np.int64]

_UNSET = 65_535  # and above: a number of a particle that LArCV did not set
_FAR = 1e6  # of a place, in voxels: beyond, it was never set


@dataclass(frozen=True)
class Frames:
    """Where the voxels of each event are.

    Attributes:
        shape: Voxels along x, y and z: the same in all events.
        size: (N, 3), edges of a voxel, in the files' unit.
        origin: (N, 3), lower corners of the voxels (0, 0, 0).
    """

    shape: tuple[int, int, int]
    size: Array
    origin: Array

    def in_voxels(self, place: Array, event: Whole) -> Array:
        """Places (n, 3) in voxels; (-1, -1, -1) where a place was never set."""
        with np.errstate(all="ignore"):
            found = (place - self.origin[event]) / self.size[event]
        return or_nowhere(found, -_FAR, _FAR)

    def grid(self, name: str, *, unit_mm: float, scheme: str, where: str) -> VoxelGrid:
        """The grid of the first event.

        Args:
            name: Of the grid.
            unit_mm: The files' unit.
            scheme: Of the classes.
            where: The file, for messages.

        Raises:
            DataError: If its voxels are no cubes.
        """
        size, origin = self.size[0], self.origin[0] * unit_mm
        if not np.allclose(size, size[0], rtol=1e-6):
            raise DataError(
                f"voxels of {tuple(size.tolist())}",
                where=where,
                remedy="only cubic voxels are read",
            )
        return VoxelGrid(
            name=name,
            shape=self.shape,
            voxel_mm=float(size[0] * unit_mm),
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
            scheme=scheme,
        )


@dataclass(frozen=True)
class Products:
    """Products of some events.

    Attributes:
        frames: Where the voxels are.
        voxels: ``place`` (n, 3) and ``value``.
        semantics: The same, whose values are classes; ``None``: there is none.
        clusters: The same, with ``cluster``, the number of each voxel's cluster in its event.
        cluster_sizes: ``size`` of every cluster.
        particles: Members by the names of LArCV; places are (n, 3).
    """

    frames: Frames
    voxels: Rows
    semantics: Rows | None = None
    clusters: Rows | None = None
    cluster_sizes: Rows | None = None
    particles: Rows | None = None


def keys_of(rows: Rows, shape: tuple[int, int, int]) -> Whole:
    """One number (n,) for each event and voxel of a list with ``place``."""
    key = rows.event
    for axis in range(3):
        key = key * shape[axis] + rows.columns["place"][:, axis]
    return key


def looked_up(voxels: Rows, semantics: Rows, shape: tuple[int, int, int]) -> Array:
    """Classes (n,) of voxels; -1 where the product of classes lacks one."""
    wanted, known = keys_of(voxels, shape), keys_of(semantics, shape)
    values = semantics.columns["value"]
    if np.array_equal(wanted, known):
        return np.asarray(values)
    order = np.argsort(known, kind="stable")
    known, values = known[order], values[order]
    if not len(known):
        return np.full(len(wanted), -1.0)
    found = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[found] == wanted, values[found], -1.0)


def numbers_of(values: Array) -> Whole:
    """Numbers (n,) of particles; -1 where LArCV did not set one."""
    whole: Whole = values.astype(np.int64)
    return np.where((whole >= 0) & (whole < _UNSET), whole, -1)
