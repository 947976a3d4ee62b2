"""The pad plane: where each pad lies. A detector is a file, not code.

Frame: z runs along the columns, 0 at the outer edge of column 0; y along the rows, 0 in the middle
of the plane; x is the distance of the drift, 0 on the plane. The magnetic field points along +x.
Modules leave gaps without pads between one another.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError

__all__ = ["Axis", "PadPlane", "plane_of", "read_plane"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Pads along one axis.

    Attributes:
        pads: How many.
        pitch_mm: Distance of neighbours within a module, mm.
        pads_of_a_module: Pads until the next gap.
        gap_mm: Width without pads between two modules, mm.
    """

    pads: int
    pitch_mm: float
    pads_of_a_module: int
    gap_mm: float

    def __post_init__(self) -> None:
        if self.pads < 1 or self.pads_of_a_module < 1 or self.pads % self.pads_of_a_module:
            raise ValueError(
                f"{self.pads} pads are no whole number of modules of {self.pads_of_a_module}"
            )
        if not self.pitch_mm > 0 or not self.gap_mm >= 0:
            raise ValueError(f"pitch {self.pitch_mm} mm and gap {self.gap_mm} mm")

    @property
    def length_mm(self) -> float:
        """From the outer edge of the first pad to that of the last."""
        gaps = self.pads // self.pads_of_a_module - 1
        return self.pads * self.pitch_mm + gaps * self.gap_mm

    def low_edges(self) -> Array:
        """Lower edge of every pad, float64 (pads,), mm from the outer edge of the first."""
        index = np.arange(self.pads)
        return index * self.pitch_mm + index // self.pads_of_a_module * self.gap_mm


@dataclass(frozen=True, kw_only=True)
class PadPlane:
    """A plane of rectangular pads in a magnetic field.

    Attributes:
        name: Of the detector.
        field_tesla: Magnetic field along +x.
        drift_mm: Longest drift.
        z: Columns.
        y: Rows.
    """

    name: str
    field_tesla: float
    drift_mm: float
    z: Axis
    y: Axis

    @cached_property
    def z_mm(self) -> Array:
        """Centre of every column, float64 (columns,)."""
        return self.z.low_edges() + self.z.pitch_mm / 2

    @cached_property
    def y_mm(self) -> Array:
        """Centre of every row, float64 (rows,)."""
        return self.y.low_edges() + (self.y.pitch_mm - self.y.length_mm) / 2

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.pads, self.z.pads

    def facts(self) -> dict[str, Any]:
        """As JSON values, for the facts of a data set: ``{"plane": {...}}``."""
        return {"plane": asdict(self)}


def read_plane(file: str) -> PadPlane:
    """A plane of this package by name (``ha-tpc``), or of a TOML file.

    Raises:
        ConfigError: There is no such file, or it is not a plane.
    """
    built_in = files("zoo_ha_tpc") / "detectors" / f"{file}.toml"
    path = built_in if built_in.is_file() else Path(file)
    try:
        return _plane(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        known = sorted(
            one.name.removesuffix(".toml")
            for one in (files("zoo_ha_tpc") / "detectors").iterdir()
            if one.name.endswith(".toml")
        )
        raise ConfigError(
            f"not a pad plane: {error}",
            where=file,
            remedy=f"name one of {', '.join(known)}, or a file like those of zoo_ha_tpc/detectors",
        ) from None


def plane_of(facts: Mapping[str, Any]) -> PadPlane:
    """The plane of a data set.

    Raises:
        DataError: The facts have none.
    """
    try:
        return _plane(facts["plane"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"no pad plane: {error}",
            where="the fact plane",
            remedy="give data.options.plane, the name of a detector or its TOML file",
        ) from None


def _plane(settings: Mapping[str, Any]) -> PadPlane:
    known = {"name", "field_tesla", "drift_mm", "z", "y"}
    if unknown := set(settings) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return PadPlane(
        name=str(settings["name"]),
        field_tesla=float(settings["field_tesla"]),
        drift_mm=float(settings["drift_mm"]),
        z=Axis(**settings["z"]),
        y=Axis(**settings["y"]),
    )
