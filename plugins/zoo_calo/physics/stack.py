"""A sampling calorimeter: plates of absorber and of sensitive material.

Frame: as in :mod:`zoo_calo.physics.grid`; depth 0 is where the particle starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError
from zoo_calo.physics.grid import Box, Grid, Rings
from zoo_calo.physics.materials import MATERIALS, Material
from zoo_calo.physics.response import Response

__all__ = ["Cells", "Plate", "Stack"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Plate:
    """One plate across the whole detector.

    Attributes:
        material: Of :data:`~zoo_calo.physics.materials.MATERIALS`.
        front_mm: Depth of its front.
        thickness_mm: How thick.
        sensitive: Its number among the sensitive ones, -1 for others.
    """

    material: str
    front_mm: float
    thickness_mm: float
    sensitive: int = -1

    @property
    def of(self) -> Material:
        """What it is made of."""
        return MATERIALS[self.material]

    @property
    def middle_mm(self) -> float:
        """Depth of its middle."""
        return self.front_mm + self.thickness_mm / 2

    @property
    def back_mm(self) -> float:
        """Depth of its back."""
        return self.front_mm + self.thickness_mm


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Square cells of a layer.

    Attributes:
        shape: How many along x and y.
        size_mm: Their size.
        particle: The cell whose middle the particle's line meets at normal incidence.
    """

    shape: tuple[int, int]
    size_mm: float
    particle: tuple[int, int]

    def __post_init__(self) -> None:
        if not all(0 <= at < n for at, n in zip(self.particle, self.shape, strict=True)):
            raise ValueError(f"the particle's cell {self.particle} is none of {self.shape}")
        if not self.size_mm > 0:
            raise ValueError(f"cells of {self.size_mm} mm")

    def reduced(self, pool: int, shape: tuple[int, int] | None) -> Cells:
        """Cells of ``pool`` x ``pool`` of these, as many as fill the same area or ``shape``.

        The particle stays in the middle of a cell, at the same share of the width.

        Raises:
            ValueError: If more are asked for than there are.
        """
        most = (self.shape[0] // pool, self.shape[1] // pool)
        kept = most if shape is None else shape
        if min(most) < 1 or not all(1 <= n <= m for n, m in zip(kept, most, strict=True)):
            raise ValueError(f"{kept[0]} x {kept[1]} cells of {most[0]} x {most[1]}")
        size = pool * self.size_mm
        at = tuple(n * k // m for n, k, m in zip(self.particle, kept, self.shape, strict=True))
        return Cells(shape=kept, size_mm=size, particle=(at[0], at[1]))

    def box(self) -> Box:
        """Their box, the particle at 0, 0."""
        low = [-(at + 0.5) * self.size_mm for at in self.particle]
        return Box(
            nx=self.shape[0],
            ny=self.shape[1],
            cell_mm=self.size_mm,
            low_x_mm=low[0],
            low_y_mm=low[1],
        )


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A detector: its plates, and how its sensitive ones are read.

    Attributes:
        name: Of the detector.
        plates: In order of their depth.
        width_mm: Size of the plates across.
        weight: Factor of each sensitive plate which equalises their sampling.
        mip_mev, threshold_mev: As in :class:`~zoo_calo.physics.grid.Grid`.
        sampling_fraction: By which energies are divided, as in the data that it imitates; 1: not.
        merge: Sensitive plates that one layer of the grid reads.
        window_ns: Time after the start during which deposits are read; infinite: all.
        cells: Square cells, or
        rings: a cylinder's bins.
        response: Constants of parametrised showers in it.
    """

    name: str
    plates: tuple[Plate, ...]
    width_mm: float
    weight: tuple[float, ...]
    mip_mev: float
    threshold_mev: float
    sampling_fraction: float = 1.0
    merge: int = 1
    window_ns: float = float("inf")
    cells: Cells | None = None
    rings: Rings | None = None
    response: Response = field(default_factory=Response)

    def __post_init__(self) -> None:
        for before, behind in zip(self.plates, self.plates[1:], strict=False):
            if behind.front_mm < before.back_mm - 1e-6:
                raise ValueError(
                    f"{behind.material} at {behind.front_mm:.3f} mm begins inside of the "
                    f"{before.material} that ends at {before.back_mm:.3f} mm"
                )
        if self.plates[0].front_mm < 0:
            raise ValueError(f"the first plate begins at {self.plates[0].front_mm:.3f} mm")
        if (self.cells is None) == (self.rings is None):
            raise ValueError("give either cells or rings")
        if self.merge < 1 or len(self.weight) % self.merge:
            raise ValueError(f"{len(self.weight)} layers are no multiple of merge = {self.merge}")

    @cached_property
    def sensitive(self) -> tuple[Plate, ...]:
        """The plates that are read, by depth."""
        return tuple(plate for plate in self.plates if plate.sensitive >= 0)

    @cached_property
    def layer(self) -> NDArray[np.int64]:
        """(sensitive plates,), the layer of the grid that reads each."""
        return np.arange(len(self.sensitive)) // self.merge

    @property
    def depth_mm(self) -> float:
        """Back of the last plate."""
        return self.plates[-1].back_mm

    @cached_property
    def grid(self) -> Grid:
        """Its cells."""
        middle = np.array([plate.middle_mm for plate in self.sensitive])
        depth = middle.reshape(-1, self.merge).mean(1)
        return Grid(
            name=self.name,
            depth_mm=tuple(depth.round(6).tolist()),
            layer_weight=self.weight[:: self.merge],
            threshold_mev=self.threshold_mev,
            mip_mev=self.mip_mev,
            box=None if self.cells is None else self.cells.box(),
            rings=() if self.rings is None else (self.rings,) * len(depth),
        )

    def reduced(self, pool: int, shape: tuple[int, int] | None) -> Stack:
        """With fewer cells: :meth:`Cells.reduced`.

        Raises:
            ConfigError: If there are not that many, or they are those of a cylinder.
        """
        if pool == 1 and shape is None:
            return self
        if self.cells is None:
            raise ConfigError(
                "bins of a cylinder are neither merged nor cut",
                where=f"detector {self.name}",
                remedy="leave out pool and cells, or take a detector with square cells",
            )
        try:
            return replace(self, cells=self.cells.reduced(pool, shape))
        except ValueError as error:
            raise ConfigError(
                str(error), where=f"detector {self.name}", remedy="ask for fewer, or a lower pool"
            ) from None

    def with_absorber(self, factor: float) -> Stack:
        """With thicker or thinner absorber; what lies behind it moves."""
        plates, moved = [], 0.0
        for plate in self.plates:
            grown = (factor - 1) * plate.thickness_mm if plate.of.absorber else 0.0
            plates.append(
                replace(
                    plate,
                    front_mm=plate.front_mm + moved,
                    thickness_mm=plate.thickness_mm + grown,
                )
            )
            moved += grown
        return replace(self, plates=tuple(plates))
