"""Tracks of the fit to clusters made better by the fit to charges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.fit import ChargeFit, ChargeSettings, fit_charges
from zoo_ha_tpc.fitting.images import Images
from zoo_ha_tpc.fitting.least_squares import Fit
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.robust import Matter, RobustFit
from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["by_charges"]

_ASTRAY_MM = 2.0  # how much further from its clusters a track may not be: charges of no track


def by_charges(
    settings: ChargeSettings, charges: Charges, matter: Matter
) -> Callable[[Images, Tracks], Tracks]:
    """What refines the tracks of :func:`zoo_ha_tpc.fitting.fit_tracks`.

    A track that the charges would take away from its clusters stays as it was.

    Args:
        settings: Layer and ionisation.
        charges: Noise and threshold.
        matter: Particle and gas.
    """

    def refine(images: Images, tracks: Tracks) -> Tracks:
        found = fit_charges(images, tracks, settings, charges, matter)
        fit, used = _fit_of(found, tracks), tracks.fit.used
        astray = _width(fit, used) > _width(tracks.fit.scattered, used) + _ASTRAY_MM
        kept = RobustFit(
            _chosen(astray, tracks.fit.scattered, fit), _chosen(astray, tracks.fit.plain, fit), used
        )
        return replace(tracks, fit=kept)

    return refine


def _fit_of(found: ChargeFit, tracks: Tracks) -> Fit:
    """How clusters lie about the fitted courses."""
    course, points = found.course, tracks.points
    path, distance = course.arcs.place(points.z_mm, points.y_mm)
    off = course.off(np.arange(len(path))[:, None], path)
    return Fit(course.arcs, found.covariance, path, distance, distance - off, np.zeros_like(path))


def _width(fit: Fit, used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Root mean square of the distance of clusters from their track, mm, (N,)."""
    square = np.where(used, fit.residual_mm, 0.0) ** 2
    return np.asarray(np.sqrt(square.sum(1) / np.maximum(used.sum(1), 1)))


def _chosen(first: NDArray[np.bool_], one: Fit, other: Fit) -> Fit:
    """The one fit where ``first`` (N,), else the other."""

    def pick(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.where(first.reshape(-1, *[1] * (a.ndim - 1)), a, b))

    names = ("covariance", "path_mm", "distance_mm", "residual_mm", "residual_variance")
    columns = {name: pick(getattr(one, name), getattr(other, name)) for name in names}
    return Fit(arcs=one.arcs.where(first, other.arcs), **columns)
