"""Wire planes and readout of one face of a liquid-argon time projection chamber.

Frame: x is the drift distance to the response plane in mm (0 on that plane, where the field
responses begin; it grows towards the cathode), y is vertical, z runs along the beam; (y, z) =
(0, 0) is the middle of every plane. A wire coordinate is continuous: wire i covers [i, i + 1) and
its centre is at i + 0.5.

The default is one face of a ProtoDUNE-HD anode: pitches and angles from the LArSoft wire file of
that detector, drift and electronics constants from its Wire-Cell configuration. Real U and V wires
wrap around the anode; here each wire is straight and on one face, so that a plane of induction
wires is a band and all three planes see the rhombus where the bands cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError

__all__ = ["NOMINAL_LIFETIME_MS", "Crossing", "Detector", "Plane", "protodune_hd"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_EDGE = 1e-6  # wires: a corner lies on the border of its planes but for rounding

NOMINAL_LIFETIME_MS = 8.0
"""Electron lifetime of Wire-Cell's configuration of ProtoDUNE-HD, ms."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of parallel wires.

    Attributes:
        name: One letter or word, e.g. ``U``.
        wires: Number of wires.
        pitch_mm: Distance of neighbouring wires, mm.
        angle_deg: Angle of the pitch direction from z towards y, degrees; 0 for vertical wires.
        induction: True when electrons drift past, False when the wires collect them.
    """

    name: str
    wires: int
    pitch_mm: float
    angle_deg: float
    induction: bool

    def __post_init__(self) -> None:
        if self.wires < 1 or not self.pitch_mm > 0:
            raise ConfigError(
                f"{self.wires} wires of pitch {self.pitch_mm} mm",
                where=f"plane {self.name}",
                remedy="give at least one wire and a positive pitch",
            )

    @property
    def direction(self) -> tuple[float, float]:
        """Unit vector across the wires, (z, y)."""
        angle = np.deg2rad(self.angle_deg)
        return float(np.cos(angle)), float(np.sin(angle))

    def wire(self, y: Float64Array, z: Float64Array) -> Float64Array:
        """Continuous wire coordinate of points (y, z) in mm; same shape as they."""
        along_z, along_y = self.direction
        return (z * along_z + y * along_y) / self.pitch_mm + self.wires / 2

    def check_mask(self, mask: BoolArray, what: str) -> None:
        """Refuse a mask that has not one flag per wire.

        Raises:
            DataError: It has another shape or type.
        """
        if mask.shape != (self.wires,) or mask.dtype != np.bool_:
            raise DataError(
                f"a mask of {what} of shape {mask.shape} and type {mask.dtype}",
                where=f"plane {self.name}",
                remedy=f"give {self.wires} flags, one per wire",
            )


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a crossing of wires of two planes lies on a third plane: an affine map.

    Attributes:
        first: Wires of the target per wire of the first plane.
        second: Wires of the target per wire of the second plane.
        offset: Wire coordinate of the target for the coordinates (0, 0).
    """

    first: float
    second: float
    offset: float

    def project(self, first: Float64Array, second: Float64Array) -> Float64Array:
        """Continuous wire coordinate on the target of crossings of continuous coordinates."""
        return self.first * first + self.second * second + self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Three wire planes, their drift volume and their readout.

    Attributes:
        planes: U, V (induction) and W (collection), in the order in which electrons pass them.
        ticks: Samples of one readout.
        tick_ns: Sampling period, ns.
        drift_speed_mm_us: Electron drift speed, mm/us.
        drift_length_mm: Largest x, mm.
        longitudinal_cm2_s: Diffusion constant along the drift, cm2/s.
        transverse_cm2_s: Diffusion constant across the drift, cm2/s.
        lifetime_ms: Electron lifetime, ms.
        gain_mv_fc: Peak of the electronics response, mV/fC.
        peaking_us: Peaking time of the electronics, us.
        adc_bits: Resolution of the converter.
        adc_range_mv: Voltage of its full scale, mV.
    """

    planes: tuple[Plane, Plane, Plane]
    ticks: int = 6000
    tick_ns: float = 500.0
    drift_speed_mm_us: float = 1.565
    drift_length_mm: float = 3530.0
    longitudinal_cm2_s: float = 7.2
    transverse_cm2_s: float = 12.0
    lifetime_ms: float = NOMINAL_LIFETIME_MS
    gain_mv_fc: float = 14.0
    peaking_us: float = 2.2
    adc_bits: int = 14
    adc_range_mv: float = 1400.0

    def __post_init__(self) -> None:
        positive = ("ticks", "tick_ns", "drift_speed_mm_us", "drift_length_mm", "lifetime_ms")
        for name in (*positive, "gain_mv_fc", "peaking_us", "adc_bits", "adc_range_mv"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"{getattr(self, name)} is not positive", where=f"detector {name}"
                )
        for name in ("longitudinal_cm2_s", "transverse_cm2_s"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{getattr(self, name)} is negative", where=f"detector {name}")
        if len({plane.name for plane in self.planes}) != len(self.planes):
            raise ConfigError("two planes have one name", where="detector planes")

    @property
    def adc_per_mv(self) -> float:
        """Counts of the converter per mV."""
        return float((2**self.adc_bits - 1) / self.adc_range_mv)

    @property
    def mm_per_tick(self) -> float:
        """Drift distance in one tick, mm."""
        return self.drift_speed_mm_us * self.tick_ns * 1e-3

    @property
    def induction(self) -> tuple[Plane, ...]:
        """Its induction planes: those that DNN-ROI treats."""
        return tuple(plane for plane in self.planes if plane.induction)

    @property
    def length_z_mm(self) -> float:
        """Length along z, at y = 0, over which every plane has wires, mm."""
        shortest = min(p.wires * p.pitch_mm / abs(p.direction[0]) for p in self.planes)
        return self._whole(shortest)

    @property
    def half_size_mm(self) -> tuple[float, float]:
        """Half the size (y, z) of the smallest box around what every plane sees, mm.

        Raises:
            ConfigError: Two planes are parallel.
        """
        corners = [self._corners(*pair) for pair in combinations(self.planes, 2)]
        y, z = np.concatenate(corners, axis=1)
        wires = np.array([plane.wires for plane in self.planes])[:, None]
        found = np.array([plane.wire(y, z) for plane in self.planes])
        inside = ((found > -_EDGE) & (found < wires + _EDGE)).all(axis=0)
        return float(np.abs(y[inside]).max()), self._whole(2 * float(np.abs(z[inside]).max())) / 2

    def _corners(self, first: Plane, second: Plane) -> Float64Array:
        """Where the borders of two planes cross, (2, 4): y and z, mm."""
        ends = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0])
        wires = ends[0] * first.wires, ends[1] * second.wires
        return np.stack(self.position(first, second, *wires))

    def _whole(self, length_mm: float) -> float:
        """A length along z; that of the collection plane where they differ by less than a wire."""
        plane = self.planes[-1]
        wire = plane.pitch_mm / abs(plane.direction[0])
        own = plane.wires * plane.pitch_mm / abs(plane.direction[0])
        return own if abs(own - length_mm) < wire else length_mm

    def index(self, name: str) -> int:
        """Index of the plane of that name.

        Raises:
            ConfigError: There is none.
        """
        names = [plane.name for plane in self.planes]
        if name not in names:
            remedy = f"choose one of {', '.join(names)}"
            raise ConfigError(f"no plane {name!r}", where="detector", remedy=remedy)
        return names.index(name)

    def seen(self, y: Float64Array, z: Float64Array) -> BoolArray:
        """True for points (y, z) in mm that lie over wires of every plane."""
        inside = np.ones(np.broadcast_shapes(np.shape(y), np.shape(z)), dtype=np.bool_)
        for plane in self.planes:
            wire = plane.wire(y, z)
            inside &= (wire >= 0) & (wire < plane.wires)
        return inside

    def position(
        self, first: Plane, second: Plane, wire_first: Float64Array, wire_second: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Where two wires cross: the inverse of ``Plane.wire`` for a pair of planes.

        Args:
            first: A plane.
            second: Another one, not parallel to it.
            wire_first: Continuous wire coordinates on the first plane.
            wire_second: The same on the second; the shapes broadcast.

        Returns:
            (y, z) in mm.

        Raises:
            ConfigError: The planes are parallel.
        """
        z1, y1 = first.direction
        z2, y2 = second.direction
        determinant = z1 * y2 - z2 * y1
        if abs(determinant) < 1e-9:
            raise ConfigError(
                f"the wires of {first.name} and {second.name} are parallel",
                where="detector planes",
                remedy="choose planes of different angles",
            )
        pitch1 = (wire_first - first.wires / 2) * first.pitch_mm
        pitch2 = (wire_second - second.wires / 2) * second.pitch_mm
        y = (z1 * pitch2 - z2 * pitch1) / determinant
        z = (y2 * pitch1 - y1 * pitch2) / determinant
        return y, z

    def crossing(self, first: Plane, second: Plane, target: Plane) -> Crossing:
        """The map from wires of two planes to the wire of a third at their crossing.

        Raises:
            ConfigError: The first two planes are parallel.
        """
        ones = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
        origin, along_first, along_second = target.wire(*self.position(first, second, *ones))
        return Crossing(float(along_first - origin), float(along_second - origin), float(origin))


def protodune_hd(wires: int = 400, ticks: int = 6000, drift_length_mm: float = 3530.0) -> Detector:
    """One face of a ProtoDUNE-HD anode, or a smaller piece with all its constants.

    Args:
        wires: Wires of U and of V. W gets as many as cover the same length along z: 480 for 400.
        ticks: Samples of a readout.
        drift_length_mm: Depth of the drift volume, mm.

    Returns:
        The detector.
    """
    pitch_induction, pitch_collection, angle = 4.6691, 4.792, 35.707
    length_z = wires * pitch_induction / np.cos(np.deg2rad(angle))
    planes = (
        Plane("U", wires, pitch_induction, angle, induction=True),
        Plane("V", wires, pitch_induction, -angle, induction=True),
        Plane("W", max(1, round(length_z / pitch_collection)), pitch_collection, 0.0, False),
    )
    return Detector(planes=planes, ticks=ticks, drift_length_mm=drift_length_mm)
