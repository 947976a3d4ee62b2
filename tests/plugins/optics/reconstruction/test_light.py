"""Direct light in closed form against photons that are followed one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.transport import Hits, Photons
from zoo_optics.reconstruction.light import DirectLight, Light, require_same_detector
from zoo_optics.sources.cherenkov import Cherenkov

Source = Callable[..., Cherenkov]
PHOTONS = 60_000
POINTS = np.array([[0.0, 0.0, 0.0], [60.0, -40.0, 90.0], [-100.0, 50.0, -20.0]])
COLOURS = {"wavelength_nm": (350.0, 500.0), "rayleigh_factor": 0.05, "dark_khz": 0.0}


def _hits(made: Cherenkov, point: np.ndarray, seed: int) -> Hits:
    rng = np.random.default_rng(seed)
    low, high = made.config.wavelength_nm
    photons = Photons(
        np.tile(point, (PHOTONS, 1)),
        isotropic(rng.random((PHOTONS, 2))),
        np.zeros(PHOTONS),
        1 / (1 / low + rng.random(PHOTONS) * (1 / high - 1 / low)),
        np.zeros(PHOTONS, dtype=np.int64),
    )
    return made._transport.run(photons, rng)


def test_direct_light_is_that_of_the_transport(source: Source) -> None:
    """In water that scatters much, so that attenuation matters; chi2 over groups of sensors."""
    made = source(**COLOURS)
    light = DirectLight(made.facts)
    for seed, point in enumerate(POINTS):
        hits = _hits(made, point, seed)
        counts = np.bincount(hits.sensor[hits.direct], minlength=len(light.detector.sensors))
        expected = PHOTONS * light.at(point[None]).direct[0]
        assert counts.sum() == pytest.approx(expected.sum(), abs=3.5 * np.sqrt(expected.sum()))
        order = np.argsort(-expected)
        groups = np.add.reduceat(np.stack([counts, expected])[:, order], range(0, 480, 40), axis=1)
        chi2 = ((groups[0] - groups[1]) ** 2 / groups[1])[:-1].sum()
        assert chi2 < 32  # 11 groups: beyond with a probability below 1e-3


def test_direct_light_has_the_width_of_its_times(source: Source) -> None:
    made = source(**COLOURS)
    light = DirectLight(made.facts)
    seen, hits = light.at(POINTS[:1]), _hits(made, POINTS[0], 5)
    sensor = hits.sensor[hits.direct]
    late = hits.time[hits.direct] - seen.distance_cm[0, sensor] * light.index[0] / 29.9792458
    bare = np.sqrt(seen.width_ns[0, sensor] ** 2 - light.spread_ns**2)  # before the transit time
    assert np.abs(np.mean(late / bare)) < 0.15
    assert np.std(late / bare) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("reflectivity", [0.0, 0.14])
def test_indirect_light_is_late_by_a_share_of_the_chord(
    source: Source, reflectivity: float
) -> None:
    options = {
        "surfaces": {"efficiency": 0.3, "wall_reflectivity": reflectivity},
        "dark_khz": 0.0,
        "rayleigh_factor": 0.1,
    }
    made = source(**options)
    light = DirectLight(made.facts)
    delays = []
    for seed, point in enumerate(POINTS):
        hits, seen = _hits(made, point, seed), light.at(point[None])
        late = hits.time - seen.distance_cm[0, hits.sensor] * light.index[0] / 29.9792458
        delays.append(late[~hits.direct])
    assert np.concatenate(delays).mean() == pytest.approx(light.tail_ns, rel=0.3)


@pytest.mark.parametrize("name", ["medium", "surfaces", "window_ns"])
def test_facts_that_do_not_tell_enough(source: Source, name: str) -> None:
    facts = {key: value for key, value in source().facts.items() if key != name}
    with pytest.raises(DataError, match=f"the facts lack {name}") as told:
        DirectLight(facts)
    assert "cherenkov" in told.value.remedy


def test_another_medium(source: Source) -> None:
    facts = {**source().facts, "medium": {"kind": "argon"}}
    with pytest.raises(DataError, match="the medium is not water"):
        DirectLight(facts)


class _TooFew:
    needs: frozenset[str] = frozenset()

    def predict(self, samples: Table) -> Table:
        return Table({"id": samples.ids, "charge": np.zeros((samples.rows, 7), np.float32)})


def test_a_model_of_other_sensors(source: Source) -> None:
    light = Light(_TooFew(), source().facts)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="answers for 7 sensors, the data have 498") as told:
        light.visibility(POINTS)
    assert "trained for this detector" in told.value.remedy


def test_geometries_that_differ(source: Source) -> None:
    mine, other = source().facts, source(tank={"radius_cm": 140.0}).facts
    require_same_detector(mine, source(dark_khz=0.0).facts, "run")
    with pytest.raises(DataError, match="the model knows the sensors") as told:
        require_same_detector(mine, other, "run")
    assert told.value.where == "run: geometry"
