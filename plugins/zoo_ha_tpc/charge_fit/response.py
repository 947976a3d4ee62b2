"""What a pad shows of one electron, by its distance from the pad, and how that changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.eram import PADS, TAIL_NS, pulses

__all__ = ["REACH", "Layer", "Response", "response_of"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

REACH = PADS / 2
"""Pitches from its centre up to which a pad sees a charge: as many pads as the simulation's."""

_NODES = 49  # distances of the table, from 0 to REACH
_DRIFTS = 33
_FINE_NS = 20.0  # in which charge and electronics are folded
_TIME_NS = 120.0  # of the table: tops of pulses are flat
_ANGLES, _DISTANCES, _FURTHEST_MM = 7, 31, 30.0  # of the lines that tops are looked for with
_ALONG_MM = 60.0
_STEP_MM = 2.0


@dataclass(frozen=True)
class Layer:
    """What spreads and amplifies.

    Attributes:
        rc_ns_mm2: Resistance times capacitance per area of the layer.
        gain: Mean gain.
        transverse_um_cm: Diffusion across the drift, um per square root of cm.
        peaking_ns: Of the electronics.
    """

    rc_ns_mm2: float
    gain: float
    transverse_um_cm: float
    peaking_ns: float


@dataclass(frozen=True)
class Response:
    """Tables over drift, distances in z and y, and time.

    Attributes:
        table: float32 (drifts * nodes * nodes * times, 3): ADC per electron, and its derivative
            with the distance from the pad in z and in y, ADC per pitch.
        times: Of the table.
        top: Time at which the pulse of a pad beside a line of charge is highest, by drift, angle
            of the line, 0 to 90 degrees from z, and distance: int (drifts, angles, distances).
        height: That top for one electron per mm, ADC, of the same shape.
        longest_mm: Longest drift of the table.
        transverse_um_cm: Diffusion.
    """

    table: Floats
    times: int
    top: Ints
    height: Array
    longest_mm: float
    transverse_um_cm: float

    def drift_bin(self, drift_mm: Array) -> Ints:
        """The nearest drift of the table."""
        part = np.clip(drift_mm / self.longest_mm, 0, 1) * (_DRIFTS - 1)
        return np.rint(part).astype(np.intp)

    def spread(self, drift_mm: Array) -> Array:
        """Variance of the place of an electron along each axis, mm^2."""
        return (1e-3 * self.transverse_um_cm) ** 2 * np.maximum(drift_mm, 0) / 10

    def beside(self, drift_bin: Ints, phi: Array, distance_mm: Array) -> tuple[Ints, Array]:
        """Time and height of the pulse of pads beside a line of one electron per mm.

        Args:
            drift_bin: Of each pad's track, (P,).
            phi: Direction of the line, rad, (P,).
            distance_mm: Of the centre of the pad from it, (P,).
        """
        angle = np.arctan2(np.abs(np.sin(phi)), np.abs(np.cos(phi))) * (2 / np.pi)
        angle_bin = np.rint(angle * (_ANGLES - 1)).astype(np.intp)
        place = np.abs(distance_mm) * ((_DISTANCES - 1) / _FURTHEST_MM)
        near = np.minimum(np.rint(place), _DISTANCES - 1).astype(np.intp)
        return self.top[drift_bin, angle_bin, near], self.height[drift_bin, angle_bin, near]

    def of(self, drift_bin: Ints, dz: Array, dy: Array, time: Ints) -> Floats:
        """ADC per electron, and its derivatives with the electron's place, ADC per pitch.

        To first order from the nearest node of the table.

        Args:
            drift_bin: Broadcast against the others.
            dz: Distance of the electron from the centre of the pad, pitches in z.
            dy: The same in y.
            time: Of the table.

        Returns:
            float32 (..., 3).
        """
        scale = (_NODES - 1) / REACH
        z, y = np.abs(dz), np.abs(dy)
        i = np.minimum((z * scale + 0.5).astype(np.int32), _NODES - 1)
        j = np.minimum((y * scale + 0.5).astype(np.int32), _NODES - 1)
        index = ((drift_bin * _NODES + i) * _NODES + j) * self.times + time
        found: Floats = np.take(self.table, index, axis=0)
        found[..., 0] += found[..., 1] * (z - i / scale) + found[..., 2] * (y - j / scale)
        found[..., 1] *= np.sign(dz)
        found[..., 2] *= np.sign(dy)
        found *= ((z < REACH) & (y < REACH))[..., None]
        return found


@lru_cache(maxsize=4)
def response_of(
    layer: Layer, pitches_mm: tuple[float, float], longest_mm: float, per_fc: float = ADC_PER_FC
) -> Response:
    """The tables of a layer over pads of a size.

    Args:
        layer: Spread, gain and electronics.
        pitches_mm: Of columns and rows.
        longest_mm: Longest drift.
        per_fc: ADC per fC at the peak.
    """
    drifts = np.linspace(0, longest_mm, _DRIFTS)
    unit = layer.gain * ELECTRON_FC * per_fc
    values = np.stack([unit * _values(layer, pitches_mm, one) for one in drifts])
    node = np.linspace(0, REACH, _NODES)
    slopes = [np.gradient(values, node, axis=axis, edge_order=2) for axis in (1, 2)]
    table = np.stack([values, *slopes], axis=-1)
    top, height = _lines(values, pitches_mm)
    return Response(
        table=table.reshape(-1, 3).astype(np.float32),
        times=values.shape[-1],
        top=top,
        height=height,
        longest_mm=longest_mm,
        transverse_um_cm=layer.transverse_um_cm,
    )


def _values(layer: Layer, pitches_mm: tuple[float, float], drift_mm: float) -> Array:
    """Pulses over that of all charge at once, (nodes, nodes, times)."""
    count = round(TAIL_NS / _FINE_NS)
    middle = (np.arange(count) + 0.5) * _FINE_NS
    diffused = (1e-3 * layer.transverse_um_cm) ** 2 * drift_mm / 10
    sigma = np.sqrt(2 * middle / layer.rc_ns_mm2 + diffused)
    node = np.linspace(0, REACH, _NODES)[:, None]
    z, y = (
        ndtr((node + 0.5) * pitch / sigma) - ndtr((node - 0.5) * pitch / sigma)
        for pitch in pitches_mm
    )
    every = round(_TIME_NS / _FINE_NS)
    rows = [pulses(one * y, _FINE_NS, layer.peaking_ns)[:, every - 1 :: every] for one in z]
    return np.stack(rows)


def _lines(values: Array, pitches_mm: tuple[float, float]) -> tuple[Ints, Array]:
    """Time and height of the tops of pads beside lines of one electron per mm."""
    angle = np.linspace(0, np.pi / 2, _ANGLES)[:, None, None]
    distance = np.linspace(0, _FURTHEST_MM, _DISTANCES)[None, :, None]
    along = np.arange(-_ALONG_MM, _ALONG_MM, _STEP_MM)
    dz = (along * np.cos(angle) - distance * np.sin(angle)) / pitches_mm[0]
    dy = (along * np.sin(angle) + distance * np.cos(angle)) / pitches_mm[1]
    scale = (_NODES - 1) / REACH
    i, j = (np.minimum(np.rint(np.abs(one) * scale), _NODES - 1).astype(int) for one in (dz, dy))
    inside = (np.abs(dz) < REACH) & (np.abs(dy) < REACH)
    pulse = np.stack([(one[i, j] * inside[..., None]).sum(axis=2) * _STEP_MM for one in values])
    return pulse.argmax(axis=-1), pulse.max(axis=-1)
