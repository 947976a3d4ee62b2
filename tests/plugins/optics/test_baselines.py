"""Tables against ones made by hand, and the closed form against what made its charges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.baselines import Analytic, Expected, NearestLut, TrilinearLut
from zoo_optics.config import AnalyticConfig, LutConfig, OracleConfig
from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.physics.solid_angle import cosine_and_distance, disc

CUBE = Box((0.0, 0.0, 0.0), (30.0, 20.0, 10.0))
TWO = Sensors(np.array([[30.0, 10, 5], [0, 10, 5]]), np.array([[-1.0, 0, 0], [1, 0, 0]]), 2.0)
FACTS = Detector(TWO, CUBE).facts()


def flashes(position: Any, charge: Any, photons: Any = None) -> Table:
    position = np.asarray(position, np.float32)
    count = len(position)
    return Table(
        {
            "id": np.arange(count, dtype=np.uint64),
            "position": position,
            "photons": np.asarray(photons if photons is not None else [100.0] * count, np.float32),
            "charge": np.asarray(charge, np.float32),
        }
    )


def lut(kind: type[NearestLut], voxels: tuple[int, int, int]) -> NearestLut:
    return kind(LutConfig(voxels=voxels), FACTS)


def test_a_voxel_is_charges_over_photons() -> None:
    """Voxels of 10 cm along x: two flashes in the first, one in the second, none in the third."""
    table = lut(NearestLut, (3, 1, 1))
    table.fit(
        [
            flashes([[1, 1, 1], [9, 19, 9]], [[10, 2], [30, 4]], [100, 300]),
            flashes([[15, 3, 3]], [[50, 1]], [200]),
        ]
    )
    by_hand = [[40 / 400, 6 / 400], [50 / 200, 1 / 200], [50 / 200, 1 / 200]]  # the nearest's
    np.testing.assert_allclose(table.table, by_hand, rtol=1e-6)
    asked = flashes([[5, 5, 5], [19.9, 0, 0], [25, 5, 5], [-4, 5, 5]], np.zeros((4, 2)), [10] * 4)
    found = table.predict(asked)
    expected = 10 * np.array([by_hand[0], by_hand[1], by_hand[2], by_hand[0]])
    np.testing.assert_allclose(found["charge"], expected, rtol=1e-6)
    np.testing.assert_array_equal(found.ids, asked.ids)


def test_between_the_middles_of_voxels_the_table_is_linear() -> None:
    table = lut(TrilinearLut, (3, 2, 1))
    table.fit([flashes([[5, 5, 5]], [[1, 1]])])
    # Visibility 0.1 (i + 10 j) at the middles: linear in both indices, so linear in between.
    i, j = np.meshgrid(np.arange(3), np.arange(2), indexing="ij")
    table.table = np.stack([0.1 * (i + 10 * j).ravel()] * 2, axis=1)
    points = np.array([[5.0, 5, 5], [10, 5, 5], [15, 15, 9], [12.5, 10, 0], [25, 12, 5]])
    by_hand = [0, 0.05, 0.1 * 11, 0.1 * (0.75 + 5), 0.1 * (2 + 7)]
    np.testing.assert_allclose(table.visibility(points)[:, 0], by_hand, rtol=1e-6, atol=1e-12)
    # Outside of the outermost middles it stays as it is there.
    np.testing.assert_allclose(
        table.visibility(np.array([[0.0, 0, 0], [30, 20, 10]]))[:, 1],
        [0, 0.1 * 12],
        rtol=1e-6,
        atol=1e-12,
    )


def test_a_table_of_many_samples_is_the_mean_visibility_of_each_voxel() -> None:
    rng = np.random.default_rng(1)
    position = CUBE.points(rng.random((20_000, 3)))
    visibility = np.stack([0.01 + 0.001 * position[:, 0], np.full(20_000, 0.02)], axis=1)
    table = lut(NearestLut, (3, 1, 1))
    table.fit([flashes(position, rng.poisson(1000 * visibility), [1000] * 20_000)])
    np.testing.assert_allclose(table.table[:, 0], [0.015, 0.025, 0.035], rtol=0.01)
    np.testing.assert_allclose(table.table[:, 1], 0.02, rtol=0.01)


def test_a_table_without_samples_is_refused() -> None:
    with pytest.raises(DataError, match="no training sample to fill the table"):
        lut(NearestLut, (2, 2, 2)).fit([])
    with pytest.raises(DataError, match="no training sample has charge"):
        Analytic(AnalyticConfig(), FACTS).fit([flashes([[5, 5, 5]], [[0, 0]])])


def tank_sample(efficiency: float, length: float, count: int, photons: float) -> tuple[Any, Table]:
    volume = Cylinder(300.0, 300.0)
    sensors = cylinder_layout(volume, rows=6, columns=16, rings=(12, 6, 1), radius_cm=10.0)
    rng = np.random.default_rng(2)
    position = volume.points(rng.random((count, 3)), 30.0).astype(np.float32)
    cosine, distance = cosine_and_distance(
        position.astype(np.float64), sensors.position_cm, sensors.direction
    )
    mean = photons * efficiency * disc(10.0, distance, cosine) / (4 * np.pi)
    mean *= np.exp(-distance / length)
    return Detector(sensors, volume).facts(), flashes(
        position, rng.poisson(mean), [photons] * count
    )


def test_the_closed_form_finds_efficiency_and_length() -> None:
    efficiency, length = 0.27, 900.0
    facts, sample = tank_sample(efficiency, length, 60, 3e6)
    model = Analytic(AnalyticConfig(), facts)
    model.fit([sample.take(np.arange(30)), sample.take(np.arange(30, 60))])
    # The sum has a few 1e5 photo-electrons: 0.2 %; the length is known less well.
    assert sample["charge"].sum() > 2e5
    assert model.efficiency == pytest.approx(efficiency, rel=0.02)
    assert model.attenuation_cm == pytest.approx(length, rel=0.05)
    found = model.predict(sample)["charge"]
    pull = (sample["charge"] - found) / np.sqrt(np.maximum(found, 1e-3))
    assert (pull[found > 1] ** 2).mean() == pytest.approx(1, abs=0.1)


def test_more_sensors_than_fit_at_once_are_predicted_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts, sample = tank_sample(0.3, 900.0, 9, 1e5)
    model = Analytic(AnalyticConfig(), facts)
    model.efficiency, model.attenuation_cm = 0.3, 900.0
    whole = model.predict(sample)["charge"]
    monkeypatch.setattr("zoo_optics.baselines._CHUNK", 200)
    np.testing.assert_array_equal(model.predict(sample)["charge"], whole)


def test_the_oracle_is_what_the_simulation_expects() -> None:
    table = flashes([[5, 5, 5]], [[3, 0]]).with_columns({"expected": np.array([[2.5, 0.1]])})
    found = Expected(OracleConfig(), {}).predict(table)
    np.testing.assert_array_equal(found["charge"], [[2.5, 0.1]])
