"""The grid of voxels that an event is recorded on.

Voxel (i, j, k) is the cube from ``origin + (i, j, k) size`` to one size further along x, y and z.
Points are given in voxels, as real numbers in the same frame: the middle of voxel i is i + 1/2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.labels import SCHEMES

__all__ = ["MOST_VOXELS_PER_AXIS", "VoxelGrid", "grid_of"]

MOST_VOXELS_PER_AXIS = 65_536
"""Coordinates are 16-bit numbers."""


@dataclass(frozen=True, kw_only=True)
class VoxelGrid:
    """Size and place of all voxels, and what their classes mean.

    Attributes:
        name: For people.
        shape: Voxels along x, y and z.
        voxel_mm: Edge of a voxel.
        origin_mm: Lower corner of voxel (0, 0, 0) in the detector's frame.
        scheme: Of the classes, in :data:`~zoo_sparse_reco.physics.labels.SCHEMES`.
    """

    name: str
    shape: tuple[int, int, int]
    voxel_mm: float
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scheme: str = "spine"

    def __post_init__(self) -> None:
        if not all(1 <= size <= MOST_VOXELS_PER_AXIS for size in self.shape):
            raise DataError(
                f"a grid of {self.shape} voxels",
                where=self.name,
                remedy=f"each axis has 1 to {MOST_VOXELS_PER_AXIS} voxels",
            )
        if not (self.voxel_mm > 0 and np.isfinite(self.voxel_mm)):
            raise DataError(
                f"voxels of {self.voxel_mm} mm", where=self.name, remedy="give a positive size"
            )
        if self.scheme not in SCHEMES:
            raise DataError(
                f"no scheme of classes is called {self.scheme!r}",
                where=self.name,
                remedy=f"one of {', '.join(SCHEMES)}",
            )

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON, under ``grid`` of a source's facts; :func:`grid_of` reads it."""
        return {
            "grid": {**asdict(self), "shape": list(self.shape), "origin_mm": list(self.origin_mm)}
        }

    def in_voxels(self, position_mm: NDArray[Any]) -> NDArray[np.float64]:
        """Places in voxels, (..., 3), of places in the detector's frame, mm."""
        shifted: NDArray[np.float64] = np.asarray(position_mm, np.float64) - self.origin_mm
        return shifted / self.voxel_mm

    def inside(self, place: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether places in voxels (..., 3) lie in the grid, (...)."""
        found: NDArray[np.bool_] = np.all((place >= 0) & (place < np.array(self.shape)), axis=-1)
        return found


def grid_of(facts: Mapping[str, Any]) -> VoxelGrid:
    """The grid of a data set.

    Raises:
        DataError: Its facts have none.
    """
    if "grid" not in facts:
        raise DataError(
            "the data do not say what grid of voxels they are on",
            where="facts",
            remedy="read them with a source of this plugin",
        )
    kept = facts["grid"]
    return VoxelGrid(
        name=str(kept["name"]),
        shape=tuple(int(size) for size in kept["shape"]),  # type: ignore[arg-type]
        voxel_mm=float(kept["voxel_mm"]),
        origin_mm=tuple(float(one) for one in kept["origin_mm"]),  # type: ignore[arg-type]
        scheme=str(kept["scheme"]),
    )
