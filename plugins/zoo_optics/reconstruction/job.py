"""Fits of all events of a file: model and data are opened and checked, events told one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table, UsageError, facts_of, load, read, read_blocks
from zoo_optics.calibration.apply import read_calibration
from zoo_optics.reconstruction.events import Event, events_of, require_hits
from zoo_optics.reconstruction.light import Light, require_same_detector

__all__ = ["TASK", "Job", "Opened", "fitted", "open_job", "predictor_of"]

TASK = "optics"
_TRUTH = ("position", "direction", "photons")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a user asks for.

    Attributes:
        model: Id, run directory or model file of the task optics.
        data: ``SOURCE:PATH`` or a file.
        training: Data that a classical model is fitted on; empty: it needs none.
        limit: Events at most; ``None``: all.
        device: Where a network computes.
        calibration: What ``zoo optics calibrate`` wrote, whose yields are used; empty: all are 1.
        times: Which distribution of times a fit uses; ``auto``: the learnt one, where the model
            has one.
    """

    model: str
    data: str
    training: str = ""
    limit: int | None = None
    device: str = "cpu"
    calibration: str = ""
    times: Literal["auto", "learnt", "closed-form"] = "auto"


@dataclass(frozen=True)
class Opened:
    """Model, samples and facts that suit one another."""

    light: Light
    samples: Table
    facts: Mapping[str, Any]
    where: str


def open_job(job: Job, emissions: tuple[str, ...], remedy: str) -> Opened:
    """Open model and data.

    Args:
        job: What to open.
        emissions: How the light of the data may start.
        remedy: What to do where it starts otherwise.

    Raises:
        UsageError: If the model is of another task, or needs training data.
        DataError: If the data have no hit times, start otherwise, or are of another detector.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    facts = facts_of(TASK, job.data)
    emission = str(facts.get("emission", "unknown"))
    if emission not in emissions:
        raise DataError(f"the light starts as '{emission}'", where=job.data, remedy=remedy)
    predictor = predictor_of(job, facts)
    light = Light(predictor, facts, _yields(job, facts), learnt_times=_learnt_times(job, predictor))
    samples = read(TASK, job.data, limit=job.limit)
    require_hits(samples, job.data)
    return Opened(light, samples, facts, job.data)


def _yields(job: Job, facts: Mapping[str, Any]) -> NDArray[np.float64] | None:
    if not job.calibration:
        return None
    constants = read_calibration(Path(job.calibration))
    constants.require_same_detector(facts)
    return constants.yields


def predictor_of(job: Job, facts: Mapping[str, Any]) -> Any:
    """The model of a job, fitted where it is classical.

    Raises:
        UsageError: If it is of another task, or needs training data.
        DataError: If it is of another detector than the facts.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    _require_task(job.model if not Path(job.model).exists() else f"{TASK}/", job.model)
    # What is fitted knows the dead sensors of the data that it is fitted to.
    fitted_to = facts_of(TASK, job.training) if job.training else facts
    predictor = load(job.model, facts=fitted_to, device=job.device)
    _require_task(getattr(predictor, "model", f"{TASK}/"), job.model)
    trained = getattr(predictor, "facts", None)
    if trained is not None:
        require_same_detector(trained, facts, job.model)
        return predictor
    if "expected" in predictor.needs:
        raise UsageError(
            "it repeats what the simulation expects and knows no other point",
            where=job.model,
            remedy="name another model",
        )
    if not job.training:
        raise UsageError(
            "this model is fitted to samples, and none are named",
            where=job.model,
            remedy="give --training SOURCE:PATH: flashes to all sides of the same detector",
        )
    require_same_detector(fitted_to, facts, job.training)
    predictor.fit(read_blocks(TASK, job.training, predictor.needs | predictor.targets))
    return predictor


def _learnt_times(job: Job, predictor: Any) -> bool:
    """Whether the model's distribution of times is to be used.

    Raises:
        UsageError: If it is asked for and the model has none.
    """
    config = getattr(getattr(predictor, "codec", None), "config", None)
    has = bool(getattr(config, "time", False))
    if job.times == "learnt" and not has:
        raise UsageError(
            "this model has learnt no times",
            where=f"{job.model}: --times learnt",
            remedy="train one with --set model.time=true, or leave --times out",
        )
    return has and job.times != "closed-form"


def _require_task(id_: str, where: str) -> None:
    task = id_.partition("/")[0]
    if task != TASK:
        raise UsageError(
            f"a model of the task '{task}'", where=where, remedy="name a model of the task optics"
        )


def fitted(
    opened: Opened,
    fit: Callable[[Event, Mapping[str, Any]], dict[str, Any]],
    progress: Callable[[int, int], None],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Fit all events.

    Args:
        opened: Model and data.
        fit: Event and its truth (empty where it is not known) to what is told of it.
        progress: Told (events done, events in all).

    Returns:
        What was fitted, with ``id``, ``seconds`` and ``cpu_seconds``; and what could not be, each
        with the reason.
    """
    done: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    total = opened.samples.rows
    sensors = len(opened.light.detector.sensors)
    for row, event in enumerate(events_of(opened.samples, sensors, opened.where)):
        began, worked = time.perf_counter(), time.process_time()
        try:
            found = fit(event, dict(_truth(opened.samples, row)))
        except DataError as error:
            refused.append({"id": event.id, "reason": error.message})
        else:
            took = {
                "seconds": time.perf_counter() - began,
                "cpu_seconds": time.process_time() - worked,
            }
            done.append({"id": event.id, "hits": len(event.time_ns), **found, **took})
        progress(row + 1, total)
    return done, refused


def _truth(samples: Table, row: int) -> Iterator[tuple[str, Any]]:
    yield from ((name, samples[name][row]) for name in _TRUTH if name in samples)
