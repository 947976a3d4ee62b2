"""From the fit to clusters to the fit to charges."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.arrivals import arrivals_of
from zoo_ha_tpc.charge_fit.course import Course, course_of
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.likelihood import TIMES_NS, Readout, Told, slice_mm, told_by
from zoo_ha_tpc.charge_fit.pads import Reports
from zoo_ha_tpc.charge_fit.response import Layer, response_of
from zoo_ha_tpc.charge_fit.sampling import Sampling
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
from zoo_ha_tpc.fitting.times import Drift
from zoo_ha_tpc.fitting.tracks import Tracks

__all__ = ["ChargeFit", "ChargeSettings", "fit_charges"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_AT_ONCE = 32  # stretches; their arrays take some 10 MB
_DRIFTS = 5  # at which the likelihood of a drift is looked at
_FACTORS = np.array([0.3, 10.0])  # of the usual number of electrons per mm
_TIMES_OPEN_NS = 100.0  # how well arrivals are known before the fit
_ASKED = 4  # stretches of a track that are asked for its drift


@dataclass(frozen=True)
class ChargeSettings:
    """What the fit to charges takes for known.

    Attributes:
        layer: Spread and gain.
        ionisation: Electrons of tracks.
        sampling: Of the pulses.
        rounds: How often course and charges are fitted in turn.
    """

    layer: Layer
    ionisation: Ionisation
    sampling: Sampling
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
        matter: Particle and gas. Without its ``drift`` that is told by how far charges spread,
            which is less precise.
    """
    plane = images.grid.plane
    response = response_of(settings.layer, (plane.z.pitch_mm, plane.y.pitch_mm), plane.drift_mm)
    work = _Work(images, Readout(plane, response, settings.ionisation, charges, settings.sampling))
    course = course_of(tracks.fit.scattered, tracks.fit.used, *_ends(tracks))
    arrival, later = arrivals_of(tracks, course.length_mm, settings.layer.peaking_ns)
    drift = _timed(course, arrival, later, matter.drift, plane.drift_mm)
    untold = np.flatnonzero(np.isnan(drift))
    if len(untold):
        drift[untold] = work.drift(course, arrival, later)[untold]
    for left in reversed(range(settings.rounds)):
        electrons = work.electrons(course, drift, arrival, later)
        course, covariance, change = work.solved(course, electrons, matter, last=left == 0)
        arrival, later = arrival + change[:, 0], later + change[:, 1]
    return ChargeFit(course, covariance, drift)


def _timed(
    course: Course, arrival: Array, later: Array, drift: Drift | None, longest_mm: float
) -> Array:
    """Drift of the middle of each track by the time of arrival, NaN without times, (N,)."""
    if drift is None:
        return np.full(len(arrival), np.nan)
    middle = arrival + later * course.length_mm / 2
    return np.clip(1e-3 * drift.mm_us * middle, 0, longest_mm)


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
        self.times, self.widths = images.on_grid(images.time_ns), images.on_grid(images.width_ns)

    def drift(self, course: Course, arrival: Array, later: Array) -> Array:
        """Drift of each track, (N,): where the likelihood of some stretches is largest."""
        longest, number = self.readout.plane.drift_mm, len(course.length_mm)
        grid = np.linspace(0.05, 0.95, _DRIFTS) * longest
        total = np.zeros((number, _DRIFTS))
        electrons = self.electrons(course, np.full(number, longest / 2), arrival, later)
        asked = _asked(self._stretches(course, electrons), number)
        for index, one in enumerate(grid):
            electrons = replace(electrons, drift_mm=np.full(number, one))
            told = self._told(course, electrons, asked)
            np.add.at(total[:, index], asked.track, told.deviance)
        return _lowest(grid, total)

    def solved(
        self, course: Course, electrons: Electrons, matter: Matter, *, last: bool
    ) -> tuple[Course, Array, Array]:
        """One step.

        Returns:
            The course; the covariance of offset, angle and curvature, (N, 3, 3); by how much
            arrivals change, ns and ns/mm, (N, 2).
        """
        stretches = self._stretches(course, electrons)
        told = self._told(course, electrons, stretches, last=last)
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
        times = change[:, -2:] * TIMES_NS / np.stack([np.ones_like(length), length], 1)
        return course.moved(change[:, :-2]), covariance, times

    def electrons(self, course: Course, drift_mm: Array, arrival: Array, later: Array) -> Electrons:
        """Electrons per mm of each track by its charges."""
        usual = self.readout.ionisation.per_mm
        electrons = Electrons(drift_mm, np.full(len(drift_mm), usual), arrival, later)
        for _ in range(2):
            stretches = self._stretches(course, electrons)
            number, tracks = len(drift_mm), stretches.track
            seen = np.bincount(tracks, self._charges(stretches).sum(1), number)
            expected = np.where(stretches.present, stretches.height, 0.0).sum(1)
            expected = np.bincount(tracks, expected, number)
            per_mm = np.where(expected > 0, seen / np.maximum(expected, 1e-9), usual)
            electrons = replace(electrons, per_mm=np.clip(per_mm, *(usual * _FACTORS)))
        return electrons

    def _stretches(self, course: Course, electrons: Electrons) -> Stretches:
        readout = self.readout
        return stretches_of(
            readout.plane, course, readout.response, electrons, readout.charges.threshold
        )

    def _charges(self, stretches: Stretches) -> Array:
        return self._of(self.images.charges, stretches)

    def _of(self, values: Floats, stretches: Stretches) -> Array:
        """What pads have of a quantity of cells; 0 where there is no pad."""
        grid = self.images.grid
        cell = grid.row_cells[stretches.row] * grid.shape[1] + grid.column_cells[stretches.column]
        found = values[stretches.track[:, None], cell]
        return np.where(stretches.present, found, 0.0).astype(np.float64)

    def _reports(self, stretches: Stretches, electrons: Electrons) -> Reports:
        track = stretches.track[:, None]
        arrival = electrons.arrival_ns[track] + electrons.later_ns_mm[track] * stretches.path_mm
        return Reports(
            self._charges(stretches),
            self._of(self.times, stretches) - arrival,
            self._of(self.widths, stretches),
        )

    def _told(
        self, course: Course, electrons: Electrons, stretches: Stretches, *, last: bool = False
    ) -> Told:
        width = slice_mm(electrons.drift_mm[stretches.track], last=last)
        order = np.lexsort((stretches.present.sum(1), width))
        ordered, parts = _taken(stretches, order), []
        cuts = np.searchsorted(width[order], np.unique(width), side="right")
        for at, end in zip([0, *cuts], cuts, strict=False):
            for first in range(at, end, _AT_ONCE):
                part = ordered.part(slice(first, min(first + _AT_ONCE, end)))
                reports = self._reports(part, electrons)
                parts.append(told_by(self.readout, course, electrons, part, reports, last=last))
        back = np.argsort(order)
        names = ("information", "right", "deviance")
        return Told(
            *(np.concatenate([getattr(one, name) for one in parts])[back] for name in names)
        )


def _taken(stretches: Stretches, index: Ints) -> Stretches:
    names = [one.name for one in fields(Stretches)]
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
    times = np.broadcast_to((TIMES_NS / _TIMES_OPEN_NS) ** 2, (len(length), len(TIMES_NS)))
    return np.concatenate([loose, np.repeat(stiff[:, None], kinks, 1), times], 1)
