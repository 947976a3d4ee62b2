"""``zoo optics fit-vertex`` and ``fit-track`` without the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.fit_track import Track, TrackSettings, fit_track
from zoo_optics.reconstruction.job import Job, Opened, fitted, open_job
from zoo_optics.reconstruction.light import Light
from zoo_optics.reconstruction.summary import degrees_between, summarise
from zoo_optics.reconstruction.vertex import fit_vertex

__all__ = ["fit_tracks", "fit_vertices"]

_TRACK = ("x_cm", "y_cm", "z_cm", "longitude", "latitude", "start_ns", "log_photons")
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


def fit_tracks(job: Job, settings: TrackSettings, progress: Progress) -> dict[str, Any]:
    """Fit all tracks of a file; as :func:`fit_vertices`."""
    remedy = "give tracks; `zoo optics fit-vertex` fits flashes to all sides"
    opened = open_job(job, ("track",), remedy)
    events, refused = fitted(opened, partial(_track, opened.light, settings), progress)
    summary = summarise(
        events,
        {"distance_cm": "cm", "angle_deg": "deg", "along_cm": "cm", "across_cm": "cm"},
        _TRACK,
    )
    return _told(job, opened, summary, events, refused)


def _told(
    job: Job, opened: Opened, summary: dict[str, Any], events: Rows, refused: Rows
) -> dict[str, Any]:
    summary["times"] = "learnt" if opened.light.learnt_times else "closed-form"
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


def _track(
    light: Light, settings: TrackSettings, event: Event, truth: Mapping[str, Any]
) -> dict[str, Any]:
    best = fit_track(light, event, settings)
    found = [*best.start_cm, *best.angles, best.start_ns, np.log(best.photons)]
    told: dict[str, Any] = {}
    for name, value, error in zip(_TRACK, found, best.errors[:7], strict=True):
        told |= {name: float(value), f"{name}_error": float(error)}
    told |= {"direction": best.direction.tolist(), "photons": best.photons}
    told |= {"length_cm": best.length_cm, "cone_deg": best.cone_deg}
    told |= {"steps": best.estimate.steps, "converged": best.estimate.converged}
    return told | _against(best, truth)


def _against(best: Track, truth: Mapping[str, Any]) -> dict[str, Any]:
    """Distances of a track from the truth, and its parameters as they should be."""
    if not {"position", "direction", "photons"} <= set(truth):
        return {}
    start, way = (truth[name].astype(np.float64) for name in ("position", "direction"))
    way = way / np.linalg.norm(way)
    local, off = best.frame @ way, best.start_cm - start
    angles = (np.arctan2(local[1], local[0]), np.arcsin(np.clip(local[2], -1, 1)))
    true = [*start, *angles, 0.0, np.log(float(truth["photons"]))]
    return {
        **{f"{name}_true": float(value) for name, value in zip(_TRACK, true, strict=True)},
        "distance_cm": float(np.linalg.norm(off)),
        "along_cm": float(abs(off @ way)),
        "across_cm": float(np.linalg.norm(off - (off @ way) * way)),
        "angle_deg": degrees_between(best.direction, way),
    }
