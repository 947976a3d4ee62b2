"""A field response from closed forms: no file, no finite elements.

By the Shockley-Ramo theorem an electron that drifts along a path induces on an electrode the
current -dW/dt, where W is the electrode's weighting potential at the electron. Between two
grounded parallel planes at heights 0 and d, a strip of width w at unit potential on the lower one
has (map the gap onto the half-plane by exp(pi (x + iy) / d))

    W(x, y) = S(x + w/2, y) - S(x - w/2, y),    S(x, y) = 1 - arg(exp(pi (x + iy) / d) - 1) / pi.

The wires of a plane become such strips and the planes before and after it the grounded ones.

* Induction (U, V): electrons pass *between* the wires, where a wire at unit potential gives only
  the fraction ``transmission``, and each wire reaches ``width`` > 1 pitches. W rises in the gap
  above the plane and falls again in the gap below: a bipolar current of zero integral.
* Collection (W): W rises from 0 at V to 1 on the wire: a unipolar current of integral -1 on the
  wire that collects, and zero on its neighbours. An electron on the border of two cells counts
  half in both.

Wire planes shield less than solid ones: the gaps above are the *effective* ones. Transmission,
width and gaps in ``AnalyticShape`` are set so that 1000 electrons give the pulse heights of the
Garfield response of ProtoDUNE-HD after its electronics, on the wire itself and on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.field_response import IMPACTS, FieldResponse
from zoo_dnn_roi.physics.geometry import Detector

__all__ = [
    "WIDER_MM",
    "AnalyticShape",
    "analytic_field_response",
    "shape_of",
    "strip_potential",
]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticShape:
    """Geometry of the analytic response; all other lengths are in units of ``pitch_mm``.

    Attributes:
        pitch_mm: Wire pitch, mm.
        distance: Distance of the planes.
        transmission: Weighting potential midway between induction wires relative to a strip's.
        width: Width of the strip that stands for an induction wire.
        gap_induction: Effective distance of the shielding plane before U and V.
        gap_collection: The same before W.
    """

    pitch_mm: float = 4.71
    distance: float = 1.0
    transmission: float = 0.35
    width: float = 1.4
    gap_induction: float = 1.4
    gap_collection: float = 0.75


WIDER_MM = 0.5
"""DUNE's tolerance for the position of a wire (specification SP-FD-10, technical design report IV,
arXiv:2002.03010)."""


def shape_of(detector: Detector, wider_mm: float = 0.0) -> AnalyticShape:
    """The shape for a detector: planes as far apart as its wires are.

    Args:
        detector: Its mean pitch is taken, to a hundredth of a millimetre: 4.71 mm for
            ProtoDUNE-HD, as in Wire-Cell's response files.
        wider_mm: How much further apart the planes are, mm; the gaps grow alike.
    """
    pitch = round(float(np.mean([plane.pitch_mm for plane in detector.planes])), 2)
    apart = 1 + wider_mm / pitch
    return AnalyticShape(
        pitch_mm=pitch, distance=apart, gap_induction=1.4 * apart, gap_collection=0.75 * apart
    )


def strip_potential(x: Float64Array, y: Float64Array, width: float, gap: float) -> Float64Array:
    """Weighting potential of a strip on the lower of two parallel planes.

    Args:
        x: Distance from the middle of the strip, along the plane; broadcasts with ``y``.
        y: Height over the plane of the strip, 0 to ``gap``.
        width: Width of the strip.
        gap: Distance of the planes; all lengths in one unit.

    Returns:
        The potential, 0 to 1.
    """
    return _half_plane(x + width / 2, y, gap) - _half_plane(x - width / 2, y, gap)


def analytic_field_response(
    shape: AnalyticShape | None = None,
    *,
    cells: int = 21,
    period_ns: float = 100.0,
    start_mm: float = 100.0,
    speed_mm_us: float = 1.565,
) -> FieldResponse:
    """The response of three equidistant wire planes (U, V, W) in closed form.

    Args:
        shape: The geometry.
        cells: Wire cells of the fan of paths, odd.
        period_ns: Sampling period, ns.
        start_mm: Distance of the response plane from W, mm.
        speed_mm_us: Drift speed, constant, mm/us.

    Returns:
        The response until the electron has reached W; each sample is the exact mean current of its
        interval, so that integrals are exact.
    """
    shape = shape or AnalyticShape()
    samples = int(np.ceil(start_mm / speed_mm_us * 1e3 / period_ns))
    times_ns = np.arange(samples + 1) * period_ns
    distance_mm = start_mm - times_ns * 1e-3 * speed_mm_us
    height = np.asarray(distance_mm / shape.pitch_mm, dtype=np.float64)
    cell = np.arange(cells)[:, None, None] - cells // 2
    x = cell + (np.arange(IMPACTS + 1)[None, :, None] - IMPACTS // 2) / IMPACTS
    potentials = (
        _induction_potential(x, height - 2 * shape.distance, shape),
        _induction_potential(x, height - shape.distance, shape),
        _collection_potential(x, height, shape),
    )
    currents = np.stack([-np.diff(potential, axis=-1) / period_ns for potential in potentials])
    return FieldResponse(name="analytic", period_ns=period_ns, currents=currents)


def _half_plane(x: Float64Array, y: Float64Array, gap: float) -> Float64Array:
    """Potential with the lower plane at 1 for x > 0 and at 0 elsewhere, the upper one at 0."""
    image = np.exp(np.pi * (x + 1j * y) / gap) - 1
    return np.asarray(1 - np.angle(image) / np.pi, dtype=np.float64)


def _induction_potential(x: Float64Array, y: Float64Array, shape: AnalyticShape) -> Float64Array:
    """Potential of an induction wire along straight paths; y is the height over its plane."""
    above = strip_potential(x, np.clip(y, 0, shape.gap_induction), shape.width, shape.gap_induction)
    below = strip_potential(x, np.clip(-y, 0, shape.distance), shape.width, shape.distance)
    return shape.transmission * np.where(y >= 0, above, below)


def _collection_potential(x: Float64Array, y: Float64Array, shape: AnalyticShape) -> Float64Array:
    """Potential of a collection wire; electrons below the plane (y <= 0) are collected."""
    above = strip_potential(x, np.clip(y, 0, shape.gap_collection), 1.0, shape.gap_collection)
    distance = np.round(2 * IMPACTS * np.abs(x))  # in units of pitch / (2 IMPACTS): exact borders
    collected = np.where(distance < IMPACTS, 1.0, np.where(distance == IMPACTS, 0.5, 0.0))
    return np.where(y > 0, above, collected)
