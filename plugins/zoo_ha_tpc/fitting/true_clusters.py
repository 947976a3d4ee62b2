"""The oracle: the same fit to where the electrons of a track really arrived.

Nothing but diffusion moves the mean place of the n electrons of a slice off the track: by
sigma_T/sqrt(n) in every direction, with sigma_T of the true drift. Scattering is as in the fit to
pads, the direction of flight is known. What is left is the ceiling of any reconstruction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA, Arcs
from zoo_ha_tpc.fitting.ends import to_border
from zoo_ha_tpc.fitting.first_pass import arcs_through
from zoo_ha_tpc.fitting.padding import filled, padded
from zoo_ha_tpc.fitting.parameters import Parameters, parameters_at
from zoo_ha_tpc.fitting.robust import Matter, Points, robust_fit
from zoo_ha_tpc.fitting.starts import AT_BORDER_MM, border_of
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["fit_true_clusters"]

Array = NDArray[np.float64]

_AT_ONCE = 256
_SMALLEST_MM = 0.01  # a track on the plane has no diffusion
_KINKS = 48  # the true clusters are precise enough to see single kinks of a fit to pads
_SLICE_MM = 5.0  # half a slice: how far behind its first cluster a track starts, about
_SLICE_ERROR_MM = 3.0
_BORDER_MM = 20.0  # a first cluster this near the border: the track came in there


def fit_true_clusters(
    plane: PadPlane, samples: Table, transverse_um_cm: float, matter: Matter
) -> Parameters:
    """Parameters of the tracks of all samples.

    Args:
        plane: The pad plane.
        samples: With what ``OracleFit`` needs.
        transverse_um_cm: Diffusion across the drift, um per square root of cm.
        matter: Particle and gas.
    """
    order = np.argsort(samples["cluster_z"].lengths, kind="stable")
    parts = np.split(order, range(_AT_ONCE, len(order), _AT_ONCE))
    found = [_fitted(plane, samples.take(part), transverse_um_cm, matter) for part in parts]
    return Parameters.joined(found).take(np.argsort(order, kind="stable"))


def _fitted(plane: PadPlane, samples: Table, transverse_um_cm: float, matter: Matter) -> Parameters:
    present, index = padded(samples["cluster_z"].offsets)
    z, y, electrons = (
        filled(samples[f"cluster_{name}"].values, present, index).astype(np.float64)
        for name in ("z", "y", "electrons")
    )
    arcs = _along(
        arcs_through(z, y, present.astype(np.float64), plane.z.length_mm / 2), z, y, present
    )
    path = arcs.place(z, y)[0]
    arcs = arcs.at(np.where(present[:, 0], path[:, 0], 0.0))
    drift = samples["x_ini"][:, None] + samples["tan_lambda"][:, None] * (path - path[:, :1])
    width = 1e-3 * transverse_um_cm * np.sqrt(np.maximum(drift, 0.0) / 10)
    error = np.maximum(width / np.sqrt(np.maximum(electrons, 1.0)), _SMALLEST_MM)
    points = Points(z, y, error, present)
    fit = robust_fit(points, arcs, plane.field_tesla, matter, kinks=_KINKS).scattered
    first = np.where(present[:, 0], fit.path_mm[:, 0], 0.0)
    inside = to_border(plane, fit.arcs.at(first))[0] > _BORDER_MM
    way, border = border_of(plane, fit, first, ~inside)
    return parameters_at(
        fit,
        path_mm=first - np.where(inside, _SLICE_MM, way),
        along_error_mm=np.where(inside, _SLICE_ERROR_MM, AT_BORDER_MM),
        border=border,
        per_unit=CURVATURE_PER_TESLA * plane.field_tesla,
    )


def _along(arcs: Arcs, z: Array, y: Array, present: NDArray[np.bool_]) -> Arcs:
    """Turned so that they run from the first point to the last."""
    last = np.maximum(present.sum(1) - 1, 0)
    track = np.arange(len(z))
    forward = (z[track, last] - z[:, 0]) * np.cos(arcs.phi) + (y[track, last] - y[:, 0]) * np.sin(
        arcs.phi
    )
    return arcs.where(forward >= 0, arcs.reversed())
