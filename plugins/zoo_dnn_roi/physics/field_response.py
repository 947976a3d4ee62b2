"""Currents that a drifting electron induces on the wires: the field response and its file.

A response is known on a fan of straight drift paths. Path (k, j) passes at (k - n/2 + (j - 5) / 10)
pitches from a wire at 0, for n + 1 wire cells k and eleven impact positions j (-0.5 to 0.5 pitch):
by translation it also tells the current on wire w of an electron over wire w + k - n/2.

The files are Wire-Cell's (WireCell/wire-cell-toolkit, ``FieldResponse`` JSON, plain or
bzip2), computed with Garfield for six impact positions on one side of each wire; the other
side follows by mirror symmetry.
"""

from __future__ import annotations

import bz2
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["IMPACTS", "FieldResponse", "load_field_response", "read_json"]

IMPACTS = 10
"""Impact positions per pitch; a cell has IMPACTS + 1 paths, both borders included."""

_OFFSETS = np.arange(-IMPACTS // 2, IMPACTS // 2 + 1)  # in units of pitch / IMPACTS


@dataclass(frozen=True, eq=False, slots=True)
class FieldResponse:
    """Induced currents of one electron.

    Attributes:
        name: Where they come from.
        period_ns: Sampling period, ns.
        currents: float64 (planes, cells, IMPACTS + 1, samples), electrons per ns; the electron
            starts on the response plane at sample 0. Negative while a wire collects.
        pitches_mm: Pitch of each plane for which they were computed, mm; empty: not told.
    """

    name: str
    period_ns: float
    currents: NDArray[np.float64]
    pitches_mm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        shape = self.currents.shape
        if len(shape) != 4 or shape[1] % 2 == 0 or shape[2] != IMPACTS + 1:
            raise DataError(
                f"currents of shape {shape}",
                where=self.name,
                remedy=f"give (planes, odd number of cells, {IMPACTS + 1}, samples)",
            )
        if not (self.period_ns > 0 and np.isfinite(self.currents).all()):
            raise DataError(
                "the period is not positive or a current not finite",
                where=self.name,
                remedy="copy the file again, or compute it anew",
            )

    @property
    def cells(self) -> int:
        """Number of wire cells, odd; the middle one belongs to the wire itself."""
        return int(self.currents.shape[1])

    def charge(self) -> NDArray[np.float64]:
        """Integrals of the currents, electrons per electron, (planes, cells, IMPACTS + 1)."""
        return np.asarray(self.currents.sum(axis=-1) * self.period_ns, dtype=np.float64)


def load_field_response(path: Path) -> FieldResponse:
    """Read a Wire-Cell field-response file (``.json`` or ``.json.bz2``).

    Args:
        path: The file.

    Returns:
        The response of its three planes.

    Raises:
        DataError: The file is missing, damaged, or not a response of the kind above.
    """
    root = read_json(path)
    try:
        response = root["FieldResponse"]
        period = float(response["period"])
        entries = [plane["PlaneResponse"] for plane in response["planes"]]
        planes = [_plane_currents(plane, path) for plane in entries]
        pitches = tuple(float(plane["pitch"]) for plane in entries)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"not a Wire-Cell field response ({type(error).__name__}: {error})",
            where=str(path),
            remedy="give a file with FieldResponse / planes / PlaneResponse / paths",
        ) from error
    if len(planes) != 3 or len({plane.shape for plane in planes}) != 1:
        shapes = [plane.shape for plane in planes]
        raise DataError(
            f"planes of shapes {shapes} instead of three equal ones",
            where=str(path),
            remedy="give a file with the planes U, V and W, of one shape",
        )
    return FieldResponse(path.name, period, np.stack(planes), pitches)


def read_json(path: Path) -> Any:  # JSON holds anything; the callers check what they take
    """Decode a JSON file, bzip2-compressed or plain.

    Raises:
        DataError: It cannot be read or decoded.
    """
    try:
        raw = path.read_bytes()
        decoded = json.loads(bz2.decompress(raw) if path.suffix == ".bz2" else raw)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"cannot be read as JSON ({error})",
            where=str(path),
            remedy="give an intact .json or .json.bz2 file",
        ) from error
    return decoded


def _plane_currents(plane: Any, path: Path) -> NDArray[np.float64]:
    """Currents of one plane, (cells, IMPACTS + 1, samples), from its one-sided paths."""
    pitch = float(plane["pitch"])
    paths = {}
    for entry in plane["paths"]:
        steps = round(float(entry["PathResponse"]["pitchpos"]) / pitch * IMPACTS)
        paths[steps] = entry["PathResponse"]["current"]["array"]["elements"]
    half_cells = len(paths) // (IMPACTS // 2 + 1) // 2
    cell = np.arange(-half_cells, half_cells + 1)[:, None] * IMPACTS
    # The stored side of a cell is the one of negative offsets; the other side is its mirror.
    position = np.where(_OFFSETS <= 0, cell + _OFFSETS, -cell - _OFFSETS)
    missing = sorted(set(position.ravel().tolist()) - set(paths))
    if missing:
        raise DataError(
            f"{len(paths)} paths, none at {missing[0] / IMPACTS:g} pitches from the wire",
            where=f"{path}, plane {plane.get('planeid', '?')}",
            remedy=f"give {IMPACTS // 2 + 1} paths per wire, 0 to 0.5 pitch beside it",
        )
    stored = np.asarray([paths[step] for step in position.ravel().tolist()], dtype=np.float64)
    return stored.reshape(*position.shape, -1)
