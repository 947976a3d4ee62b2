"""The numbers against closed forms and direct sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from zoo.api import DataError, Table
from zoo_optics.metrics import OpticsMetrics, _null_deviance, deviance, poisson_deviance
from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors

SENSORS = 40
PLACES = np.column_stack(
    [np.full(SENSORS, 100.0), np.linspace(-90, 90, SENSORS), np.zeros(SENSORS)]
)


def facts(volume: Any = None) -> dict[str, Any]:
    sensors = Sensors(PLACES, np.tile([-1.0, 0, 0], (SENSORS, 1)), 5.0)
    return Detector(sensors, volume or Box((-100, -100, -100), (100, 100, 100))).facts()


def sample(flashes: int = 400, photons: float = 1e4, *, known: bool = True) -> Table:
    rng = np.random.default_rng(1)
    visibility = 10 ** (-5 + 2.5 * rng.random((flashes, SENSORS)))
    expected = photons * visibility
    columns = {
        "id": np.arange(flashes, dtype=np.uint64),
        "position": (200 * rng.random((flashes, 3)) - 100).astype(np.float32),
        "photons": np.full(flashes, photons, np.float32),
        "charge": rng.poisson(expected).astype(np.float32),
        "expected": expected.astype(np.float32),
    }
    return Table(columns if known else {k: v for k, v in columns.items() if k != "expected"})


def numbers(table: Table, charge: np.ndarray[Any, Any]) -> dict[str, float]:
    metrics = OpticsMetrics(facts())
    prediction = Table({"id": table.ids, "charge": charge.astype(np.float32)})
    rows = metrics.measure(table, prediction)
    return {number.name: number.value for number in metrics.summarise(rows)}


def test_deviance_by_hand() -> None:
    # q = 0: 2 mu. q = mu: 0. q = 4, mu = 1: 2 (4 log 4 - 3).
    found = deviance(np.array([0.0, 3, 4]), np.array([0.7, 3, 1]))
    np.testing.assert_allclose(found, [1.4, 0, 8 * np.log(4) - 6], atol=1e-14)


@pytest.mark.parametrize("mean", [1e-9, 1e-4, 0.03, 0.5, 1.7, 6.0, 11.9, 12.1, 40.0, 3000.0])
def test_the_mean_deviance_of_counts_is_their_sum(mean: float) -> None:
    counts = np.arange(poisson.ppf(1e-14, mean), poisson.ppf(1 - 1e-14, mean) + 3)
    direct = (poisson.pmf(counts, mean) * deviance(counts, np.full(len(counts), mean))).sum()
    assert float(poisson_deviance(np.array(mean))) == pytest.approx(direct, rel=4e-4)


def test_the_truth_explains_all_and_the_mean_nothing() -> None:
    table = sample()
    assert numbers(table, table["expected"])["explained deviance"] == 1
    null = np.full(table["charge"].shape, table["charge"].mean())
    assert numbers(table, null)["explained deviance"] == pytest.approx(0, abs=1e-6)
    worse = numbers(table, 1.2 * table["expected"])["explained deviance"]
    assert 0.5 < worse < 0.99


def test_without_the_truth_the_floor_is_that_of_counting() -> None:
    table, known = sample(known=False), sample()
    found = numbers(table, known["expected"])
    pairs = table["charge"].size
    # A deviance per sensor has a deviation of about sqrt(2) at most for each of them.
    assert found["explained deviance"] == pytest.approx(1, abs=0.003)
    assert found["deviance"] == pytest.approx(found["floor"], abs=4 * (2 / pairs) ** 0.5)
    null = np.full(table["charge"].shape, table["charge"].mean())
    assert abs(numbers(table, null)["explained deviance"]) < 0.05
    assert "visibility error" not in found


def test_the_null_knows_how_many_photons_there_were() -> None:
    """Charges in proportion to photons alone: one visibility says all, and explains nothing."""
    photons = np.array([1e3, 1e4, 1e5] * 50, np.float32)
    rng = np.random.default_rng(2)
    mean = np.tile(photons[:, None] * 1e-3, (1, SENSORS))
    table = Table(
        {
            "id": np.arange(150, dtype=np.uint64),
            "position": np.zeros((150, 3), np.float32),
            "photons": photons,
            "charge": rng.poisson(mean).astype(np.float32),
        }
    )
    visibility = table["charge"].sum() / (photons.sum() * SENSORS)
    metrics = OpticsMetrics(facts())
    prediction = Table({"id": table.ids, "charge": (visibility * mean / 1e-3).astype(np.float32)})
    rows = metrics.measure(table, prediction)
    null = float(rows["deviance"].sum())
    assert _null_deviance(rows) == pytest.approx(null, rel=1e-4)


def test_errors_of_the_visibility_by_hand() -> None:
    """A factor f on all: 2 |f - 1| / (f + 1)."""
    table = sample()
    found = numbers(table, 1.1 * table["expected"])
    by_hand = 100 * 2 * 0.1 / 2.1
    for name in ("visibility error", "visibility bias", "error from 1e-05", "error from 0.001"):
        assert found[name] == pytest.approx(by_hand, rel=1e-4)
    assert np.isnan(found["error from 0.01"])  # no sensor is as bright
    assert numbers(table, 0.9 * table["expected"])["visibility bias"] == pytest.approx(
        -100 * 2 * 0.1 / 1.9, rel=1e-4
    )
    assert found["charge bias"] == pytest.approx(
        100 * (1.1 * table["expected"].sum() / table["charge"].sum() - 1), rel=1e-3
    )


def test_repeated_rows_count_twice() -> None:
    table = sample(50)
    metrics = OpticsMetrics(facts())
    prediction = Table({"id": table.ids, "charge": (0.8 * table["expected"]).astype(np.float32)})
    rows = metrics.measure(table, prediction)
    twice = rows.take(np.repeat(np.arange(50), 2))
    once, again = ({n.name: n.value for n in metrics.summarise(part)} for part in (rows, twice))
    for name, value in once.items():
        assert again[name] == pytest.approx(value, rel=1e-9, nan_ok=True)


def test_the_distance_from_the_wall() -> None:
    place = np.array([[60.0, 0, 0], [0, -30, 95], [0, 0, 0]])
    tank = OpticsMetrics(facts(Cylinder(100.0, 120.0)))
    np.testing.assert_allclose(tank._from_wall(place), [40, 25, 100])
    room = OpticsMetrics(facts(Box((-100, -100, -100), (100, 100, 120))))
    np.testing.assert_allclose(room._from_wall(place), [40, 25, 100])


def test_predictions_that_do_not_fit_are_refused() -> None:
    table = sample(3)
    for charge in (table["charge"][:, :-1], np.full_like(table["charge"], np.nan)):
        with pytest.raises(DataError, match="predict on the samples"):
            OpticsMetrics(facts()).measure(table, Table({"id": table.ids, "charge": charge}))
