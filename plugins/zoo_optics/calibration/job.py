"""``zoo optics calibrate`` without the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table, UsageError, facts_of, read, write_atomically
from zoo_optics.calibration.fit import Calibration, Progress, calibrate
from zoo_optics.calibration.frozen import FrozenLight
from zoo_optics.physics.detector import detector_of
from zoo_optics.reconstruction.job import TASK, Job, predictor_of
from zoo_optics.reconstruction.summary import pulls

__all__ = ["run_calibration"]

Array = NDArray[np.float64]

_EMISSIONS = ("isotropic", "unknown")


def run_calibration(
    job: Job, out: Path, *, free_yields: bool, free_offset: bool, tell: Progress
) -> dict[str, Any]:
    """Fit yields and a shift of the light, and write them.

    Args:
        job: Model and data.
        out: JSON file to write.
        free_yields: Whether yields are fitted.
        free_offset: Whether the shift is.
        tell: Told of every step.

    Returns:
        What was written: see the README.

    Raises:
        UsageError: If nothing is to be fitted, or as :func:`predictor_of`.
        DataError: If data have no charge, are of another detector, of tracks, or cannot tell a
            shift from yields.
    """
    if not (free_yields or free_offset):
        raise UsageError(
            "yields and offset are both fixed: nothing is left to fit", remedy="free one of them"
        )
    facts = facts_of(TASK, job.data)
    emission = str(facts.get("emission", "unknown"))
    if emission not in _EMISSIONS:
        raise DataError(
            f"the light starts as '{emission}'",
            where=job.data,
            remedy="give flashes to all sides: of others the place alone does not tell the light",
        )
    predictor = predictor_of(job, facts)
    fields = frozenset({"position", "photons", "charge"} | ({"alive"} & set(facts)))
    samples = read(TASK, job.data, fields, job.limit)
    sensors = len(detector_of(facts).sensors)
    found = calibrate(
        FrozenLight(predictor, sensors),
        samples,
        free_yields=free_yields,
        free_offset=free_offset,
        tell=tell,
    )
    told = _told(job, predictor, facts, samples, found)
    told["summary"] |= _pulls(found, facts, getattr(predictor, "facts", {}))
    write_atomically(out, json.dumps(told, indent=1) + "\n")
    return told


def _told(
    job: Job, predictor: Any, facts: Mapping[str, Any], samples: Table, found: Calibration
) -> dict[str, Any]:
    about = getattr(predictor, "info", {})
    error = np.sqrt(np.diag(found.offset_covariance))
    return {
        "model": getattr(predictor, "model", job.model),
        "file_sha256": str(about.get("sha256", "")),
        "geometry": str(facts["geometry"]["digest"]),
        "data": job.data,
        "offset_cm": found.offset_cm.tolist(),
        "offset_error_cm": error.tolist(),
        "offset_scatter_cm": np.sqrt(np.diag(found.offset_scatter)).tolist(),
        "offset_covariance_cm2": found.offset_covariance.tolist(),
        "yields": _numbers(found.yields),
        "log_yield_errors": _numbers(found.errors),
        "log_yield_scatter": _numbers(found.scatter),
        "summary": _summary(samples, found, error),
    }


def _summary(samples: Table, found: Calibration, error: Array) -> dict[str, Any]:
    known = np.isfinite(found.yields)
    yields = found.yields[known]
    return {
        "flashes": samples.rows,
        "sensors": len(found.yields),
        "sensors without charge": int((~known).sum()),
        "steps": found.steps,
        "converged": found.converged,
        "offset": {**_axes(found.offset_cm), "unit": "cm"},
        "error by counting": {**_axes(error), "unit": "cm"},
        "error by scatter": {**_axes(np.sqrt(np.diag(found.offset_scatter))), "unit": "cm"},
        "yields": {
            "mean": float(yields.mean()),
            "rms of logarithm": float(np.log(yields).std()),
            "smallest": float(yields.min()),
            "largest": float(yields.max()),
            "unit": "",
        },
        "error of a yield": {
            "by counting": 100 * float(np.median(found.errors[known])),
            "by scatter": 100 * float(np.median(found.scatter[known])),
            "unit": "%",
        },
        "deviance over counting": found.excess,
    }


def _pulls(
    found: Calibration, facts: Mapping[str, Any], trained: Mapping[str, Any]
) -> dict[str, Any]:
    """Against what a simulation tells: its yields and positions, relative to the model's."""
    if not {"yields", "position_error_cm"} & set(facts):
        return {}
    known = np.isfinite(found.yields) & (found.errors > 0)
    told: dict[str, dict[str, float]] = {}
    if known.sum() > 1:
        one = np.ones(len(found.yields))
        true = np.log(_fact(facts, "yields", one)[known] / _fact(trained, "yields", one)[known])
        logarithm = np.log(found.yields[known])
        for name, error in (("counting", found.errors), ("scatter", found.scatter)):
            told[f"yields, by {name}"] = pulls(logarithm, true, error[known])
    if found.offset_covariance.any():
        none = np.zeros(3)
        error_cm = _fact(facts, "position_error_cm", none)
        shift = _fact(trained, "position_error_cm", none) - error_cm
        for name, matrix in (
            ("counting", found.offset_covariance),
            ("scatter", found.offset_scatter),
        ):
            told[f"offset, by {name}"] = pulls(found.offset_cm, shift, np.sqrt(np.diag(matrix)))
    return {"pulls": told} if told else {}


def _fact(facts: Mapping[str, Any], name: str, default: Array) -> Array:
    value: Array = np.asarray(facts.get(name, default), dtype=np.float64)
    return value


def _axes(values: Array) -> dict[str, float]:
    return dict(zip("xyz", map(float, values), strict=True))


def _numbers(values: Array) -> list[float | None]:
    """JSON knows no NaN."""
    return [float(value) if np.isfinite(value) else None for value in values]
