"""Tracks of the fit to clusters made better by the fit to charges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from zoo_ha_tpc.charge_fit.fit import ChargeSettings, fit_charges
from zoo_ha_tpc.fitting.images import Images
from zoo_ha_tpc.fitting.least_squares import Fit
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.robust import Matter, RobustFit
from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["by_charges"]


def by_charges(
    settings: ChargeSettings, charges: Charges, matter: Matter
) -> Callable[[Images, Tracks], Tracks]:
    """What refines the tracks of :func:`zoo_ha_tpc.fitting.fit_tracks`.

    Args:
        settings: Layer and ionisation.
        charges: Noise and threshold.
        matter: Particle and gas.
    """

    def refine(images: Images, tracks: Tracks) -> Tracks:
        found = fit_charges(images, tracks, settings, charges, matter)
        course, points = found.course, tracks.points
        path, distance = course.arcs.place(points.z_mm, points.y_mm)
        track = np.arange(len(path))[:, None]
        fit = Fit(
            course.arcs,
            found.covariance,
            path_mm=path,
            distance_mm=distance,
            residual_mm=distance - course.off(track, path),
            residual_variance=np.zeros_like(path),
        )
        return replace(tracks, fit=RobustFit(fit, fit, tracks.fit.used))

    return refine
