"""Reader of Wire-Cell wire files: where the wires of an anode are, and on which channels.

The wires of ProtoDUNE-HD's induction planes wrap around the anode: one channel has up to three
wires, on both faces. The file (``.json`` or ``.json.bz2``, WireCell/wire-cell-toolkit,
util ``WireSchema``) is a store of flat lists: anodes point to faces, faces to planes, planes to
wires, wires to their end points in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_dnn_roi.physics.field_response import read_json
from zoo_dnn_roi.physics.geometry import Crossing
from zoo_dnn_roi.physics.multiplane import Face
from zoo_dnn_roi.physics.runs import IntArray

__all__ = ["AnodeWires", "WirePlane", "load_wires"]

_UNEVEN = 0.01  # largest departure of a wire from its place in an even plane, in pitches
_PLANES = 3

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class WirePlane:
    """Parallel wires of one plane of one face, at even distances.

    Attributes:
        channels: int64 (wires,), channel of each wire, in order across the wires.
        pitch_mm: Distance of neighbouring wires, mm.
        direction: Unit vector (z, y) across the wires, towards larger indices.
        origin_mm: Where wire coordinate 0 (half a pitch before wire 0) lies along ``direction``.
    """

    channels: IntArray
    pitch_mm: float
    direction: tuple[float, float]
    origin_mm: float

    @property
    def angle_deg(self) -> float:
        """Angle of the line across the wires from z towards y, degrees in [-90, 90)."""
        z, y = self.direction
        return float((np.rad2deg(np.arctan2(y, z)) + 90) % 180 - 90)

    @property
    def gradient(self) -> Float64Array:
        """Change of the wire coordinate per mm, float64 (z, y)."""
        return np.asarray(self.direction) / self.pitch_mm


@dataclass(frozen=True, eq=False, slots=True)
class AnodeWires:
    """The wires of one anode.

    Attributes:
        ident: Number of the anode.
        faces: For each face its planes U, V and W.
    """

    ident: int
    faces: tuple[tuple[WirePlane, ...], ...]

    def channels(self, plane: int) -> IntArray:
        """Channels of one plane on all faces, int64, ascending."""
        return np.unique(np.concatenate([face[plane].channels for face in self.faces]))

    def coincidence_faces(self) -> tuple[Face, ...]:
        """The faces for the multi-plane coincidence.

        A channel's row is its place among the ascending channels of its plane.

        Raises:
            DataError: Wires of two planes of a face are parallel.
        """
        return tuple(
            Face(
                tuple(
                    np.searchsorted(self.channels(index), plane.channels)
                    for index, plane in enumerate(face)
                ),
                tuple(self._crossing(face, target) for target in range(_PLANES)),
            )
            for face in self.faces
        )

    def _crossing(self, face: tuple[WirePlane, ...], target: int) -> Crossing:
        """Wire coordinate on ``target`` of a crossing of wires of the two other planes."""
        first, second = (face[plane] for plane in range(_PLANES) if plane != target)
        across = np.stack([first.gradient, second.gradient])
        # For unit pitches this is the sine of the angle between the wires.
        if abs(np.linalg.det(across)) * first.pitch_mm * second.pitch_mm < 1e-6:
            raise DataError(
                "wires of two planes are parallel and never cross",
                where=f"anode {self.ident}",
                remedy="give the wires of a detector with three wire directions",
            )
        share = np.linalg.solve(across.T, face[target].gradient)
        origins = [plane.origin_mm / plane.pitch_mm for plane in (first, second, face[target])]
        offset = share[0] * origins[0] + share[1] * origins[1] - origins[2]
        return Crossing(float(share[0]), float(share[1]), float(offset))


def load_wires(path: Path) -> tuple[AnodeWires, ...]:
    """Read a Wire-Cell wire file.

    Args:
        path: The file.

    Returns:
        Its anodes.

    Raises:
        DataError: The file is missing, damaged or no wire file, a face has not the planes 0, 1
            and 2, or the wires of a plane are not parallel and even.
    """
    root = read_json(path)
    try:
        store = root["Store"]
        points = _points(store["points"])
        anodes = tuple(
            AnodeWires(
                int(entry["Anode"]["ident"]),
                tuple(_face(store, face, points, path) for face in entry["Anode"]["faces"]),
            )
            for entry in store["anodes"]
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"not a Wire-Cell wire file ({type(error).__name__}: {error})",
            where=str(path),
            remedy="give a file with Store / anodes, faces, planes, wires, points",
        ) from error
    if not anodes or not all(anode.faces for anode in anodes):
        raise DataError(
            "it has no anode, or one without faces",
            where=str(path),
            remedy="give the wire file of a whole detector",
        )
    return anodes


def _points(entries: Any) -> Float64Array:  # decoded JSON
    """End points, float64 (points, 2): z and y in mm."""
    pairs = [(entry["Point"]["z"], entry["Point"]["y"]) for entry in entries]
    return np.asarray(pairs, dtype=np.float64)


def _face(store: Any, index: int, points: Float64Array, path: Path) -> tuple[WirePlane, ...]:
    planes = [store["planes"][plane]["Plane"] for plane in store["faces"][index]["Face"]["planes"]]
    where = f"{path}, face {index}"
    if [plane["ident"] for plane in planes] != list(range(_PLANES)):
        raise DataError(
            f"planes {[plane['ident'] for plane in planes]} instead of 0, 1, 2",
            where=where,
            remedy="give a wire file whose faces have the planes U, V and W",
        )
    return tuple(
        _plane([store["wires"][wire]["Wire"] for wire in plane["wires"]], points, where)
        for plane in planes
    )


def _plane(wires: list[Any], points: Float64Array, where: str) -> WirePlane:  # decoded JSON
    """Pitch, direction and origin of wires by their end points."""
    tail = points[[wire["tail"] for wire in wires]]
    head = points[[wire["head"] for wire in wires]]
    middle, along = (tail + head) / 2, (head - tail).sum(axis=0)
    across = np.array([along[1], -along[0]]) / np.hypot(*along)
    if (middle[-1] - middle[0]) @ across < 0:
        across = -across
    position = middle @ across
    pitch = float(position[-1] - position[0]) / max(len(wires) - 1, 1)
    even = position.mean() + pitch * (np.arange(len(wires)) - (len(wires) - 1) / 2)
    ends = np.stack([tail @ across, head @ across])
    # A wire that is not parallel ends elsewhere than its middle lies.
    if not (pitch > 0 and np.abs(ends - even).max() < _UNEVEN * pitch):
        raise DataError(
            "wires of a plane are not parallel, not evenly spaced or not in order",
            where=where,
            remedy="give the wires of each plane in order across it",
        )
    channels = np.asarray([wire["channel"] for wire in wires], dtype=np.int64)
    direction = (float(across[0]), float(across[1]))
    return WirePlane(channels, pitch, direction, float(even[0] - pitch / 2))
