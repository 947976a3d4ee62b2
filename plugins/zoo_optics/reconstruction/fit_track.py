"""A track from charges and hit times: many starts by charge, then charge alone, then all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.physics.water import C_CM_NS
from zoo_optics.reconstruction.cone import direction_of
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.light import Light
from zoo_optics.reconstruction.maximise import Estimate, maximise
from zoo_optics.reconstruction.seed import Seed, find_places, find_seed, moved_inside
from zoo_optics.reconstruction.track import TrackHypothesis

__all__ = ["Track", "TrackSettings", "fit_track"]

Array = NDArray[np.float64]

_DIRECTIONS = 100
_AHEAD = (0.15, 0.4, 0.65)  # of the length: how far the seed may lie along the track
_KEPT, _CLIMBED = 10, 3
_PLACES = 5  # along each axis, where a track may start whatever the seed says
_WIDE, _NARROW = 0.10, 0.03  # blurs of the cosine on the way to the final one
_DIFFUSE = 0.1  # share of the light that a start takes to be spread evenly
_FEWEST_SENSORS = 10
_NEAR = 3.0  # radii of a sensor


@dataclass(frozen=True)
class TrackSettings:
    """What is known of tracks.

    Attributes:
        length_cm: Their length.
        cone_deg: Half opening of their cone.
        free_length: Whether the length is fitted too.
        free_cone: Likewise.
    """

    length_cm: float = 100.0
    cone_deg: float = 41.4
    free_length: bool = False
    free_cone: bool = False


@dataclass(frozen=True)
class Track:
    """What was found.

    Attributes:
        start_cm: (3,).
        direction: (3,), unit vector.
        start_ns: When the charge started.
        photons: How many the whole track emitted.
        length_cm: As given, or as found.
        cone_deg: Likewise.
        errors: (9,), standard errors of x, y, z (cm), two angles (rad), t0 (ns), log N, cone (rad)
            and log length; 0 where a parameter is fixed.
        frame: (3, 3), axes of the two angles.
        angles: (2,), longitude and latitude of the direction there, rad.
        seed: Where the search began.
        estimate: The free parameters with their covariance.
    """

    start_cm: Array
    direction: Array
    start_ns: float
    photons: float
    length_cm: float
    cone_deg: float
    errors: Array
    frame: Array
    angles: Array
    seed: Seed
    estimate: Estimate


def fit_track(light: Light, event: Event, settings: TrackSettings) -> Track:
    """The track of an event.

    Sensors that the track passes nearer than three of their radii are left out: for them it is no
    line of points that shine on a disc, and one of them may hold half of the charge.

    Raises:
        DataError: If hits are at fewer than ten sensors: most tracks that leave at once.
    """
    lit = len(event.first_hits.sensor)
    if lit < _FEWEST_SENSORS:
        raise DataError(
            f"hits at {lit} sensors are too few for a track",
            where=f"event {event.id}",
            remedy=f"take events with hits at {_FEWEST_SENSORS} sensors at least",
        )
    seed = find_seed(light.detector, event.first_hits, light.index[0])
    search = _Search(light, event, settings, seed)
    rough = [search.by_charge(start) for start in search.starts()]
    used = np.all([_far(*fit) for fit in rough], axis=0)
    fits = [search.by_time(*fit, used) for fit in rough]
    hypothesis, best = max(fits, key=lambda fit: fit[1].log_likelihood)
    used = _far(hypothesis, best)
    final = replace(
        hypothesis,
        blur=TrackHypothesis.blur,
        free_cone=settings.free_cone,
        free_length=settings.free_length,
        used=used.astype(np.float64),
    )
    first = hypothesis.whole(best.parameters[None])[0][final.free]
    return _track(final, maximise(final, event.only(used), first), seed)


def _far(hypothesis: TrackHypothesis, best: Estimate) -> NDArray[np.bool_]:
    """(S,), the sensors that the track does not pass too near."""
    places = hypothesis.whole(best.parameters[None])[:, [0, 1, 2, 3, 4, 7, 8]]
    near = _NEAR * hypothesis.light.detector.sensors.radius_cm
    far: NDArray[np.bool_] = hypothesis.lit(places).axis_cm[0] >= near
    return far


def _track(hypothesis: TrackHypothesis, best: Estimate, seed: Seed) -> Track:
    every = hypothesis.whole(best.parameters[None])[0]
    errors = np.zeros(9)
    errors[hypothesis.free] = best.errors
    return Track(
        every[:3],
        direction_of(hypothesis.frame, every[None, 3:5])[0],
        float(every[5]),
        float(np.exp(every[6])),
        float(np.exp(every[8])),
        float(np.rad2deg(every[7])),
        errors,
        hypothesis.frame,
        every[3:5],
        seed,
        best,
    )


@dataclass(frozen=True)
class _Start:
    point_cm: Array
    direction: Array
    start_ns: float
    log_photons: float
    value: float


@dataclass(frozen=True)
class _Search:
    """From a seed to the neighbourhood of the best track."""

    light: Light
    event: Event
    settings: TrackSettings
    seed: Seed

    def starts(self) -> list[_Start]:
        """The best of many, by charge.

        Tried are many directions about the seed, the best of them at more places along the track;
        and, for the seed may lie on the wall that the cone lights, a grid of places, from each of
        which the track runs to where the charge is.
        """
        seed = self.seed.position_cm, self.seed.start_ns
        directions = (self.towards_charge(seed[0]), *_spread(_DIRECTIONS))
        tried = _best([self.start(*seed, d, _AHEAD[1]) for d in directions], _KEPT)
        tried = [self.start(*seed, one.direction, a) for one in tried for a in _AHEAD]
        detector, hits = self.light.detector, self.event.first_hits
        for place, time in zip(
            *find_places(detector, hits, self.light.index[0], _PLACES), strict=True
        ):
            tried.append(self.start(place, time, self.towards_charge(place), _AHEAD[0]))
        return _best(tried, _CLIMBED)

    def towards_charge(self, place_cm: Array) -> Array:
        """Mean direction of the charge, as seen of a place, unit vector (3,)."""
        towards = self.light.detector.sensors.position_cm - place_cm
        towards = towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
        mean: Array = self.event.charge @ towards
        return mean / max(float(np.linalg.norm(mean)), 1e-9)

    def start(self, place_cm: Array, place_ns: float, direction: Array, ahead: float) -> _Start:
        """A track that has a place at a share of its length, with its best number of photons."""
        length = self.settings.length_cm
        back = place_cm - ahead * length * direction
        point = moved_inside(self.light.detector.volume, back[None])[0]
        wide = self._wide(direction)
        place = np.array([[*point, 0.0, 0.0, wide.cone_rad, np.log(length)]])
        direct = wide.direct(place)[0]
        shape = (1 - _DIFFUSE) * direct + _DIFFUSE * direct.mean() + 1e-12
        shape = shape * self.event.alive
        charge = self.event.charge
        return _Start(
            point,
            direction,
            place_ns - ahead * length / C_CM_NS,
            float(np.log(max(float(charge.sum()), 1.0) / shape.sum())),
            float(charge @ np.log(np.maximum(shape / shape.sum(), 1e-300))),
        )

    def by_charge(self, start: _Start) -> tuple[TrackHypothesis, Estimate]:
        """Charge alone, and a wide cone, which far-off starts climb."""
        point = np.array([*start.point_cm, 0.0, 0.0, start.start_ns, start.log_photons])
        wide = self._wide(start.direction)
        return wide, maximise(wide, self.event.untimed, point, most=10)

    def by_time(
        self, wide: TrackHypothesis, rough: Estimate, used: NDArray[np.bool_]
    ) -> tuple[TrackHypothesis, Estimate]:
        """All of the event, and a narrower cone."""
        narrower = replace(wide, blur=_NARROW, used=used.astype(np.float64))
        return narrower, maximise(narrower, self.event.only(used), rough.parameters, most=15)

    def _wide(self, direction: Array) -> TrackHypothesis:
        return TrackHypothesis(
            light=self.light,
            frame=frame_of(direction),
            cone_rad=float(np.deg2rad(self.settings.cone_deg)),
            length_cm=self.settings.length_cm,
            blur=_WIDE,
        )


def _best(starts: list[_Start], count: int) -> list[_Start]:
    return sorted(starts, key=lambda start: -start.value)[:count]


def frame_of(direction: Array) -> Array:
    """Three orthogonal unit vectors (3, 3), the first along a direction (3,)."""
    helper = np.zeros(3)
    helper[np.abs(direction).argmin()] = 1
    second = np.cross(direction, helper)
    second /= np.linalg.norm(second)
    return np.stack([direction, second, np.cross(direction, second)])


def _spread(count: int) -> Array:
    """Directions spread over the sphere on a Fibonacci spiral, (count, 3)."""
    z = 1 - 2 * (np.arange(count) + 0.5) / count
    phi = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    across = np.sqrt(1 - z**2)
    return np.stack([across * np.cos(phi), across * np.sin(phi), z], axis=1)
