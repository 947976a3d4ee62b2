"""From the fit to clusters to the fit to charges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.course import Course, course_of
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.likelihood import Readout, Told, told_by
from zoo_ha_tpc.charge_fit.response import Layer, response_of
from zoo_ha_tpc.charge_fit.stretches import Stretches, stretches_of
from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA
from zoo_ha_tpc.fitting.images import Images
from zoo_ha_tpc.fitting.least_squares import (
    LEAST_VARIANCE,
    LOOSE_ANGLE,
    LOOSE_CURVATURE,
    LOOSE_MM,
)
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.robust import Matter
from zoo_ha_tpc.fitting.scattering import angle_variance
from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["ChargeFit", "ChargeSettings", "fit_charges"]

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

_AT_ONCE = 128  # stretches; their arrays take some 10 MB
_DRIFTS = 5  # at which the likelihood of a drift is looked at
_FACTORS = np.array([0.3, 10.0])  # of the usual number of electrons per mm
_ASKED = 4  # stretches of a track that are asked for its drift


@dataclass(frozen=True)
class ChargeSettings:
    """What the fit to charges takes for known.

    Attributes:
        layer: Spread and gain.
        ionisation: Electrons of tracks.
        drift_mm_us: Speed of the drift, where times of hits count from the crossing of the track;
            none: the drift is told by how far charges spread, which is less precise.
        rounds: How often course and charges are fitted in turn.
    """

    layer: Layer
    ionisation: Ionisation
    drift_mm_us: float | None = None
    rounds: int = 3


@dataclass(frozen=True)
class ChargeFit:
    """Fitted courses of N tracks.

    Attributes:
        course: Arcs, started at the first cluster, and what scattering does.
        covariance: Of offset along the normal, mm, angle and curvature there, (N, 3, 3).
        drift_mm: By the charges, (N,).
    """

    course: Course
    covariance: Array
    drift_mm: Array


def fit_charges(
    images: Images, tracks: Tracks, settings: ChargeSettings, charges: Charges, matter: Matter
) -> ChargeFit:
    """Arcs with scattering through the charges of all pads of each track.

    Args:
        images: Hits of N tracks.
        tracks: The fit to their clusters, from which this one starts.
        settings: Layer and ionisation.
        charges: Noise and threshold.
        matter: Particle and gas.
    """
    plane = images.grid.plane
    response = response_of(settings.layer, (plane.z.pitch_mm, plane.y.pitch_mm), plane.drift_mm)
    work = _Work(images, Readout(plane, response, settings.ionisation, charges))
    course = course_of(tracks.fit.scattered, tracks.fit.used, *_ends(tracks))
    drift = _timed(tracks, settings, plane.drift_mm)
    untold = np.flatnonzero(np.isnan(drift))
    if len(untold):
        drift[untold] = work.drift(course)[untold]
    for _ in range(settings.rounds):
        course, covariance = work.solved(course, drift, matter)
    return ChargeFit(course, covariance, drift)


def _timed(tracks: Tracks, settings: ChargeSettings, longest_mm: float) -> Array:
    """Drift by the times of the leading pads, NaN where they have none, (N,)."""
    if settings.drift_mm_us is None:
        return np.full(len(tracks.clusters.present), np.nan)
    time = np.where(tracks.clusters.present, tracks.clusters.time_ns, np.nan)
    told = ~np.isnan(time).all(1)
    middle = np.full(len(time), np.nan)
    middle[told] = np.nanmedian(time[told], axis=1)
    # A leading pad is highest about the peaking time after its electrons.
    drift = 1e-3 * settings.drift_mm_us * (middle - settings.layer.peaking_ns)
    return np.asarray(np.clip(drift, 0, longest_mm))


def _ends(tracks: Tracks) -> tuple[Array, Array]:
    """Path of the first and of the last cluster."""
    path, present = tracks.fit.scattered.path_mm, tracks.clusters.present
    some = present.any(1)
    first = np.where(some, np.where(present, path, np.inf).min(1), 0.0)
    last = np.where(some, np.where(present, path, -np.inf).max(1), 0.0)
    return first, last


class _Work:
    """What all rounds need."""

    def __init__(self, images: Images, readout: Readout) -> None:
        self.images, self.readout = images, readout

    def drift(self, course: Course) -> Array:
        """Drift of each track, (N,): where the likelihood of some stretches is largest."""
        longest, number = self.readout.plane.drift_mm, len(course.length_mm)
        grid = np.linspace(0.05, 0.95, _DRIFTS) * longest
        total = np.zeros((number, _DRIFTS))
        stretches, electrons = self._stretches(course, np.full(number, longest / 2))
        asked = _asked(stretches, number)
        for index, one in enumerate(grid):
            electrons = replace(electrons, drift_mm=np.full(number, one))
            told = self._told(course, electrons, asked)
            np.add.at(total[:, index], asked.track, told.deviance)
        return _lowest(grid, total)

    def solved(self, course: Course, drift_mm: Array, matter: Matter) -> tuple[Course, Array]:
        """One step: the course, and the covariance of offset, angle and curvature, (N, 3, 3)."""
        stretches, electrons = self._stretches(course, drift_mm)
        told = self._told(course, electrons, stretches)
        number, length = len(course.length_mm), course.length_mm
        normal = np.zeros((number, *told.information.shape[1:]))
        right = np.zeros(normal.shape[:2])
        np.add.at(normal, stretches.track, told.information)
        np.add.at(right, stretches.track, told.right)
        prior = _prior(course, matter, self.readout.plane.field_tesla)
        index = np.arange(normal.shape[1])
        normal[:, index, index] += prior
        right[:, 2] -= prior[:, 2] * course.arcs.curvature * length**2
        inverse = np.linalg.inv(normal)
        change = np.einsum("nkl,nl->nk", inverse, right)
        scale = np.stack([np.ones_like(length), 1 / length, 1 / length**2], 1)
        covariance = inverse[:, :3, :3] * scale[:, :, None] * scale[:, None, :]
        return course.moved(change), covariance

    def _stretches(self, course: Course, drift_mm: Array) -> tuple[Stretches, Electrons]:
        """Stretches, and electrons per mm of each track by its charges."""
        plane, response = self.readout.plane, self.readout.response
        usual = self.readout.ionisation.per_mm
        electrons = Electrons(drift_mm, np.full(len(drift_mm), usual))
        threshold = self.readout.charges.threshold
        for _ in range(2):
            stretches = stretches_of(plane, course, response, electrons, threshold)
            number, tracks = len(drift_mm), stretches.track
            seen = np.bincount(tracks, self._charges(stretches).sum(1), number)
            expected = np.where(stretches.present, stretches.height, 0.0).sum(1)
            expected = np.bincount(tracks, expected, number)
            per_mm = np.where(expected > 0, seen / np.maximum(expected, 1e-9), usual)
            electrons = Electrons(drift_mm, np.clip(per_mm, *(usual * _FACTORS)))
        return stretches, electrons

    def _charges(self, stretches: Stretches) -> Array:
        grid = self.images.grid
        cell = grid.row_cells[stretches.row] * grid.shape[1] + grid.column_cells[stretches.column]
        found = self.images.charges[stretches.track[:, None], cell]
        return np.where(stretches.present, found, 0.0).astype(np.float64)

    def _told(self, course: Course, electrons: Electrons, stretches: Stretches) -> Told:
        order = np.argsort(stretches.present.sum(1), kind="stable")
        ordered, parts = _taken(stretches, order), []
        for at in range(0, len(order), _AT_ONCE):
            part = ordered.part(slice(at, at + _AT_ONCE))
            parts.append(told_by(self.readout, course, electrons, part, self._charges(part)))
        back = np.argsort(order)
        names = ("information", "right", "deviance")
        return Told(
            *(np.concatenate([getattr(one, name) for one in parts])[back] for name in names)
        )


def _taken(stretches: Stretches, index: Ints) -> Stretches:
    names = ("track", "middle_mm", "present", "row", "column", "time", "height")
    return Stretches(*(getattr(stretches, name)[index] for name in names))


def _asked(stretches: Stretches, tracks: int) -> Stretches:
    """Some stretches of each track, evenly over it."""
    count = np.bincount(stretches.track, minlength=tracks)
    first = np.cumsum(count) - count
    number = np.minimum(count, _ASKED)
    track = np.repeat(np.arange(tracks), number)
    which = np.arange(len(track)) - (np.cumsum(number) - number)[track]
    chosen = first[track] + (which + 0.5) * count[track] / number[track]
    return _taken(stretches, chosen.astype(np.intp))


def _lowest(grid: Array, deviance: Array) -> Array:
    """Where a parabola through the lowest of some values and its neighbours is lowest."""
    best = np.clip(deviance.argmin(1), 1, len(grid) - 2)
    rows = np.arange(len(best))
    low, middle, high = (deviance[rows, best + step] for step in (-1, 0, 1))
    bend = low + high - 2 * middle
    shift = np.where(bend > 1e-9, (low - high) / (2 * np.maximum(bend, 1e-9)), 0.0)
    edge = np.where(low < high, -1.0, 1.0) * (np.minimum(low, high) < middle)
    shift = np.where(bend > 1e-9, np.clip(shift, -1, 1), edge)
    return np.asarray(grid[best] + shift * (grid[1] - grid[0]))


def _prior(course: Course, matter: Matter, field_tesla: float) -> Array:
    """Weights of what is known of the parameters beforehand, in units of the length, (N, K)."""
    length, kinks = course.length_mm, course.kinks_mm.shape[1]
    variance = angle_variance(
        course.arcs.curvature / (CURVATURE_PER_TESLA * field_tesla),
        length,
        matter.mass_gev,
        matter.radiation_length_mm,
    )
    scale = np.stack([np.ones_like(length), 1 / length, 1 / length**2], 1)
    loose = (scale / np.array([LOOSE_MM, LOOSE_ANGLE, LOOSE_CURVATURE])) ** 2
    stiff = kinks / length**3 / np.maximum(variance, LEAST_VARIANCE)
    return np.concatenate([loose, np.repeat(stiff[:, None], kinks, 1)], 1)
