"""Flashes fitted with the distribution of times that a model learnt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.api import Table
from zoo.cli.app import app
from zoo_optics.reconstruction.arrivals import learnt as learnt_arrivals
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.fit_track import frame_of
from zoo_optics.reconstruction.light import DirectLight, Light
from zoo_optics.reconstruction.maximise import maximise
from zoo_optics.reconstruction.track import TrackHypothesis
from zoo_optics.reconstruction.vertex import FLAT_SHARE, VertexHypothesis, fit_vertex
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.times.shapes import Shape

POINT = np.array([-60.0, 30.0, 80.0])
TRACK = np.array([-40.0, 50.0, -70.0, 0.0, 0.0, 0.0, np.log(60_000.0)])
CONE = float(np.deg2rad(41.4))
SHAPE = {"time_prompt": 0.6, "time_shift": 1.5, "time_width": 0.9, "time_tail": 7.0}
Source = Callable[..., Cherenkov]
Simulated = Callable[..., Path]


class Learnt:
    """Direct light in closed form, with one shape for all sensors, as a predictor."""

    needs: frozenset[str] = frozenset({"position", "photons"})

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts, self.light = facts, DirectLight(facts)

    def predict(self, samples: Table) -> Table:
        visibility = self.light.at(samples["position"].astype(np.float64)).direct
        times = {name: np.full(visibility.shape, x, np.float32) for name, x in SHAPE.items()}
        return Table(
            {"id": samples.ids, "charge": visibility * samples["photons"][:, None], **times}
        )


def light_of(made: Cherenkov, *, learnt: bool) -> Light:
    facts = dict(made.facts)
    return Light(Learnt(facts), facts, learnt_times=learnt)  # type: ignore[arg-type]


def toy(light: Light, photons: float, rng: np.random.Generator) -> Event:
    """Counts about the visibility, times of the shape above."""
    seen = light.at(POINT[None])
    lit = rng.poisson(photons * seen.direct[0])
    sensor = np.repeat(np.arange(len(lit)), lit)
    late = SHAPE["time_shift"] + SHAPE["time_width"] * rng.standard_normal(len(sensor))
    is_late = rng.random(len(sensor)) > SHAPE["time_prompt"]
    late += np.where(is_late, rng.exponential(SHAPE["time_tail"], len(sensor)), 0)
    time = seen.distance_cm[0, sensor] * light.learnt_index / 29.9792458 + late
    return Event(1, lit.astype(np.float64), sensor, time)


def test_densities_are_normalised(source: Source) -> None:
    light = light_of(source(dark_khz=50.0), learnt=True)
    step = 0.02
    times = np.arange(0, light.window_ns, step) + step / 2
    for sensor in (0, 200, 497):
        event = Event(1, np.zeros(498), np.full(len(times), sensor), times)
        parameters = np.array([[*POINT, 5.0, np.log(5e4)]])
        _, density = VertexHypothesis(light).expect(parameters, event)
        assert density.sum() * step == pytest.approx(1, abs=2 * FLAT_SHARE)


def test_what_was_learnt_finds_the_time_that_the_closed_form_misses(source: Source) -> None:
    """Light that is 1.5 ns late and of another tail than the closed form's."""
    made, rng = source(dark_khz=0.0), np.random.default_rng(4)
    learnt, closed = (light_of(made, learnt=known) for known in (True, False))
    starts, pulls, errors = [], [], []
    for _ in range(12):
        event = toy(learnt, 20_000, rng)
        best, other = fit_vertex(learnt, event), fit_vertex(closed, event)
        starts.append((best.start_ns, other.start_ns))
        pulls.append((best.position_cm - POINT) / best.position_error_cm)
        off = (np.linalg.norm(one.position_cm - POINT) for one in (best, other))
        errors.append([float(x) for x in off])
    found, missed = np.mean(starts, axis=0)
    assert found == pytest.approx(0, abs=0.15)
    assert missed > 1
    assert 0.6 < np.std(pulls) < 1.5
    assert np.mean(errors, axis=0)[0] < np.mean(errors, axis=0)[1]


def test_direct_light_of_a_track_has_the_core_of_where_it_starts() -> None:
    """By hand: middles of thirds are at 1/6, 1/2 and 5/6 of the track."""
    core = np.array([1.0, 2, 6])[None, :, None] * np.ones((1, 1, 7))
    place = np.array([[0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1]])
    found = learnt_arrivals(Shape(0 * core, core, 10 * core, 100 * core), place)
    np.testing.assert_allclose(found.shift_ns, [[1, 1, 1.5, 2, 4, 6, 6]])
    np.testing.assert_allclose(found.width_ns, 10 * found.shift_ns)
    np.testing.assert_array_equal(found.indirect_shift_ns, core)
    np.testing.assert_array_equal(found.tail_ns, 100 * core)


def track_of(light: Light) -> TrackHypothesis:
    axis = np.array([0.48, -0.6, 0.64])
    return TrackHypothesis(light=light, frame=frame_of(axis), cone_rad=CONE, length_cm=100.0)


def toy_track(track: TrackHypothesis, rng: np.random.Generator) -> Event:
    """Counts of direct light, times of the core of the shape above, in the clock of its model."""
    lit = track.lit(np.array([[*TRACK[:5], CONE, np.log(100.0)]]))
    seen = rng.poisson(np.exp(TRACK[6]) * lit.direct[0])
    sensor = np.repeat(np.arange(len(seen)), seen)
    late = SHAPE["time_shift"] + SHAPE["time_width"] * rng.standard_normal(len(sensor))
    return Event(1, seen.astype(np.float64), sensor, lit.straight_ns[0, sensor] + late)


