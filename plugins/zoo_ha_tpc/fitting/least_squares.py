"""Arcs through points by least squares with the full covariance of multiple scattering.

A track is an arc with kinks at fixed places; the angle of each kink is a parameter with a Gaussian
prior, its scattering. Marginal over the kinks this is the generalised least-squares fit with the
correlated covariance of scattering (the broken lines of Blobel, NIM A 566 (2006) 14), but solves a
small system however many points there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.circles import Arcs, shapes
from zoo_ha_tpc.fitting.scattering import kink_paths

__all__ = [
    "KINKS",
    "LEAST_VARIANCE",
    "LOOSE_ANGLE",
    "LOOSE_CURVATURE",
    "LOOSE_MM",
    "Fit",
    "fit_arcs",
]

Array = NDArray[np.float64]

KINKS = 16
"""Kinks of a track: enough where points are less precise than what a kink does to the next one."""

LOOSE_MM = 1e3
"""Width of the prior of the offset: none of the plane is further away."""

LOOSE_ANGLE = 3.0
"""Of the direction, rad."""

LOOSE_CURVATURE = 2e-3
"""Of the curvature around zero, 1/mm: 33 c/GeV at 0.2 T."""

LEAST_VARIANCE = 1e-16
"""Of scattering, rad^2/mm: of a momentum of 400 TeV."""

_TURN = np.pi  # a track does not come back


@dataclass(frozen=True)
class Fit:
    """Arcs through N sets of points.

    Attributes:
        arcs: Parameters where the track starts.
        covariance: Of offset along the normal, mm, angle and curvature there, (N, 3, 3).
        path_mm: Of each point, (N, M).
        distance_mm: Of each point from the arc without kinks, (N, M).
        residual_mm: Of each point from the arc with kinks, (N, M).
        residual_variance: What the fitted track contributes to it, mm^2, (N, M).
    """

    arcs: Arcs
    covariance: Array
    path_mm: Array
    distance_mm: Array
    residual_mm: Array
    residual_variance: Array


def fit_arcs(
    start: Arcs,
    z_mm: Array,
    y_mm: Array,
    weights: Array,
    *,
    steps: int,
    angle_variance: Array | None = None,
    kinks: int = KINKS,
    curvature_prior: float = LOOSE_CURVATURE,
) -> Fit:
    """Gauss-Newton from given arcs.

    Args:
        start: Near the answer; it stays where the parameters are given.
        z_mm: Points of each track, (N, M); those without weight may have any finite value.
        y_mm: The same.
        weights: 1/variance of each point across the track, 1/mm^2, zero where there is none.
        steps: Of the iteration.
        angle_variance: Of scattering, rad^2/mm, (N,); none: no scattering.
        kinks: At how many places it scatters.
        curvature_prior: Width of the prior of the curvature around zero, 1/mm: keeps tracks of too
            few points finite.
    """
    arcs = start
    length = _length(arcs, z_mm, y_mm, weights)
    bends = np.zeros((len(length), 0)) if angle_variance is None else kink_paths(length, kinks)
    scale = np.stack([np.ones_like(length), 1 / length, 1 / length**2], 1)
    loose = np.array([LOOSE_MM, LOOSE_ANGLE, curvature_prior])
    prior = (scale / loose) ** 2
    if angle_variance is not None:
        stiff = kinks / length**3 / np.maximum(angle_variance, LEAST_VARIANCE)
        prior = np.concatenate([prior, np.repeat(stiff[:, None], kinks, 1)], 1)
    for step in range(steps):
        path, distance = arcs.place(z_mm, y_mm)
        design = _design(arcs, path, bends, length)
        weighted = design * weights[:, None, :]
        normal = weighted @ design.transpose(0, 2, 1)
        _add_to_diagonal(normal, prior)
        right = (weighted @ distance[:, :, None])[:, :, 0]
        right[:, 2] -= prior[:, 2] * arcs.curvature * length**2
        inverse = np.linalg.inv(normal)
        change = (inverse @ right[:, :, None])[:, :, 0]
        moved = change[:, :3] * scale
        arcs = arcs.moved(moved[:, 0], moved[:, 1].clip(-1, 1), moved[:, 2])
        arcs = Arcs(
            arcs.z_mm, arcs.y_mm, arcs.phi, arcs.curvature.clip(-_TURN / length, _TURN / length)
        )
        if step == steps - 1:
            fitted = (change[:, None, :] @ design)[:, 0]
            variance = np.einsum("nkm,nkl,nlm->nm", design, inverse, design, optimize=True)
    path_now, distance_now = arcs.place(z_mm, y_mm)
    covariance = inverse[:, :3, :3] * scale[:, :, None] * scale[:, None, :]
    return Fit(arcs, covariance, path_now, distance_now, distance - fitted, variance)


def _design(arcs: Arcs, path: Array, bends: Array, length: Array) -> Array:
    """What each parameter, in units of the length, moves each point by, (N, parameters, M)."""
    turn, unit = arcs.bend()[:, None], length[:, None]
    offset, angle, curvature = shapes(turn, path)
    columns = [offset, angle / unit, curvature / unit**2]
    if bends.shape[1]:
        behind = np.maximum(path[:, None, :] - bends[:, :, None], 0)
        after = np.sin(turn[:, :, None] * behind) / turn[:, :, None]
        return np.concatenate([np.stack(columns, 1), after / unit[:, :, None]], 1)
    return np.stack(columns, 1)


def _length(arcs: Arcs, z_mm: Array, y_mm: Array, weights: Array) -> Array:
    path = np.where(weights > 0, arcs.place(z_mm, y_mm)[0], 0.0)
    return np.asarray(np.maximum(path.max(1, initial=0), 10.0))


def _add_to_diagonal(matrix: Array, values: Array) -> None:
    index = np.arange(values.shape[1])
    matrix[:, index, index] += values
