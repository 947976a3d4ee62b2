"""``zoo optics match-flash`` without the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from zoo.api import UsageError, facts_of, read
from zoo_optics.asking import visibility_by
from zoo_optics.physics.detector import detector_of
from zoo_optics.reconstruction.job import TASK, Job, predictor_of
from zoo_optics.reconstruction.matching import (
    Chamber,
    Match,
    MatchSettings,
    Visibility,
    match_window,
)
from zoo_optics.reconstruction.window_files import read_windows
from zoo_optics.reconstruction.windows import Window, drift_of, require_windows, windows_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

__all__ = ["match_flashes", "share_of"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
Rows = list[dict[str, Any]]

ORACLE = "optics/expected"


def match_flashes(job: Job, settings: MatchSettings, progress: Progress) -> dict[str, Any]:
    """Match the flashes of all windows of a file.

    Args:
        job: Model and data; its limit is one of windows. ``optics/expected`` is the light of the
            simulation itself, for data of the source ``lar-windows``.
        settings: How pairs are judged.
        progress: Told (windows done, windows in all).

    Returns:
        ``model``, ``data``, ``settings``, ``summary`` and ``candidates``, as JSON.

    Raises:
        UsageError: If the model is of another task, needs training data, or is the oracle of data
            that are not simulated.
        DataError: If the data have no windows, or are of another detector.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    facts, windows = _windows(job)
    chamber = _chamber(job, facts)
    rows: Rows = []
    total = len(windows)
    began, worked = time.perf_counter(), time.process_time()
    for done, window in enumerate(windows, start=1):
        rows += _told(window, match_window(window, chamber, settings))
        progress(done, total)
    took = {
        "seconds": (time.perf_counter() - began) / max(total, 1),
        "cpu_seconds": (time.process_time() - worked) / max(total, 1),
    }
    return {
        "model": job.model,
        "data": job.data,
        "sensors": len(chamber.detector.sensors),
        "settings": asdict(settings),
        "summary": {**_summary(windows, rows), **took},
        "candidates": rows,
    }


def share_of(count: int, of: int) -> dict[str, float]:
    """A fraction and its 95 % interval (Wilson's, J. Am. Stat. Assoc. 22 (1927) 209)."""
    if not of:
        return {"count": 0, "of": 0}
    low, high = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return {"count": count, "of": of, "share": count / of, "low": float(low), "high": float(high)}


def _chamber(job: Job, facts: Mapping[str, Any]) -> Chamber:
    detector = detector_of(facts)
    drift = drift_of(facts, job.data)
    if job.model == ORACLE:
        return Chamber(detector, _truth(facts, job.data), drift)
    predictor, sensors = predictor_of(job, facts), len(detector.sensors)

    def visibility(position_cm: Array) -> Array:
        return visibility_by(predictor, position_cm, sensors)

    return Chamber(detector, visibility, drift)


def _windows(job: Job) -> tuple[Mapping[str, Any], Sequence[Window]]:
    if job.data.endswith(".npz"):
        facts, windows = read_windows(Path(job.data))
    else:
        facts = dict(facts_of(TASK, job.data))
        samples = read(TASK, job.data)
        require_windows(samples, job.data)
        windows = list(windows_of(samples, job.data))
    return facts, windows[: job.limit]


def _truth(facts: Mapping[str, Any], where: str) -> Visibility:
    if "box" not in facts:
        raise UsageError(
            "what the light really is, only a simulation knows",
            where=f"{ORACLE}, {where}",
            remedy="give samples of the source lar-windows, or name another model",
        )
    return LarBox(LarBoxConfig.model_validate(facts["box"])).visibility


def _told(window: Window, found: Match) -> Iterable[dict[str, Any]]:
    """What is told of each candidate."""
    for row, one in enumerate(window.candidates):
        flash = int(found.flash[row])
        told: dict[str, Any] = {"window": window.name, "candidate": one.id, "flash": flash}
        if flash >= 0:
            score = found.score
            told |= {
                "flash_us": float(window.time_us[flash]),
                "photo_electrons": float(window.charge[flash].sum()),
                "deviance": float(score.deviance[row, flash]),
                "sigma": float(score.sigma[row, flash]),
                "light_yield": float(score.light_yield[row, flash]),
            }
        if window.truth is not None:
            told["flash_true"] = int(window.truth[row])
        yield told


def _summary(windows: Sequence[Window], rows: Rows) -> dict[str, Any]:
    told: dict[str, Any] = {
        "windows": len(windows),
        "candidates": len(rows),
        "flashes": sum(len(window.time_us) for window in windows),
        "matched": sum(row["flash"] >= 0 for row in rows),
    }
    known = [row for row in rows if "flash_true" in row]
    if not known:
        return told
    lit = [row for row in known if row["flash_true"] >= 0]
    dark = [row for row in known if row["flash_true"] < 0]
    matched = [row for row in known if row["flash"] >= 0]
    right = {"right": _same(lit), "right of those matched": _same(matched)}
    if dark:
        right["left alone rightly"] = _same(dark)
    wrong = {row["window"] for row in known if row["flash"] != row["flash_true"]}
    whole = {row["window"] for row in known}
    return {**told, **right, "windows all right": share_of(len(whole - wrong), len(whole))}


def _same(rows: Rows) -> dict[str, float]:
    return share_of(sum(row["flash"] == row["flash_true"] for row in rows), len(rows))
