"""What a pad shows of one electron, by its distance from the pad and by time.

The charge of a pad is a product of a factor of its distance in z and one in y, at every width that
the charge on the layer has while it spreads. A pulse is a sum of those products at a few times, the
*nodes*, with shapes that are the same for all pads
(:func:`zoo_ha_tpc.physics.eram.pulse_basis`). So whatever is linear in a pulse, its height at a
time, its slope, is a sum over the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.eram import NODES_NS, PADS, node_spreads, pulse_basis

__all__ = ["NODES", "REACH", "TIME_NS", "Layer", "Response", "response_of"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

REACH = PADS / 2
"""Pitches from its centre up to which a pad sees a charge: as many pads as the simulation's."""

NODES = len(NODES_NS)
"""Times whose charges make a pulse."""

TIME_NS = 120.0
"""Step of the times at which tops are looked for; they are flat."""

_PLACES = 193  # distances of the table, from 0 to REACH
_DRIFTS = 33
_STEP_NS = 10.0  # of the shapes of pulses
_BEFORE = 2  # steps of a shape before the charge arrives
_WIDTHS = 4  # of arriving charge, that the shapes must describe

# Lines, along which tops are looked for.
_ANGLES, _DISTANCES, _FURTHEST_MM = 7, 31, 30.0
_ALONG_MM = 60.0
_LINE_STEP_MM = 2.0


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
    """Tables over drift, distance and time.

    Attributes:
        shares: Of an electron's charge that pads of a column and of a row have at every node, and
            its derivative with the electron's distance from their middle, per pitch: two of
            float32 (drifts * places, 2 * nodes).
        shapes: Pulse of each node, and its first two derivatives with time, ADC per electron, ns:
            (3, nodes, times).
        top: Step at which the pulse of a pad beside a line of charge is highest, by drift, angle
            of the line, 0 to 90 degrees from z, and distance: int (drifts, angles, distances).
        height: That top for one electron per mm, ADC, of the same shape.
        longest_mm: Longest drift of the tables.
        transverse_um_cm: Diffusion.
    """

    shares: tuple[Floats, Floats]
    shapes: Array
    top: Ints
    height: Array
    longest_mm: float
    transverse_um_cm: float

    def drift_bin(self, drift_mm: Array) -> Ints:
        """The nearest drift of the tables."""
        part = np.clip(drift_mm / self.longest_mm, 0, 1) * (_DRIFTS - 1)
        return np.rint(part).astype(np.intp)

    def spread(self, drift_mm: Array) -> Array:
        """Variance of the place of an electron along each axis, mm^2."""
        return (1e-3 * self.transverse_um_cm) ** 2 * np.maximum(drift_mm, 0) / 10

    def beside(self, drift_bin: Ints, phi: Array, distance_mm: Array) -> tuple[Array, Array]:
        """Time, ns, and height of the pulse of pads beside a line of one electron per mm.

        Args:
            drift_bin: Of each pad's track, (P,).
            phi: Direction of the line, rad, (P,).
            distance_mm: Of the centre of the pad from it, (P,).
        """
        angle = np.arctan2(np.abs(np.sin(phi)), np.abs(np.cos(phi))) * (2 / np.pi)
        angle_bin = np.rint(angle * (_ANGLES - 1)).astype(np.intp)
        place = np.abs(distance_mm) * ((_DISTANCES - 1) / _FURTHEST_MM)
        near = np.minimum(np.rint(place), _DISTANCES - 1).astype(np.intp)
        entry = (drift_bin, angle_bin, near)
        return np.asarray((self.top[entry] + 1) * TIME_NS, np.float64), self.height[entry]

    def share(self, axis: int, drift_bin: Ints, distance: Array) -> tuple[Floats, Floats]:
        """Shares at the nodes of pads at a distance, and their derivatives per pitch.

        To first order from the nearest place of the table.

        Args:
            axis: 0: columns, along z; 1: rows.
            drift_bin: Broadcast against the distances.
            distance: Of the electron from the centre of the pad, pitches, of any shape.

        Returns:
            float32 (..., nodes) each.
        """
        scale = np.float32((_PLACES - 1) / REACH)
        part = np.abs(distance, dtype=np.float32) * scale
        near = np.minimum(part + np.float32(0.5), _PLACES - 1).astype(np.intp)
        found = np.take(self.shares[axis], drift_bin * _PLACES + near, axis=0)
        value, slope = found[..., :NODES], found[..., NODES:]
        value += slope * ((part - near) / scale)[..., None]
        slope *= np.sign(distance, dtype=np.float32)[..., None]
        found *= (np.abs(distance) < REACH)[..., None]
        return value, slope

    def pulse(self, order: int, time_ns: Array) -> Array:
        """What each node's charge adds to a pulse at a time: (..., nodes), ADC per electron.

        Args:
            order: 0: the pulse; 1, 2: its derivatives, per ns and ns^2.
            time_ns: Since the electrons arrived, of any shape.
        """
        shape = self.shapes[order]
        place = np.clip(time_ns / _STEP_NS + _BEFORE, 0, shape.shape[1] - 1.001)
        low = place.astype(np.intp)
        part = (place - low)[..., None]
        left, right = (np.moveaxis(shape[:, one], 0, -1) for one in (low, low + 1))
        return np.asarray(left + part * (right - left))


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
    widths = 1e-3 * layer.transverse_um_cm * np.sqrt(drifts / 10)
    spread = np.sqrt(widths[:, None, None] ** 2 + node_spreads(layer.rc_ns_mm2))
    place = np.linspace(0, REACH, _PLACES)[:, None]
    values, slopes = [], []
    for pitch in pitches_mm:
        left, right = (place - 0.5) * pitch / spread, (place + 0.5) * pitch / spread
        values.append(ndtr(right) - ndtr(left))
        slopes.append((_normal(right) - _normal(left)) * pitch / spread)
    columns, rows = (
        np.concatenate(one, axis=-1).reshape(-1, 2 * NODES).astype(np.float32)
        for one in zip(values, slopes, strict=True)
    )
    unit = layer.gain * ELECTRON_FC * per_fc
    pulse = unit * pulse_basis(
        rc_ns_mm2=layer.rc_ns_mm2,
        nominal_rc_ns_mm2=layer.rc_ns_mm2,
        pitches_mm=pitches_mm,
        widths_mm=tuple(widths[:: _DRIFTS // _WIDTHS].tolist()),
        peaking_ns=layer.peaking_ns,
        sampling_ns=_STEP_NS,
    )
    every = round(TIME_NS / _STEP_NS)
    top, height = _lines(values, pulse[0, :, _BEFORE + every :: every], pitches_mm)
    return Response(
        shares=(columns, rows),
        shapes=np.stack([pulse[0], -pulse[1] / _STEP_NS, 2 * pulse[2] / _STEP_NS**2]),
        top=top,
        height=height,
        longest_mm=longest_mm,
        transverse_um_cm=layer.transverse_um_cm,
    )


def _normal(x: Array) -> Array:
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def _lines(
    shares: Sequence[Array], pulse: Array, pitches_mm: tuple[float, float]
) -> tuple[Ints, Array]:
    """Step and height of the tops of pads beside lines of one electron per mm.

    Args:
        shares: Along z and y, at places and nodes, (drifts, places, nodes) each.
        pulse: Of the nodes at some times, (nodes, times).
        pitches_mm: Of columns and rows.
    """
    angle = np.linspace(0, np.pi / 2, _ANGLES)[:, None, None]
    distance = np.linspace(0, _FURTHEST_MM, _DISTANCES)[None, :, None]
    along = np.arange(-_ALONG_MM, _ALONG_MM, _LINE_STEP_MM)
    dz = (along * np.cos(angle) - distance * np.sin(angle)) / pitches_mm[0]
    dy = (along * np.sin(angle) + distance * np.cos(angle)) / pitches_mm[1]
    scale = (_PLACES - 1) / REACH
    i, j = (np.minimum(np.rint(np.abs(one) * scale), _PLACES - 1).astype(int) for one in (dz, dy))
    inside = ((np.abs(dz) < REACH) & (np.abs(dy) < REACH))[..., None]
    seen = [(z[i] * y[j] * inside).sum(axis=2) for z, y in zip(*shares, strict=True)]
    wave = np.stack(seen) @ pulse * _LINE_STEP_MM
    return wave.argmax(axis=-1), wave.max(axis=-1)
