"""Which end of a track is its start.

A magnetic field tells charge times direction only, and nothing that pads see tells a muon's
direction. The convention: a track with one end where it would have been seen further on, over pads,
and the other where it may go on unseen, beyond the border, along a gap between modules, or through
an end of the drift where times tell that, began at the first. All others are taken to fly along +z,
as muons from upstream do. A wrong choice turns the sign of q/p_t, phi by pi, and names the other
end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane

__all__ = ["oriented", "to_border"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_NEAR_MM = 25.0  # an end this near the border, as the track runs, lies at the border: two pads
_ONWARD_MM = (25.0, 75.0, 125.0, 175.0, 225.0)  # where a track that goes on would be seen
_LEAVES_MM = 10.0  # of drift, 25 mm further on, that a tilted track may be off the end of it
_TILTED = 0.03  # drift per mm: what times tell of level tracks is less
_EDGE_MM = 4.0  # so near the edge of a module pads see a part of the charge, and places are biased


def to_border(plane: PadPlane, arcs: Arcs) -> tuple[Array, BoolArray]:
    """Where each arc, straight on backward, came in over the border of the plane.

    Returns:
        How far behind its start, mm, negative where it starts outside; and whether over a border of
        constant z, rather than of constant y; (N,).
    """
    cosine, sine = -np.cos(arcs.phi), -np.sin(arcs.phi)
    z_edge = np.where(cosine > 0, plane.z.length_mm, 0.0)
    y_edge = np.where(sine > 0, 0.5, -0.5) * plane.y.length_mm
    way_z = (z_edge - arcs.z_mm) / np.where(np.abs(cosine) < _PARALLEL, np.inf, cosine)
    way_y = (y_edge - arcs.y_mm) / np.where(np.abs(sine) < _PARALLEL, np.inf, sine)
    way_z = np.where(np.abs(cosine) < _PARALLEL, np.inf, way_z)
    way_y = np.where(np.abs(sine) < _PARALLEL, np.inf, way_y)
    return np.minimum(way_z, way_y), way_z <= way_y


_PARALLEL = 1e-9


def oriented(
    plane: PadPlane, arcs: Arcs, length_mm: Array, drift: tuple[Array, Array] | None = None
) -> tuple[Arcs, BoolArray]:
    """Arcs from the start of the track, in the direction of flight.

    Args:
        plane: The pad plane.
        arcs: From the end of lower z to the other.
        length_mm: Their lengths, (N,).
        drift: At the start of the arcs, mm, NaN where unknown, and how it grows per mm, (N,) each.

    Returns:
        The arcs, and whether they start at the border, bool (N,).
    """
    other = arcs.at(length_mm).reversed()
    begins, ends = (_may_go_on(plane, one) for one in (arcs, other))
    if drift is not None:
        start, tilt = drift
        begins |= _leaves(plane, start, -tilt)
        ends |= _leaves(plane, start + tilt * length_mm, tilt)
    at_border = begins & ends & (to_border(plane, arcs)[0] < _NEAR_MM)
    return other.where(begins & ~ends, arcs), at_border


def _leaves(plane: PadPlane, drift_mm: Array, tilt: Array) -> BoolArray:
    """Whether tracks leave through an end of the drift as they go on, (N,).

    Args:
        plane: The pad plane.
        drift_mm: Where they end, NaN where unknown.
        tilt: How the drift grows per mm further on.
    """
    onward = drift_mm + tilt * _ONWARD_MM[0]
    below = (tilt < -_TILTED) & (onward < _LEAVES_MM)
    above = (tilt > _TILTED) & (onward > plane.drift_mm - _LEAVES_MM)
    return np.asarray(below | above)


def _may_go_on(plane: PadPlane, arcs: Arcs) -> BoolArray:
    """Whether the tracks, straight on backward from their start, would be seen by no pad, (N,)."""
    seen = np.zeros(len(arcs.phi), bool)
    for way in _ONWARD_MM:
        z, y = arcs.z_mm - way * np.cos(arcs.phi), arcs.y_mm - way * np.sin(arcs.phi)
        seen |= _over_pads(plane.z, z) & _over_pads(plane.y, y + plane.y.length_mm / 2)
    return ~seen


def _over_pads(axis: Axis, place: Array) -> BoolArray:
    """Whether places, mm from the outer edge of the first pad, lie well within a module."""
    width = axis.pads_of_a_module * axis.pitch_mm if axis.gap_mm else axis.length_mm
    within = place % (width + axis.gap_mm)
    inside = (place >= 0) & (place <= axis.length_mm)
    return np.asarray(inside & (within >= _EDGE_MM) & (within <= width - _EDGE_MM))
