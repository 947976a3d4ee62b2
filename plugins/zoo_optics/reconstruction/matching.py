"""Which flash belongs to which candidate: scores of all pairs, then the best assignment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from zoo_optics.physics.detector import Detector
from zoo_optics.reconstruction.deviance import Score, profiled
from zoo_optics.reconstruction.windows import Candidate, Window

__all__ = ["Chamber", "Match", "MatchSettings", "assign", "match_window", "told_charges"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Visibility = Callable[[Array], Array]

_POINTS = 1 << 14  # places that a model is asked about at a time


@dataclass(frozen=True)
class Chamber:
    """What a match knows of its detector.

    Attributes:
        detector: Its volume bounds the candidates.
        visibility: Points (N, 3), cm, to probabilities of detection (N, sensors).
        drift_cm_us: (3,), true place less apparent one for each us of the flash's time.
    """

    detector: Detector
    visibility: Visibility
    drift_cm_us: Array


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """How pairs are judged.

    Attributes:
        model_error: Relative error of what is expected at a sensor.
        yield_spread: Relative spread of the light yield; ``None``: it is free.
        reject_sigma: RMS above a right pair's deviance at which a flash is left to nobody; 0: none.
        edge_cm: How far a candidate may stick out of the volume.
    """

    model_error: float = 0.1
    yield_spread: float | None = None
    reject_sigma: float = 5.0
    edge_cm: float = 5.0


@dataclass(frozen=True)
class Match:
    """What was found in a window.

    Attributes:
        flash: int64 (candidates,), -1: unmatched.
        score: Of all pairs, (candidates, flashes); infinite deviance where the candidate would lie
            outside of the volume.
    """

    flash: Index
    score: Score


def match_window(
    window: Window,
    chamber: Chamber,
    settings: MatchSettings,
) -> Match:
    """Match the flashes of a window."""
    shape = (len(window.candidates), len(window.time_us))
    told = np.zeros((*shape, window.charge.shape[1]))
    inside = np.zeros(shape, dtype=bool)
    for row, one in enumerate(window.candidates):
        inside[row], told[row] = told_charges(one, window.time_us, chamber, settings.edge_cm)
    found = profiled(
        window.charge[None],
        told,
        model_error=settings.model_error,
        yield_spread=settings.yield_spread,
    )
    deviance = np.where(inside, found.deviance, np.inf)
    score = Score(deviance, found.mean, found.spread, found.light_yield)
    return Match(assign(score, settings.reject_sigma), score)


def told_charges(
    candidate: Candidate, time_us: Array, chamber: Chamber, edge_cm: float = 0.0
) -> tuple[NDArray[np.bool_], Array]:
    """Whether a candidate lies inside at each time (F,), and its charges (F, sensors) there.

    Points that stick out by less than ``edge_cm`` shine from the wall.
    """
    places = candidate.place_cm + time_us[:, None, None] * chamber.drift_cm_us
    volume = chamber.detector.volume
    low, high = volume.low, volume.high
    within = (places >= low - edge_cm) & (places <= high + edge_cm)
    inside: NDArray[np.bool_] = np.all(within, axis=(1, 2))
    told = np.zeros((len(time_us), len(chamber.detector.sensors)))
    points = np.clip(places[inside], low, high).reshape(-1, 3)
    if len(points):
        parts = [points[i : i + _POINTS] for i in range(0, len(points), _POINTS)]
        seen = np.concatenate([chamber.visibility(part) for part in parts])
        seen = seen.reshape(int(inside.sum()), len(candidate.photons), -1)
        told[inside] = np.einsum("k,fks->fs", candidate.photons, seen)
    return inside, told


def assign(score: Score, reject_sigma: float) -> Index:
    """The matching of least total deviance, each flash to at most one candidate.

    A flash that is left to nobody costs ``mean + reject_sigma spread`` of the candidate that suits
    it best: the log of the likelihood ratio (times two) to the best likelihood that a right
    candidate exceeds as seldom as a normal number that many RMS.

    Args:
        score: (candidates, flashes).
        reject_sigma: 0: flashes are left only if every candidate has one or cannot have it.

    Returns:
        (candidates,), the flash of each or -1.
    """
    candidates, flashes = score.deviance.shape
    if not candidates or not flashes:
        return np.full(candidates, -1, dtype=np.int64)
    possible = np.isfinite(score.deviance)
    deviance = np.where(possible, score.deviance, 0.0)
    if reject_sigma > 0:
        best = np.where(possible, score.deviance, np.inf).argmin(axis=0)
        limit = (score.mean + reject_sigma * score.spread)[best, np.arange(flashes)]
    else:  # more than any other matching can save
        limit = np.full(flashes, (deviance.max() + 1) * (min(candidates, flashes) + 1))
    gain = np.where(possible, deviance - limit, np.inf)
    nobody = np.zeros((candidates, candidates))
    cost = np.concatenate([np.where(np.isfinite(gain), gain, 1.0), nobody], axis=1)
    _, column = linear_sum_assignment(cost)
    return np.where(column < flashes, column, -1).astype(np.int64)
