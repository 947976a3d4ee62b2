"""Flashes: errors against the scatter of toys, and against the photon Monte Carlo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_optics.reconstruction.events import Event, events_of
from zoo_optics.reconstruction.light import DirectLight, Light
from zoo_optics.reconstruction.maximise import log_likelihood
from zoo_optics.reconstruction.vertex import FLAT_SHARE, VertexHypothesis, fit_vertex
from zoo_optics.sources.cherenkov import Cherenkov

POINT = np.array([-60.0, 30.0, 80.0])
FEW_SENSORS = {
    "tank": {
        "radius_cm": 150.0,
        "half_height_cm": 150.0,
        "rows": 6,
        "columns": 12,
        "rings": (10, 6, 1),
    }
}


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


def _toy(light: Light, photons: float, rng: np.random.Generator) -> Event:
    """Drawn from the hypothesis: counts, residuals of the core, and dark hits."""
    seen, sensors = light.at(POINT[None]), len(light.detector.sensors)
    lit = rng.poisson(photons * seen.direct[0])
    dark = rng.poisson(light.dark_per_ns * light.window_ns, sensors)
    sensor = np.repeat(np.arange(sensors), lit)
    late = seen.width_ns[0, sensor] * rng.standard_normal(len(sensor))
    time = seen.distance_cm[0, sensor] * light.index[0] / 29.9792458 + late
    noisy = np.repeat(np.arange(sensors), dark)
    times = np.concatenate([time, light.window_ns * rng.random(len(noisy))])
    charge = (lit + dark).astype(np.float64)
    return Event(1, charge, np.concatenate([sensor, noisy]), times)


def test_densities_are_normalised(source: Callable[..., Cherenkov]) -> None:
    """Summed over a fine grid of times inside the window, at sensors near and far."""
    made = source(dark_khz=50.0)
    light = straight(made)
    step = 0.02
    times = np.arange(0, light.window_ns, step) + step / 2
    for sensor in (0, 200, 497):
        event = Event(1, np.zeros(498), np.full(len(times), sensor), times)
        parameters = np.array([[*POINT, 5.0, np.log(5e4)]])
        _, density = VertexHypothesis(light).expect(parameters, event)
        assert density.sum() * step == pytest.approx(1, abs=2 * FLAT_SHARE)


def test_errors_are_the_scatter_of_toys(source: Callable[..., Cherenkov]) -> None:
    light = straight(source(dark_khz=20.0, **FEW_SENSORS))
    rng, pulls = np.random.default_rng(8), []
    for _ in range(60):
        best = fit_vertex(light, _toy(light, 60_000, rng))
        assert best.estimate.converged
        found = np.array([*best.position_cm, best.start_ns, best.photons])
        error = [*best.position_error_cm, best.start_error_ns, best.photons_error]
        pulls.append((found - [*POINT, 0, 60_000]) / error)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.5  # five means of error 0.13
    width = np.std(pulls, axis=0, ddof=1)
    assert width.mean() == pytest.approx(1, abs=0.15)
    assert np.all((width > 0.7) & (width < 1.35))


def test_flashes_of_the_monte_carlo(source: Callable[..., Cherenkov]) -> None:
    """Independent of the hypothesis: photons that scatter, with the true sensors."""
    made = source(photons=(20_000, 20_000), surfaces={"efficiency": 0.3, "wall_reflectivity": 0.1})
    keys = np.arange(100, 116, dtype=np.uint64)
    fields = frozenset({"position", "charge", "hit_sensor", "hit_time"})
    samples = made.simulate(keys, fields)
    light = straight(made)
    off, pulls = [], []
    for event, truth in zip(events_of(samples, 498, "here"), samples["position"], strict=True):
        best = fit_vertex(light, event)
        off.append(np.linalg.norm(best.position_cm - truth))
        pulls.append((best.position_cm - truth) / best.position_error_cm)
    assert np.median(off) < 3.5
    assert np.max(off) < 12
    assert np.std(pulls) < 1.5


def test_the_time_is_found_wherever_the_clock_starts(source: Callable[..., Cherenkov]) -> None:
    light = straight(source(dark_khz=0.0, **FEW_SENSORS))
    event = _toy(light, 60_000, np.random.default_rng(1))
    later = Event(1, event.charge, event.sensor, event.time_ns + 950)
    first, second = fit_vertex(light, event), fit_vertex(light, later)
    assert second.start_ns - first.start_ns == pytest.approx(950, abs=0.02)
    assert second.position_cm == pytest.approx(first.position_cm, abs=0.3)


def test_too_few_hits(source: Callable[..., Cherenkov]) -> None:
    light = straight(source())
    event = Event(7, np.zeros(498), np.arange(4), np.zeros(4))
    with pytest.raises(DataError, match="4 hits are too few for a fit") as told:
        fit_vertex(light, event)
    assert told.value.where == "event 7"


class _Rough(Straight):
    """The same with the noise of float32 arithmetic in a network."""

    def predict(self, samples: Table) -> Table:
        exact = super().predict(samples)
        noise = 1 + 1e-5 * np.random.default_rng(1).standard_normal(exact["charge"].shape)
        return Table({"id": samples.ids, "charge": exact["charge"] * noise})


def test_late_hits_do_not_magnify_the_noise_of_a_model(source: Callable[..., Cherenkov]) -> None:
    """Where all light is direct, what is left for indirect light is noise alone."""
    made = source(**FEW_SENSORS)
    smooth = straight(made)
    rough = Light(_Rough(DirectLight(made.facts)), made.facts)  # type: ignore[arg-type]
    event = _toy(smooth, 60_000, np.random.default_rng(1))
    late = Event(1, event.charge, event.sensor, event.time_ns + 12.0 * (event.sensor % 9 == 0))
    point = np.array([[*POINT, 0.0, np.log(60_000.0)]])
    first, second = (log_likelihood(VertexHypothesis(x), late, point)[0] for x in (smooth, rough))
    assert second == pytest.approx(first, abs=0.02)


def test_dead_sensors_do_not_bias(source: Callable[..., Cherenkov]) -> None:
    """A third of the sensors dead, all on one side: what they tell is left out."""
    light = straight(source(dark_khz=20.0, **FEW_SENSORS))
    alive = light.detector.sensors.position_cm[:, 0] > -60
    assert 0.2 < (~alive).mean() < 0.45
    rng, pulls = np.random.default_rng(9), []
    for _ in range(15):
        toy = _toy(light, 60_000, rng)
        table = Table(
            {
                "id": np.array([1], np.uint64),
                "charge": toy.charge[None],
                "alive": alive[None],
                "hit_sensor": Ragged.of([toy.sensor]),
                "hit_time": Ragged.of([toy.time_ns]),
            }
        )
        (event,) = events_of(table, len(toy.charge), "toys")
        assert not event.charge[~alive].any()
        assert alive[event.sensor].all()
        best = fit_vertex(light, event)
        error = [*best.position_error_cm, best.photons_error]
        found = np.array([*best.position_cm, best.photons])
        pulls.append((found - np.array([*POINT, 60_000])) / error)
    mean = np.mean(pulls, axis=0)
    np.testing.assert_allclose(mean, 0, atol=4 / np.sqrt(15))
    assert float(np.mean(np.square(pulls))) == pytest.approx(1, abs=4 * np.sqrt(2 / 60))
