"""A first arc through the pads themselves, from which clusters are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.images import Images
from zoo_ha_tpc.fitting.least_squares import fit_arcs

__all__ = ["ROAD_MM", "arcs_through", "first_arcs"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ROAD_MM = 18.0
"""How far from the first arc a pad may belong to the track: spread and scattering."""

_LARGEST_ADC = 1000.0  # one pad full of a delta electron must not turn the track
_PAD_MM = 4.0  # standard deviation of a place in a pad, about


def first_arcs(images: Images) -> tuple[Arcs, BoolArray]:
    """Arcs that start at the first pad of each track, in the direction of +z.

    Tracks of a single pad run along +z; those without pads from the middle of the plane.

    Returns:
        The arcs, and which hits lie on their road, bool (N, H).
    """
    weight = np.minimum(images.charge, _LARGEST_ADC)
    z, y = images.z_mm, images.y_mm
    arcs = arcs_through(z, y, weight, images.grid.plane.z.length_mm / 2)
    path, distance = arcs.place(z, y)
    near = (weight > 0) & (np.abs(distance) < ROAD_MM)
    first = np.where(near, path, np.inf).min(1)
    return arcs.at(np.where(near.any(1), first, 0.0)), near


def arcs_through(z: Array, y: Array, weight: Array, middle_mm: float) -> Arcs:
    """Arcs through points, in the direction of +z, started near their middle.

    Main axis of the weights, a parabola in its frame, then an arc; each with the weights of the
    points that the one before left far away reduced.

    Args:
        z: Points, (N, M).
        y: The same.
        weight: Of each, 0 where there is none.
        middle_mm: The z of arcs without points.
    """
    arcs = _axis(z, y, weight, middle_mm)
    for width in (60.0, 25.0):
        arcs = _parabola(arcs, z, y, _tempered(arcs, z, y, weight, width))
    for width in (15.0, 12.0):
        arcs = fit_arcs(arcs, z, y, _tempered(arcs, z, y, weight, width), steps=1).arcs
    return arcs


def _axis(z: Array, y: Array, weight: Array, middle_mm: float) -> Arcs:
    """Main axis through the centre of the weights."""
    total = weight.sum(1)
    safe = np.maximum(total, 1e-9)
    mean_z = np.where(total > 0, (weight * z).sum(1) / safe, middle_mm)
    mean_y = (weight * y).sum(1) / safe
    dz, dy = z - mean_z[:, None], y - mean_y[:, None]
    zz, zy, yy = ((weight * a * b).sum(1) / safe for a, b in ((dz, dz), (dz, dy), (dy, dy)))
    phi = 0.5 * np.arctan2(2 * zy, zz - yy)  # -pi/2 to pi/2: along +z
    return Arcs(mean_z, mean_y, phi, np.zeros_like(phi))


def _tempered(arcs: Arcs, z: Array, y: Array, weight: Array, width_mm: float) -> Array:
    """Weights, reduced with the distance as Cauchy's likelihood reduces them; 1/mm^2."""
    distance = arcs.place(z, y)[1]
    mean = np.maximum(weight.sum(1) / np.maximum((weight > 0).sum(1), 1), 1e-9)
    return np.asarray(weight / mean[:, None] / _PAD_MM**2 / (1 + (distance / width_mm) ** 2))


def _parabola(arcs: Arcs, z: Array, y: Array, weight: Array) -> Arcs:
    """The arc of a parabola fitted in the frame of the given one, where the charge is centred."""
    cosine, sine = np.cos(arcs.phi)[:, None], np.sin(arcs.phi)[:, None]
    dz, dy = z - arcs.z_mm[:, None], y - arcs.y_mm[:, None]
    along, across = dz * cosine + dy * sine, dy * cosine - dz * sine
    filled = weight > 0
    low = np.where(filled, along, np.inf).min(1, initial=np.inf)
    high = np.where(filled, along, -np.inf).max(1, initial=-np.inf)
    half = np.where(high > low, (high - low) / 2, 1.0).clip(5.0)
    place = along / half[:, None]
    powers = np.stack([np.ones_like(place), place, place**2 / 2], 1)
    weighted = powers * weight[:, None, :]
    normal = weighted @ powers.transpose(0, 2, 1) + 1e-4 * np.eye(3)
    rise, slope, bend = np.linalg.solve(normal, weighted @ across[:, :, None])[:, :, 0].T
    slope, bend = slope / half, bend / half**2
    return Arcs(
        arcs.z_mm - rise * np.sin(arcs.phi),
        arcs.y_mm + rise * np.cos(arcs.phi),
        arcs.phi + np.arctan(slope),
        bend / (1 + slope**2) ** 1.5,
    )
