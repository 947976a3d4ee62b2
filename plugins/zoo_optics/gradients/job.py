"""``zoo optics gradients`` without the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Drawing, Predictor, UsageError, facts_of
from zoo_optics.asking import visibility_by
from zoo_optics.drawings.gradients import against_visibility
from zoo_optics.drawings.slices import MapSlice, map_slices, slice_points
from zoo_optics.gradients.slopes import SlopeError, slope_errors, slopes
from zoo_optics.gradients.truth import known_light
from zoo_optics.profiles import probe_of
from zoo_optics.reconstruction.job import TASK, Job, predictor_of
from zoo_optics.sources.lar_box import LarBox

__all__ = ["GradientJob", "Judged", "compare", "judge"]

Array = NDArray[np.float64]
Visibility = Callable[[Array], Array]

_SHOWN = 5  # models of the map


@dataclass(frozen=True, kw_only=True)
class GradientJob:
    """What a user asks for.

    Attributes:
        models: Ids, run directories or model files of the task optics.
        data: Whose light is the truth: ``SOURCE:PATH`` or a file, of the source lar-box.
        training: Data that tables and closed forms are fitted on; empty: none needs any.
        parameters: File of scattering that the data were made with; empty: none.
        points: Where gradients are compared.
        step_cm: Of the difference quotients, to either side.
        seed: Of the points.
        device: Where networks compute.
    """

    models: tuple[str, ...]
    data: str
    training: str = ""
    parameters: str = ""
    points: int = 500
    step_cm: float = 0.5
    seed: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Judged:
    """Errors of every model, and what is drawn of them."""

    errors: Mapping[str, list[SlopeError]]
    drawings: Callable[[], Iterator[Drawing]]

    def told(self, job: GradientJob) -> dict[str, Any]:
        """As JSON."""
        return {
            "data": job.data,
            "points": job.points,
            "step_cm": job.step_cm,
            "seed": job.seed,
            "models": {name: [one.told() for one in found] for name, found in self.errors.items()},
        }


def judge(job: GradientJob, progress: Callable[[int, int], None]) -> Judged:
    """Compare the gradients of models with those of the truth.

    Args:
        job: What to compare.
        progress: Told (models done, models in all).

    Raises:
        UsageError: If a model is named twice, is of another task, or needs training data; or if
            the step does not fit into the volume.
        DataError: As :func:`zoo_optics.gradients.truth.known_light`, or if a model is of another
            detector or needs more than a point.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    if len(set(job.models)) < len(job.models):
        raise UsageError("a model is named twice", where=" ".join(job.models))
    facts = facts_of(TASK, job.data)
    box = known_light(facts, job.data, job.parameters)
    models: dict[str, Predictor] = {}
    for name in job.models:
        progress(len(models), len(job.models))
        asked = Job(model=name, data=job.data, training=job.training, device=job.device)
        models[name] = predictor_of(asked, facts)
    judged = compare(box, models, points=job.points, step_cm=job.step_cm, seed=job.seed)
    progress(len(models), len(job.models))
    return judged


def compare(
    box: LarBox, models: Mapping[str, Predictor], *, points: int, step_cm: float, seed: int = 1
) -> Judged:
    """The same with predictors that are open, and fitted.

    Args:
        box: The truth.
        models: By name.
        points: Where gradients are compared, spread over the volume.
        step_cm: Of the difference quotients.
        seed: Of the points.

    Raises:
        UsageError, DataError: As :func:`judge`.
    """
    places = _points(box, points, step_cm, seed)
    truth, visibility = slopes(box.visibility, places, step_cm), box.visibility(places)
    asked = {
        name: partial(_seen, predictor, len(box.detector.sensors))
        for name, predictor in models.items()
    }
    errors = {
        name: slope_errors(slopes(one, places, step_cm), truth, visibility)
        for name, one in asked.items()
    }
    return Judged(errors, partial(_drawings, box, asked, errors, step_cm))


def _points(box: LarBox, points: int, step_cm: float, seed: int) -> Array:
    """Spread over the volume, float64 (points, 3), cm, a step from its wall and more."""
    volume = box.detector.volume
    if 4 * step_cm >= float((volume.high - volume.low).min()):
        raise UsageError(
            f"a step of {step_cm} cm does not fit into the volume",
            where="--step-cm",
            remedy="take a smaller one",
        )
    uniform = np.random.default_rng(seed).random((points, 3))
    return volume.points(uniform, 2 * step_cm).astype(np.float32).astype(np.float64)


def _seen(predictor: Predictor, sensors: int, position_cm: Array) -> Array:
    return visibility_by(predictor, position_cm, sensors)


def _drawings(
    box: LarBox,
    models: Mapping[str, Visibility],
    errors: Mapping[str, list[SlopeError]],
    step_cm: float,
) -> Iterator[Drawing]:
    yield against_visibility(errors)
    probe, places = probe_of(box.detector), slice_points(box.detector, 2 * step_cm)
    flat = places.reshape(-1, 3)

    def seen(visibility: Visibility) -> MapSlice:
        value = visibility(flat)[:, probe].reshape(places.shape[:2])
        return MapSlice(value, slopes(visibility, flat, step_cm)[:, probe].reshape(places.shape))

    few = dict(list(models.items())[:_SHOWN])
    yield map_slices(
        box.detector, places, seen(box.visibility), {name: seen(one) for name, one in few.items()}
    )
