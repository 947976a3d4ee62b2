"""Files that tests of the readers write, in the layouts that others use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

SEGMENT = np.dtype(
    [("eventID", "u4"), ("trackID", "u4"), ("pdgId", "i4"), ("dE", "f4")]
    + [(f"{axis}_{end}", "f4") for axis in "xyz" for end in ("start", "end")]
)

# Two events: places, energies, and clusters: voxels, fragment, group, interaction, class, kind.
PLACES = [
    [(5, 5, 5), (1, 2, 4), (1, 2, 3), (9, 0, 0), (8, 0, 0)],
    [(0, 0, 1), (0, 0, 0)],
]
ENERGIES = [[0.1, 0.4, 0.3, 2.0, 1.0], [0.5, 0.6]]
CLUSTERS = [
    [(1, -1, -1, -1, 4, -1), (2, 3, 3, 0, 1, 4), (1, 5, 4, 0, 0, 0), (1, 4, 4, 0, 0, 0)],
    [(2, 0, 0, 7, 1, 2)],
]


def vlen(file: h5py.File, name: str, rows: Any) -> None:
    kind = h5py.vlen_dtype(np.dtype(np.float32))
    found = file.create_dataset(name, (len(rows),), kind)
    for i, row in enumerate(rows):
        found[i] = np.asarray(row, np.float32).reshape(-1)


@pytest.fixture
def pilarnet(tmp_path: Path) -> Callable[..., Path]:
    """Writes PILArNet-M: ``point``, ``cluster`` and more as given, two events by default."""

    def write(
        *,
        width: int = 6,
        places: Any = PLACES,
        energies: Any = ENERGIES,
        clusters: Any = CLUSTERS,
        name: str = "generic_v2_2_v2.h5",
        **more: Any,
    ) -> Path:
        path = tmp_path / name
        points = []
        for place, energy in zip(places, energies, strict=True):
            rows = np.zeros((len(place), 8), np.float32)
            rows[:, :3] = np.reshape(place, (-1, 3))
            rows[:, 3], rows[:, 4] = energy, 2 * np.asarray(energy)
            points.append(rows)
        cut = [np.array(rows, np.float32).reshape(-1, 6)[:, :width] for rows in clusters]
        with h5py.File(path, "w") as file:
            for key, rows in {"point": points, "cluster": cut, **more}.items():
                if rows is not None:
                    vlen(file, key, rows)
        return path

    return write


@pytest.fixture
def segments(tmp_path: Path) -> Callable[..., Path]:
    """Writes segments: (event, track, pdg, dE, start, end), places in cm."""

    def write(rows: Any, name: str = "edepsim.h5", dtype: np.dtype[Any] = SEGMENT) -> Path:
        table = np.zeros(len(rows), dtype)
        for row, (event, track, pdg, energy, start, end) in zip(table, rows, strict=True):
            row["eventID"], row["trackID"], row["pdgId"], row["dE"] = event, track, pdg, energy
            for i, axis in enumerate("xyz"):
                row[f"{axis}_start"], row[f"{axis}_end"] = start[i], end[i]
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            file["segments"] = table
        return path

    return write
