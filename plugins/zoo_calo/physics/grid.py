"""The grid of cells: where each one lies, how its layer counts, what half of a MIP is.

Frame: z runs along the normal of the layers, from where the particle starts into the detector;
x and y lie across, 0 where the particle's line meets a layer at normal incidence. Angles tilt the
line towards +y: a particle of polar angle theta meets depth z at y = z / tan(theta).

Cells are numbered layer by layer. In a box the order is layer, x, y; in a cylinder layer, alpha, r
(r fastest, the order of the CaloChallenge's files), and layers may differ in their bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["Box", "Grid", "Rings", "grid_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Box:
    """Square cells of every layer.

    Attributes:
        nx, ny: How many along x and y.
        cell_mm: Their size.
        low_x_mm, low_y_mm: Lower edge of the first.
    """

    nx: int
    ny: int
    cell_mm: float
    low_x_mm: float
    low_y_mm: float


@dataclass(frozen=True, kw_only=True)
class Rings:
    """Bins in radius and angle of one layer of a cylinder.

    Attributes:
        r_mm: Edges, rising, from 0 or more.
        alphas: Bins in angle, from 0 to 2 pi.
    """

    r_mm: tuple[float, ...]
    alphas: int


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All cells of a detector, or of the part of it that is recorded.

    Attributes:
        name: Of the detector.
        depth_mm: Middle of each layer's sensitive material, rising.
        layer_weight: Factor of each layer on its energy which equalises their sampling: 2 behind
            absorber of twice the thickness.
        threshold_mev: Energy below which a cell does not count: half of a MIP.
        mip_mev: Most probable energy of a minimum ionising particle in a cell.
        box: Cells of each layer, or
        rings: one entry for each layer.
    """

    name: str
    depth_mm: tuple[float, ...]
    layer_weight: tuple[float, ...]
    threshold_mev: float
    mip_mev: float
    box: Box | None = None
    rings: tuple[Rings, ...] = ()

    def __post_init__(self) -> None:
        layers = len(self.depth_mm)
        if len(self.layer_weight) != layers:
            raise ValueError(f"{len(self.layer_weight)} layer weights for {layers} layers")
        if (self.box is None) == (not self.rings):
            raise ValueError("a grid has either a box or rings")
        if self.rings and len(self.rings) != layers:
            raise ValueError(f"rings of {len(self.rings)} layers for {layers} layers")

    @property
    def layers(self) -> int:
        """How many."""
        return len(self.depth_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(layers, x, y) or (layers, alpha, r).

        Raises:
            DataError: If layers differ, as in the first data set of the CaloChallenge.
        """
        if self.box is not None:
            return (self.layers, self.box.nx, self.box.ny)
        kinds = {(ring.alphas, len(ring.r_mm) - 1) for ring in self.rings}
        if len(kinds) > 1:
            raise DataError(
                "layers of this grid have different bins",
                where=self.name,
                remedy="use a model of single cells; convolutions need one shape for all layers",
            )
        return (self.layers, *kinds.pop())

    @cached_property
    def first_cell(self) -> NDArray[np.int64]:
        """(layers + 1,), number of the first cell of each layer, and of all cells."""
        return np.concatenate([[0], np.cumsum(self._cells_of_layers())]).astype(np.int64)

    @property
    def cells(self) -> int:
        """How many in all."""
        return int(self.first_cell[-1])

    @cached_property
    def layer(self) -> NDArray[np.int64]:
        """(cells,), the layer of every cell."""
        return np.repeat(np.arange(self.layers), self._cells_of_layers())

    @cached_property
    def x_mm(self) -> Array:
        """(cells,), middle of every cell; in a cylinder r cos(alpha)."""
        return self._centres()[0]

    @cached_property
    def y_mm(self) -> Array:
        """(cells,), middle of every cell; in a cylinder r sin(alpha)."""
        return self._centres()[1]

    @cached_property
    def weight(self) -> Array:
        """(cells,), :attr:`layer_weight` of every cell."""
        return np.asarray(self.layer_weight, np.float64)[self.layer]

    def facts(self) -> dict[str, Any]:
        """As JSON values, for a source's ``facts``."""
        return {"grid": asdict(self)}

    def _cells_of_layers(self) -> list[int]:
        if self.box is not None:
            return [self.box.nx * self.box.ny] * self.layers
        return [ring.alphas * (len(ring.r_mm) - 1) for ring in self.rings]

    def _centres(self) -> tuple[Array, Array]:
        if self.box is not None:
            box = self.box
            x = box.low_x_mm + (np.arange(box.nx) + 0.5) * box.cell_mm
            y = box.low_y_mm + (np.arange(box.ny) + 0.5) * box.cell_mm
            each_x, each_y = np.meshgrid(x, y, indexing="ij")
            return np.tile(each_x.ravel(), self.layers), np.tile(each_y.ravel(), self.layers)
        places = [_ring_centres(ring) for ring in self.rings]
        return np.concatenate([x for x, _ in places]), np.concatenate([y for _, y in places])


def _ring_centres(ring: Rings) -> tuple[Array, Array]:
    edges = np.asarray(ring.r_mm, np.float64)
    alpha = (np.arange(ring.alphas) + 0.5) * 2 * np.pi / ring.alphas
    each, r = np.meshgrid(alpha, (edges[:-1] + edges[1:]) / 2, indexing="ij")
    return (r * np.cos(each)).ravel(), (r * np.sin(each)).ravel()


def grid_of(facts: Mapping[str, Any]) -> Grid:
    """The grid that :meth:`Grid.facts` described.

    Raises:
        DataError: If there is none, or it makes no sense.
    """
    try:
        told = dict(facts["grid"])
        box = told.pop("box", None)
        rings = told.pop("rings", ())
        return Grid(
            **{name: _plain(value) for name, value in told.items()},
            box=None if box is None else Box(**box),
            rings=tuple(
                Rings(r_mm=_floats(one["r_mm"]), alphas=int(one["alphas"])) for one in rings
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the facts describe no grid of cells: {error}",
            where="facts.grid",
            remedy="read the data with a source of the task calo, or simulate them again",
        ) from error


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | float | int) else _floats(value)


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
