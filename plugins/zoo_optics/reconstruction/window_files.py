"""Candidates and flashes of others: an ``.npz`` of plain arrays.

========================= ================ ====================================================
array                     shape            is
========================= ================ ====================================================
``sensor_cm``             (sensors, 3)     centres
``sensor_direction``      (sensors, 3)     unit vectors into the volume
``sensor_radius_cm``      ()               radius of each
``low_cm``, ``high_cm``   (3,)             corners of the volume
``drift_cm_us``           (3,)             true place less apparent one, for each us of the flash
``candidate_window``      (candidates,)    number of the window
``candidate_segments``    (candidates,)    how many of the next two arrays are of the candidate
``segment_cm``            (segments, 3)    apparent places, as if the flash were at time 0
``segment_photons``       (segments,)      photons, by their charge
``flash_window``          (flashes,)       number of the window
``flash_us``              (flashes,)       time
``flash_charge``          (flashes, sensors) photo-electrons
``candidate_flash``       (candidates,)    may be absent: the true flash, -1 for none
========================= ================ ====================================================
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.reconstruction.windows import Candidate, Window, require_sound

__all__ = ["read_windows"]

_REMEDY = "`docs/plugins/optics-reconstruction.md` lists the arrays"
_SHAPES: Mapping[str, tuple[str | int, ...]] = {
    "sensor_cm": ("sensors", 3),
    "sensor_direction": ("sensors", 3),
    "sensor_radius_cm": (),
    "low_cm": (3,),
    "high_cm": (3,),
    "drift_cm_us": (3,),
    "candidate_window": ("candidates",),
    "candidate_segments": ("candidates",),
    "segment_cm": ("segments", 3),
    "segment_photons": ("segments",),
    "flash_window": ("flashes",),
    "flash_us": ("flashes",),
    "flash_charge": ("flashes", "sensors"),
    "candidate_flash": ("candidates",),
}
_OPTIONAL = frozenset({"candidate_flash"})


def read_windows(path: Path) -> tuple[dict[str, Any], list[Window]]:
    """Facts (geometry and drift) and windows of a file; nothing is unpickled.

    Raises:
        DataError: If it is missing or damaged, an array is missing or of another shape, segments
            do not add up, or a truth is not a flash of the same window.
    """
    arrays = _load(path)
    _require_shapes(arrays, str(path))
    low, high = (tuple(map(float, arrays[name])) for name in ("low_cm", "high_cm"))
    sensors = Sensors(
        arrays["sensor_cm"].astype(np.float64),
        arrays["sensor_direction"].astype(np.float64),
        float(arrays["sensor_radius_cm"]),
    )
    facts = Detector(sensors, Box(low, high)).facts()  # type: ignore[arg-type]  # three numbers
    facts["drift_cm_us"] = arrays["drift_cm_us"].astype(np.float64).tolist()
    names = np.unique(np.concatenate([arrays["candidate_window"], arrays["flash_window"]]))
    return facts, [_window(arrays, int(name), str(path)) for name in names]


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in _SHAPES if name in file}
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        raise DataError(
            f"no .npz of plain arrays ({error})", where=str(path), remedy=_REMEDY
        ) from error


def _require_shapes(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    missing = [name for name in _SHAPES if name not in arrays and name not in _OPTIONAL]
    if missing:
        raise DataError(f"the arrays {', '.join(missing)} are missing", where=where, remedy=_REMEDY)
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        dims = _SHAPES[name]
        shape = tuple(
            dim if isinstance(dim, int) else sizes.setdefault(dim, size)
            for dim, size in zip(dims, array.shape, strict=False)
        )
        if len(dims) != array.ndim or shape != array.shape or array.dtype.kind not in "fiu":
            expected = ", ".join(f"{dim}={sizes.get(str(dim), dim)}" for dim in dims)
            raise DataError(
                f"'{name}' is {array.dtype} {array.shape}, not numbers ({expected})",
                where=where,
                remedy=_REMEDY,
            )
    counts = arrays["candidate_segments"]
    if (counts < 1).any() or counts.sum() != len(arrays["segment_cm"]):
        raise DataError(
            f"candidates have {int(counts.sum())} segments, the file {len(arrays['segment_cm'])}",
            where=f"{where}: candidate_segments",
            remedy="give each candidate's number of segments, one or more",
        )


def _window(arrays: Mapping[str, NDArray[Any]], name: int, where: str) -> Window:
    ends = np.cumsum(arrays["candidate_segments"]).astype(np.int64)
    lit = np.flatnonzero(arrays["flash_window"] == name)
    lit = lit[np.argsort(arrays["flash_us"][lit], kind="stable")]
    rows = np.flatnonzero(arrays["candidate_window"] == name)
    candidates = []
    for row in rows:
        part = slice(int(ends[row - 1]) if row else 0, int(ends[row]))
        place, photons = arrays["segment_cm"][part], arrays["segment_photons"][part]
        candidates.append(Candidate(int(row), place.astype(float), photons.astype(float)))
    truth = None
    if "candidate_flash" in arrays:
        truth = _truth(arrays["candidate_flash"][rows], lit, f"{where}: window {name}")
    charge = arrays["flash_charge"][lit].astype(np.float64)
    window = Window(
        name, tuple(candidates), arrays["flash_us"][lit].astype(np.float64), charge, truth
    )
    require_sound(window, where)
    return window


def _truth(given: NDArray[Any], lit: NDArray[np.int64], where: str) -> NDArray[np.int64]:
    place = {int(flash): number for number, flash in enumerate(lit)} | {-1: -1}
    unknown = [int(flash) for flash in given if int(flash) not in place]
    if unknown:
        raise DataError(
            f"the true flash {unknown[0]} is not in the window",
            where=f"{where}: candidate_flash",
            remedy="give its index among all flashes, or -1",
        )
    return np.array([place[int(flash)] for flash in given], dtype=np.int64)
