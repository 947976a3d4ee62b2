"""``zoo optics fit-vertex`` and ``fit-track`` without the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.job import Job, Opened, fitted, open_job
from zoo_optics.reconstruction.light import Light
from zoo_optics.reconstruction.summary import summarise
from zoo_optics.reconstruction.vertex import fit_vertex

__all__ = ["fit_vertices"]

Progress = Callable[[int, int], None]
Rows = list[dict[str, Any]]


def fit_vertices(job: Job, progress: Progress) -> dict[str, Any]:
    """Fit all flashes of a file.

    Returns:
        ``model``, ``data``, ``summary``, ``events`` and ``refused``, as JSON.

    Raises:
        ZooError: As :func:`zoo_optics.reconstruction.job.open_job`.
    """
    remedy = "give flashes to all sides; `zoo optics fit-track` fits tracks"
    opened = open_job(job, ("isotropic",), remedy)
    events, refused = fitted(opened, partial(_vertex, opened.light), progress)
    summary = summarise(
        events,
        {"distance_cm": "cm", "seed_distance_cm": "cm"},
        ("x_cm", "y_cm", "z_cm", "start_ns", "photons"),
    )
    return _told(job, opened, summary, events, refused)


def _told(
    job: Job, opened: Opened, summary: dict[str, Any], events: Rows, refused: Rows
) -> dict[str, Any]:
    return {
        "model": job.model,
        "data": job.data,
        "sensors": len(opened.light.detector.sensors),
        "summary": {**summary, "refused": len(refused)},
        "events": events,
        "refused": refused,
    }


def _vertex(light: Light, event: Event, truth: Mapping[str, Any]) -> dict[str, Any]:
    best = fit_vertex(light, event)
    told: dict[str, Any] = {}
    for axis, place, error in zip("xyz", best.position_cm, best.position_error_cm, strict=True):
        told |= {f"{axis}_cm": float(place), f"{axis}_cm_error": float(error)}
    told |= {"start_ns": best.start_ns, "start_ns_error": best.start_error_ns}
    told |= {"photons": best.photons, "photons_error": best.photons_error}
    told |= {"steps": best.estimate.steps, "converged": best.estimate.converged}
    if "position" in truth:
        place = truth["position"].astype(np.float64)
        told |= dict(zip(("x_cm_true", "y_cm_true", "z_cm_true"), map(float, place), strict=True))
        told["start_ns_true"] = 0.0  # times of samples count from the start of the light
        told["distance_cm"] = float(np.linalg.norm(best.position_cm - place))
        told["seed_distance_cm"] = float(np.linalg.norm(best.seed.position_cm - place))
    if "photons" in truth:
        told["photons_true"] = float(truth["photons"])
    return told
