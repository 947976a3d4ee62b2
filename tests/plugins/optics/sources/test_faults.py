"""Dead sensors, yields and wrong positions: what simulators make of them, and what they tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import ConfigError
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig, LarBoxConfig
from zoo_optics.sources.faults import Faults, FaultsConfig, alive_channels
from zoo_optics.sources.lar_box import LarBox

KEYS = np.arange(40, dtype=np.uint64)
SEEN = frozenset({"position", "photons", "charge", "alive", "expected"})
SMALL = {
    "tank": {"radius_cm": 150, "half_height_cm": 150, "rows": 6, "columns": 12, "rings": [8, 1]},
    "photons": [20_000, 20_000],
}


def box(**faults: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate({"faults": faults}))


def tank(efficiency: float = 0.5, dark_khz: float = 0.0, **faults: Any) -> Cherenkov:
    surfaces = {"efficiency": efficiency}
    return Cherenkov(
        CherenkovConfig.model_validate(
            {**SMALL, "surfaces": surfaces, "dark_khz": dark_khz, "faults": faults}
        )
    )


def test_dead_sensors_are_a_share_of_all_and_always_the_same() -> None:
    one = Faults.of(FaultsConfig(dead=0.25), 60)
    assert (~one.alive).sum() == 15
    again = Faults.of(FaultsConfig(dead=0.25, yield_rms=0.2), 60)
    np.testing.assert_array_equal(one.alive, again.alive)
    other = Faults.of(FaultsConfig(dead=0.25, seed=2), 60)
    assert (other.alive != one.alive).any()


def test_yields_have_their_spread_and_no_mean() -> None:
    faults = Faults.of(FaultsConfig(dead=0.1, yield_rms=0.15), 5000)
    logarithm = np.log(faults.yields[faults.alive])
    assert logarithm.mean() == pytest.approx(0, abs=1e-12)
    assert logarithm.std() == pytest.approx(0.15, rel=4 / np.sqrt(2 * 4500))
    assert not faults.yields[~faults.alive].any()


def test_without_faults_nothing_is_told_and_nothing_changes() -> None:
    assert Faults.of(FaultsConfig(), 60).facts() == {}
    plain, still = box(), box(seed=9)
    assert set(plain.facts) == set(still.facts)
    fields = SEEN - {"alive"}
    for name in fields:
        np.testing.assert_array_equal(
            plain.simulate(KEYS, fields)[name], still.simulate(KEYS, fields)[name]
        )


def test_a_box_with_faults() -> None:
    """Expected charges are those of the plain box times the yields, at the true positions."""
    shift = [1.0, -2.0, 3.0]
    faulty = box(dead=0.2, yield_rms=0.15, position_error_cm=shift)
    table, plain = faulty.simulate(KEYS, SEEN), box().simulate(KEYS, SEEN - {"alive"})
    facts = faulty.facts
    np.testing.assert_array_equal(table["alive"], np.tile(facts["alive"], (40, 1)))
    assert table["alive"].dtype == bool
    assert (~facts["alive"]).sum() == 12
    np.testing.assert_allclose(table["expected"], plain["expected"] * facts["yields"], rtol=1e-6)
    assert not table["charge"][:, ~facts["alive"]].any()
    np.testing.assert_allclose(
        table["position"] - plain["position"], np.tile(shift, (40, 1)), atol=1e-4
    )
    assert facts["position_error_cm"] == shift


def test_a_tank_with_faults() -> None:
    """The same photons arrive: a yield below 1 keeps each hit with that probability.

    So of n hits ``y n`` are left with the variance ``n y (1 - y)``; a yield above 1 adds
    ``(y - 1) n`` of the photons that were not seen before, with the variance ``n y (y - 1)``.
    """
    fields = SEEN - {"expected"}
    faulty = tank(dead=0.2, yield_rms=0.2)
    found = faulty.simulate(KEYS, fields)["charge"].sum(0)
    alike = tank().simulate(KEYS, fields - {"alive"})["charge"].sum(0)
    alive, yields = faulty.facts["alive"], faulty.facts["yields"]
    assert not found[~alive].any()
    off = (found - yields * alike)[alive]
    pull = off / np.sqrt(alike * yields * np.abs(1 - yields))[alive]
    assert np.mean(pull**2) == pytest.approx(1, abs=4 * np.sqrt(2 / alive.sum()))
    assert (found <= alike)[yields < 1].all()
    assert (found >= alike)[yields > 1].all()


def test_dead_sensors_have_no_dark_hits() -> None:
    dead = tank(efficiency=0.0, dark_khz=100.0, dead=0.3)
    charge = dead.simulate(KEYS, frozenset({"charge"}))["charge"]
    alive = dead.facts["alive"]
    assert not charge[:, ~alive].any()
    mean = 100e3 * 300e-9 * alive.sum() * 40
    assert charge.sum() == pytest.approx(mean, abs=4 * np.sqrt(mean))


def test_a_yield_that_no_sensor_can_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="the largest yield makes a probability of detection of"):
        tank(efficiency=0.95, yield_rms=0.2)
    with pytest.raises(ValidationError):
        FaultsConfig(dead=1.0)


def test_dead_channels_of_a_file() -> None:
    channels = np.array([3, 5, 8])
    np.testing.assert_array_equal(alive_channels(channels, [5]), [True, False, True])
    with pytest.raises(ConfigError, match="no sensor has the channel 4"):
        alive_channels(channels, [4])
    with pytest.raises(ConfigError, match="all sensors are dead"):
        alive_channels(channels, [3, 5, 8])
