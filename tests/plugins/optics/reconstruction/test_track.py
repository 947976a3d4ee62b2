"""Tracks: errors against the scatter of toys, and against the photon Monte Carlo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.reconstruction.events import Event, events_of
from zoo_optics.reconstruction.fit_track import TrackSettings, fit_track, frame_of
from zoo_optics.reconstruction.light import DirectLight, Light
from zoo_optics.reconstruction.maximise import maximise
from zoo_optics.reconstruction.seed import Seed, moved_inside
from zoo_optics.reconstruction.summary import degrees_between
from zoo_optics.reconstruction.track import TrackHypothesis
from zoo_optics.sources.cherenkov import Cherenkov

CONE = np.deg2rad(41.4)
AXIS = np.array([0.48, -0.6, 0.64])
TRUTH = np.array([-40.0, 50.0, -70.0, 0.0, 0.0, 0.0, np.log(30_000.0)])


class Straight:
    """Direct light alone, in closed form, as a predictor."""

    needs: frozenset[str] = frozenset({"position", "photons"})

    def __init__(self, light: DirectLight) -> None:
        self.light = light

    def predict(self, samples: Table) -> Table:
        visibility = self.light.at(samples["position"].astype(np.float64)).direct
        return Table({"id": samples.ids, "charge": visibility * samples["photons"][:, None]})


def straight(made: Cherenkov) -> Light:
    return Light(Straight(DirectLight(made.facts)), made.facts)  # type: ignore[arg-type]


def _track(light: Light, **changes: bool) -> TrackHypothesis:
    return TrackHypothesis(
        light=light, frame=frame_of(AXIS), cone_rad=CONE, length_cm=100.0, **changes
    )


def _toy(track: TrackHypothesis, rng: np.random.Generator) -> Event:
    """Drawn from the hypothesis: counts, residuals of the core, and dark hits."""
    light = track.light
    lit = track.lit(np.array([[*TRUTH[:5], CONE, np.log(100.0)]]))
    sensors = len(light.detector.sensors)
    seen = rng.poisson(np.exp(TRUTH[6]) * lit.direct[0])
    dark = rng.poisson(light.dark_per_ns * light.window_ns, sensors)
    sensor, noisy = np.repeat(np.arange(sensors), seen), np.repeat(np.arange(sensors), dark)
    late = lit.late.shift_ns[0, sensor]
    late = late + lit.late.width_ns[0, sensor] * rng.standard_normal(len(sensor))
    time = [lit.straight_ns[0, sensor] + late, light.window_ns * rng.random(len(noisy))]
    charge = (seen + dark).astype(np.float64)
    return Event(1, charge, np.concatenate([sensor, noisy]), np.concatenate(time))


def test_densities_are_normalised(source: Callable[..., Cherenkov]) -> None:
    light = straight(source(dark_khz=50.0))
    step = 0.02
    times = np.arange(0, light.window_ns, step) + step / 2
    bright = int(_track(light).direct(np.array([[*TRUTH[:5], CONE, np.log(100.0)]])).argmax())
    for sensor in (bright, 0):
        event = Event(1, np.zeros(498), np.full(len(times), sensor), times)
        point = TRUTH.copy()
        point[5] = 20.0
        _, density = _track(light).expect(point[None], event)
        assert density.sum() * step == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("free", [{}, {"free_cone": True, "free_length": True}])
def test_errors_are_the_scatter_of_toys(
    source: Callable[..., Cherenkov], free: dict[str, bool]
) -> None:
    track = _track(straight(source(dark_khz=20.0)), **free)
    truth = np.array([*TRUTH, CONE, np.log(100.0)])[track.free]
    rng, pulls = np.random.default_rng(9), []
    for _ in range(40):
        best = maximise(track, _toy(track, rng), truth)
        assert best.converged
        pulls.append((best.parameters - truth) / best.errors)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.6  # means of error 0.16
    width = np.std(pulls, axis=0, ddof=1)
    assert width.mean() == pytest.approx(1, abs=0.2)
    assert np.all((width > 0.6) & (width < 1.5))


def test_tracks_of_the_monte_carlo(source: Callable[..., Cherenkov]) -> None:
    """Independent of the hypothesis; the search starts without any knowledge of the truth."""
    made = source(photons=(20_000, 20_000), emission="track", positions={"margin_cm": 70.0})
    samples = made.simulate(
        np.arange(20, 28, dtype=np.uint64),
        frozenset({"position", "direction", "charge", "hit_sensor", "hit_time"}),
    )
    light, off, angle = straight(made), [], []
    for row, event in enumerate(events_of(samples, 498, "here")):
        best = fit_track(light, event, TrackSettings())
        off.append(np.linalg.norm(best.start_cm - samples["position"][row]))
        angle.append(degrees_between(best.direction, samples["direction"][row].astype(float)))
        assert best.photons == pytest.approx(20_000, rel=0.4)
    assert np.median(off) < 6
    assert np.max(off) < 40
    assert np.median(angle) < 3
    assert np.max(angle) < 25


def test_too_few_sensors(source: Callable[..., Cherenkov]) -> None:
    light = straight(source())
    event = Event(3, np.zeros(498), np.repeat(np.arange(4), 20), np.zeros(80))
    with pytest.raises(DataError, match="hits at 4 sensors are too few for a track") as told:
        fit_track(light, event, TrackSettings())
    assert told.value.where == "event 3"


def test_a_seed_on_the_wall_that_the_cone_lights_does_not_mislead(
    source: Callable[..., Cherenkov], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracks across the WCTE have such seeds now and then; the fit used to turn them round."""
    made = source(photons=(20_000, 20_000), emission="track", positions={"margin_cm": 70.0})
    samples = made.simulate(
        np.array([31], np.uint64),
        frozenset({"position", "direction", "charge", "hit_sensor", "hit_time"}),
    )
    light = straight(made)
    (event,) = events_of(samples, 498, "here")
    start, way = samples["position"][0].astype(float), samples["direction"][0].astype(float)
    wall = moved_inside(light.detector.volume, start[None] + 400.0 * way)[0]
    seed = Seed(wall, 3.0, 0.5)
    monkeypatch.setattr("zoo_optics.reconstruction.fit_track.find_seed", lambda *_: seed)
    best = fit_track(light, event, TrackSettings())
    assert degrees_between(best.direction, way) < 10
    assert np.linalg.norm(best.start_cm - start) < 20
