"""Detectors are files: a stack of plates in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import ConfigError
from zoo_calo.physics.grid import Rings
from zoo_calo.physics.materials import MATERIALS
from zoo_calo.physics.response import Response
from zoo_calo.physics.stack import Cells, Plate, Stack

__all__ = ["read_stack"]

_KNOWN = {
    "name", "width_mm", "gap_mm", "mip_mev", "threshold_mev", "sampling_fraction", "merge",
    "window_ns", "sensitive", "cells", "rings", "layers", "response",
}  # fmt: skip
_OF_LAYERS = {"middle_mm", "first_mm", "pitch_mm", "count", "in_front", "weight"}


def read_stack(file: str) -> Stack:
    """A detector of this package by name (``ild-ecal``), or of a TOML file.

    Raises:
        ConfigError: There is no such file, or it is not a detector.
    """
    folder = files("zoo_calo") / "detectors"
    built_in = folder / f"{file}.toml"
    path = built_in if built_in.is_file() else Path(file)
    try:
        return _stack(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        known = sorted(
            one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml")
        )
        raise ConfigError(
            f"not a calorimeter: {error}",
            where=file,
            remedy=f"name one of {', '.join(known)}, or a file like those of zoo_calo/detectors",
        ) from None


def _stack(settings: Mapping[str, Any]) -> Stack:
    _refuse_unknown(settings, _KNOWN)
    layers = [one for group in settings["layers"] for one in _layers(group)]
    layers.sort(key=lambda one: one[0])
    gap = float(settings.get("gap_mm", 0.05))
    sensitive = settings["sensitive"]
    plates = [
        plate
        for number, (middle, in_front, _) in enumerate(layers)
        for plate in _plates(number, middle, in_front, sensitive, gap)
    ]
    return Stack(
        name=str(settings["name"]),
        plates=tuple(plates),
        width_mm=float(settings["width_mm"]),
        weight=tuple(weight for _, _, weight in layers),
        mip_mev=float(settings["mip_mev"]),
        threshold_mev=float(settings["threshold_mev"]),
        sampling_fraction=float(settings.get("sampling_fraction", 1)),
        merge=int(settings.get("merge", 1)),
        window_ns=float(settings.get("window_ns", "inf")),
        cells=_cells(settings["cells"]) if "cells" in settings else None,
        rings=_rings(settings["rings"]) if "rings" in settings else None,
        response=Response(**settings.get("response", {})),
    )


def _layers(group: Mapping[str, Any]) -> list[tuple[float, Sequence[Sequence[Any]], float]]:
    _refuse_unknown(group, _OF_LAYERS)
    if "middle_mm" in group:
        middle = [float(one) for one in group["middle_mm"]]
    else:
        at = np.arange(int(group["count"]))
        middle = (float(group["first_mm"]) + float(group["pitch_mm"]) * at).tolist()
    return [(one, group.get("in_front", ()), float(group.get("weight", 1))) for one in middle]


def _plates(
    number: int,
    middle_mm: float,
    in_front: Sequence[Sequence[Any]],
    sensitive: Mapping[str, Any],
    gap_mm: float,
) -> list[Plate]:
    """The plates in front of a sensitive one, which touch it but for a gap, and itself."""
    thickness = float(sensitive["thickness_mm"])
    back = middle_mm - thickness / 2
    found = [_plate(str(sensitive["material"]), back, thickness, number)]
    for material, thick in reversed(in_front):
        back -= gap_mm + float(thick)
        found.append(_plate(str(material), back, float(thick), -1))
    return found[::-1]


def _plate(material: str, front_mm: float, thickness_mm: float, sensitive: int) -> Plate:
    if material not in MATERIALS:
        raise ValueError(f"no material {material!r}; known are {', '.join(sorted(MATERIALS))}")
    if not thickness_mm > 0:
        raise ValueError(f"{material} of {thickness_mm} mm")
    return Plate(
        material=material,
        front_mm=round(front_mm, 6),
        thickness_mm=thickness_mm,
        sensitive=sensitive,
    )


def _cells(told: Mapping[str, Any]) -> Cells:
    (nx, ny), (at_x, at_y) = told["shape"], told["particle"]
    return Cells(
        shape=(int(nx), int(ny)),
        size_mm=float(told["size_mm"]),
        particle=(int(at_x), int(at_y)),
    )


def _rings(told: Mapping[str, Any]) -> Rings:
    return Rings(r_mm=tuple(float(r) for r in told["r_mm"]), alphas=int(told["alphas"]))


def _refuse_unknown(settings: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(settings) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
