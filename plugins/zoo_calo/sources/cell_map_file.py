"""Cell maps: those of published detectors by name, others from TOML or JSON files."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from zoo.api import Config, ConfigError
from zoo_calo.physics.grid import Box, Grid
from zoo_calo.sources.cell_map import CellMap
from zoo_calo.sources.layouts import (
    ECAL_FACE_MM,
    ECAL_PLANES_MM,
    HCAL_FACE_MM,
    HCAL_PLANES_MM,
    known_grid,
)

__all__ = ["NAMED_MAPS", "CellMapConfig", "read_cell_map"]

_MOST_BYTES = 2**20

Length = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Axis = Literal["x", "y", "z", "-x", "-y", "-z"]
Count = Annotated[int, Field(ge=1, le=4096)]


class CellMapConfig(Config):
    """A cell map as a file tells it."""

    name: str = "declared"
    """Of the detector."""
    axes: tuple[Axis, Axis, Axis] = ("x", "y", "z")
    """The detector's axes along our x, y and z; z is the normal of the layers, y the side to which
    particles tilt. ``-x`` runs against the detector's x."""
    origin_mm: tuple[Length, Length, Length] = (0.0, 0.0, 0.0)
    """Where the particle starts into the detector, by the detector's x, y, z."""
    plane_mm: tuple[Length, ...] = Field(min_length=1, max_length=4096)
    """The detector's coordinate along the normal of each layer, in the order of the depths."""
    tolerance_mm: Positive
    """How far from its plane a hit of a layer may be."""
    depth_mm: tuple[Length, ...] = ()
    """Depth of each layer, where planes are none, such as numbers of layers; empty: from the
    planes and the origin."""
    shape: tuple[Count, Count]
    """Cells along x and y."""
    cell_mm: Positive
    """Their size."""
    low_mm: tuple[Length, Length]
    """Lower edges of the first cells along x and y, from the origin."""
    shift_mm: tuple[tuple[Length, Length], ...] = ()
    """Shift along x and y of the cells of each layer, where they are staggered; empty: none."""
    layer_weight: tuple[Positive, ...] = ()
    """Factor of each layer which equalises their sampling; empty: 1."""
    threshold_mev: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Energy below which a cell does not count: half of a MIP."""
    mip_mev: Positive
    """Most probable energy of a minimum ionising particle in a cell."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len({axis[-1] for axis in self.axes}) != 3:
            raise ValueError(f"axes {self.axes} are not three different ones")
        layers = len(self.plane_mm)
        for name in ("depth_mm", "shift_mm", "layer_weight"):
            if len(getattr(self, name)) not in (0, layers):
                raise ValueError(f"{len(getattr(self, name))} of {name} for {layers} layers")
        depths = self.depths
        if any(b <= a for a, b in pairwise(depths)):
            raise ValueError("layers do not follow one another in depth")
        return self

    @property
    def depths(self) -> tuple[float, ...]:
        """Depth of each layer, mm."""
        if self.depth_mm:
            return self.depth_mm
        normal = self.axes[2]
        sign = -1.0 if normal.startswith("-") else 1.0
        start = self.origin_mm["xyz".index(normal[-1])]
        return tuple(sign * (plane - start) for plane in self.plane_mm)

    def cell_map(self) -> CellMap:
        """As a map."""
        nx, ny = self.shape
        grid = Grid(
            name=self.name,
            depth_mm=self.depths,
            layer_weight=self.layer_weight or (1.0,) * len(self.plane_mm),
            threshold_mev=self.threshold_mev,
            mip_mev=self.mip_mev,
            box=Box(
                nx=nx,
                ny=ny,
                cell_mm=self.cell_mm,
                low_x_mm=self.low_mm[0],
                low_y_mm=self.low_mm[1],
            ),
        )
        return CellMap(
            grid=grid,
            axes=self.axes,
            origin_mm=self.origin_mm,
            plane_mm=self.plane_mm,
            tolerance_mm=self.tolerance_mm,
            shift_mm=self.shift_mm,
        )


def read_cell_map(name: str) -> CellMap:
    """A map by its name, or of a file.

    Raises:
        ConfigError: There is none, or it makes no sense.
    """
    if name in NAMED_MAPS:
        return NAMED_MAPS[name]()
    path = Path(name)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _fault("more than 1 MiB", name)
        text = path.read_text(encoding="utf-8")
        content: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return CellMapConfig.model_validate(content).cell_map()
    except OSError as error:
        known = ", ".join(NAMED_MAPS)
        raise ConfigError(
            f"no such cell map ({error.strerror})",
            where=name or "data.options.map",
            remedy=f"set data.options.map to one of {known}, or to a TOML or JSON file",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _fault(f"{place}: {first['msg']}" if place else first["msg"], name) from error
    except (ValueError, RecursionError) as error:
        raise _fault(f"no TOML or JSON ({error})", name) from error


def _fault(problem: str, where: str) -> ConfigError:
    return ConfigError(
        problem, where=where, remedy="the documentation of the task calo has a cell map"
    )


def _ild_ecal() -> CellMap:
    grid = known_grid((30, 30, 30))
    assert grid is not None
    return CellMap(
        grid=grid,
        axes=("x", "z", "y"),
        origin_mm=(0.0, ECAL_FACE_MM, 0.0),
        plane_mm=tuple(plane + 0.5 for plane in ECAL_PLANES_MM),
        tolerance_mm=0.5,
    )


def _ild_hcal() -> CellMap:
    grid = known_grid((48, 48, 48))
    assert grid is not None
    return CellMap(
        grid=grid,
        axes=("x", "z", "y"),
        origin_mm=(30.0, HCAL_FACE_MM, 1000.0),
        plane_mm=tuple(map(float, HCAL_PLANES_MM)),
        tolerance_mm=5.0,
    )


def _caloclouds() -> CellMap:
    """Points whose y is the number of the layer; showers are about x = 0 and z = 40 mm."""
    grid = known_grid((30, 30, 30))
    assert grid is not None
    return CellMap(
        grid=grid,
        axes=("x", "z", "y"),
        origin_mm=(0.0, 0.0, 40.0),
        plane_mm=tuple(layer + 0.5 for layer in range(30)),
        tolerance_mm=0.5,
    )


NAMED_MAPS = {"ild-ecal": _ild_ecal, "ild-hcal": _ild_hcal, "caloclouds": _caloclouds}
"""Maps by name: the bins and planes of the published files of layers, and CaloClouds' points."""