def test_densities_of_tracks_are_normalised(source: Source) -> None:
    track, step = track_of(light_of(source(dark_khz=50.0), learnt=True)), 0.02
    times = np.arange(0, track.light.window_ns, step) + step / 2
    bright = int(track.direct(np.array([[*TRACK[:5], CONE, np.log(100.0)]])).argmax())
    for sensor in (bright, 0):
        event = Event(1, np.zeros(498), np.full(len(times), sensor), times)
        point = TRACK.copy()
        point[5] = 20.0
        _, density = track.expect(point[None], event)
        assert density.sum() * step == pytest.approx(1, abs=3e-3)


def test_what_was_learnt_finds_the_time_of_tracks_too(source: Source) -> None:
    """The same delay: the closed form takes it for a later start."""
    made, rng = source(dark_khz=0.0), np.random.default_rng(6)
    learnt, closed = (track_of(light_of(made, learnt=known)) for known in (True, False))
    starts, pulls = [], []
    for _ in range(8):
        event = toy_track(learnt, rng)
        best, other = (maximise(track, event, TRACK) for track in (learnt, closed))
        starts.append((best.parameters[5], other.parameters[5]))
        pulls.append((best.parameters - TRACK) / best.errors)
    found, missed = np.mean(starts, axis=0)
    assert found == pytest.approx(0, abs=0.15)
    assert missed > 1
    assert 0.6 < np.std(pulls) < 1.5


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(
    plugin: None, simulated: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A run whose model tells times, and its data."""
    data = simulated("timed", 20, 2, photons=(20_000, 20_000))
    run = tmp_path_factory.mktemp("runs") / "timed"
    words = ("train", "optics/siren-prior", "--data", data, "--out", run, "--recipe", "better")
    sets = ("training.steps=40", "training.batch=4", "training.validate_every=40")
    fast = ("optimizers.net.lr=2e-3", "optimizers.net.schedule.warmup=2", "model.time=true")
    done = _run(*words, *(part for one in (*sets, *fast) for part in ("--set", one)))
    assert done.exit_code == 0, done.output
    return run, data


def test_the_command_says_which_times_it_used(
    trained: tuple[Path, Path], simulated: Simulated
) -> None:
    run, _ = trained
    flashes = simulated("flashes", 8, 1, photons=(20_000, 20_000))
    told = {}
    for times, words in {"learnt": (), "closed-form": ("--times", "closed-form")}.items():
        done = _run("optics", "fit-vertex", run, "--data", flashes, *words, "--json")
        assert done.exit_code == 0, done.output
        told[times] = json.loads(done.stdout)["summary"]
        assert told[times]["times"] == times
        assert told[times]["distance_cm"]["median"] < 6
    assert told["learnt"]["distance_cm"] != told["closed-form"]["distance_cm"]
    people = _run("optics", "fit-vertex", run, "--data", flashes, "--limit", "1")
    assert "times: learnt" in people.stdout


def tracks_of(simulated: Simulated) -> Path:
    inside = {"margin_cm": 70.0}
    return simulated("tracks", 3, 6, emission="track", photons=(20_000, 20_000), positions=inside)


def test_tracks_are_fitted_with_learnt_times_too(
    trained: tuple[Path, Path], simulated: Simulated
) -> None:
    run, _ = trained
    tracks, told = tracks_of(simulated), {}
    for times, words in {"learnt": (), "closed-form": ("--times", "closed-form")}.items():
        fit = ("optics", "fit-track", run, "--data", tracks, "--limit", "1")
        done = _run(*fit, *words, "--json")
        assert done.exit_code == 0, done.output
        told[times] = json.loads(done.stdout)
        assert told[times]["summary"]["times"] == times
        assert told[times]["events"][0]["distance_cm"] < 25
    one, other = (told[times]["events"][0]["start_ns"] for times in told)
    assert one != other


def test_times_that_were_not_learnt_are_refused(
    trained: tuple[Path, Path], simulated: Simulated
) -> None:
    _, data = trained
    words = ("optics", "fit-vertex", "optics/analytic", "--data", data, "--training", data)
    tracks = tracks_of(simulated)
    other = ("optics", "fit-track", "optics/analytic", "--data", tracks, "--training", data)
    for command in (words, other):
        done = _run(*command, "--times", "learnt", "--json")
        told = json.loads(done.stdout)
        assert done.exit_code == told["exit_code"] == 2
        assert told["message"] == "this model has learnt no times"
        assert "model.time=true" in told["remedy"]
    closed = _run(*words, "--limit", "1")
    assert "times: closed-form" in closed.stdout


def test_predictions_and_evaluations_have_the_times(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    run, data = trained
    done = _run("predict", run, "--data", data, "--split", "all", "--out", tmp_path / "p.h5")
    assert done.exit_code == 0, done.output
    done = _run("eval", run, "--data", data, "--split", "all", "--resamples", "20", "--json")
    assert done.exit_code == 0, done.output
    models = {one["model"]: one for one in json.loads(done.stdout)["models"]}
    mine = next(one for name, one in models.items() if name.endswith("timed"))
    found = {n["name"]: n["value"] for n in mine["numbers"] if not n["column"]}
    assert abs(found["time pull bias"]) < 0.3
    assert found["time gain"] > -0.2
    table = {n["name"]: n["value"] for n in models["optics/lut"]["numbers"] if not n["column"]}
    assert table["time NLL"] is None
