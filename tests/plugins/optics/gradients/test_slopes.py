"""Gradients against ones worked out by hand, and their errors against factors put in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.asking import visibility_by
from zoo_optics.baselines import NearestLut, TrilinearLut
from zoo_optics.config import LutConfig
from zoo_optics.gradients.slopes import slope_errors, slopes
from zoo_optics.gradients.truth import known_light
from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

PARAMETERS = "optics/lar_semianalytic/sbnd_pmt_semianalytic_transcribed.json"


def box(**settings: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate(settings))


def test_the_slope_of_an_exponential_is_its_exponent() -> None:
    slope = np.array([[0.01, -0.02, 0.005], [0, 0.003, 0]])
    places = np.random.default_rng(1).uniform(-300, 300, (20, 3))
    found = slopes(lambda at: np.exp(at @ slope.T - 7), places, 0.3)
    np.testing.assert_allclose(found, np.tile(slope, (20, 1, 1)), atol=1e-12)


def test_where_nothing_is_seen_there_is_no_slope() -> None:
    found = slopes(lambda at: np.maximum(at[:, :1], 0), np.array([[-5.0, 0, 0], [5, 0, 0]]), 1.0)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1, 0], [np.log(6 / 4) / 2, 0, 0])


def test_the_slope_of_the_direct_light_on_the_axis_of_a_dome() -> None:
    """By hand: v = (1 - sqrt(1 - q)) / 2 exp(-d / l), q = r^2 / d^2, 100 cm before the dome.

    d log v / dd = -q / (d sqrt(1 - q) (1 - sqrt(1 - q))) - 1 / l; x grows as d falls.
    """
    one = box(rows=1, columns=1)
    found = slopes(one.visibility, np.array([[113.0, 0, 250]]), 0.05)[0, 0]
    share, root = 0.1016**2, np.sqrt(1 - 0.1016**2)
    by_hand = share / (100 * root * (1 - root)) + 1 / 2000
    np.testing.assert_allclose(found, [by_hand, 0, 0], rtol=1e-5, atol=1e-9)


def test_a_table_has_the_slope_between_its_voxels() -> None:
    """0.1 (1 + i) in voxels of 10 cm: dv/dx is 0.01 per cm between their middles, 0 beyond."""
    volume = Box((0.0, 0, 0), (30.0, 20, 10))
    sensors = Sensors(np.array([[30.0, 10, 5]]), np.array([[-1.0, 0, 0]]), 2.0)
    for kind, slope in ((TrilinearLut, 0.01), (NearestLut, 0.0)):
        table = kind(LutConfig(voxels=(3, 1, 1)), Detector(sensors, volume).facts())
        table.table = np.array([[0.1], [0.2], [0.3]])
        places = np.array([[12.0, 4, 3], [2, 4, 3]])

        def seen(at: Any, table: NearestLut = table) -> Any:
            return visibility_by(table, at, 1)

        found = slopes(seen, places, 0.1)[:, 0]
        by_hand = [slope / 0.17 if slope else 0, 0, 0]
        np.testing.assert_allclose(found, [by_hand, [0, 0, 0]], rtol=1e-4, atol=1e-7)


def test_errors_are_those_put_in() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(50, 8, 3))
    visibility = np.full((50, 8), 3e-4)
    visibility[:, 0] = 3e-2
    turned = np.stack([-truth[..., 1], truth[..., 0], np.zeros((50, 8))], axis=2)
    sizes = [np.linalg.norm(one, axis=2, keepdims=True) for one in (truth, turned)]
    turned *= sizes[0] / sizes[1]  # at right angles, as long
    for found, expected in (
        (1.2 * truth, 0.2),
        (np.full_like(truth, np.nan), 1),
        (truth + 0.5 * turned, 0.5),
    ):
        bins = slope_errors(found, truth, visibility)
        assert [one.pairs for one in bins] == [0, 0, 350, 0, 50]
        for one in (bins[2], bins[4]):
            assert one.median == pytest.approx(expected)
            assert one.rms == pytest.approx(expected)
            np.testing.assert_allclose([*one.median_interval, *one.rms_interval], expected)
        assert np.isnan(bins[0].median)
        assert bins[0].told()["median"] is None


def test_pairs_without_a_true_slope_are_left_out() -> None:
    truth = np.ones((4, 2, 3))
    truth[1] = np.nan
    (one,) = (b for b in slope_errors(2 * truth, truth, np.full((4, 2), 5e-3)) if b.pairs)
    assert one.pairs == 6
    assert one.rms == pytest.approx(1)


def test_intervals_are_over_points_and_not_over_pairs() -> None:
    """Points that are off as a whole: twenty equal sensors tell no more than one."""
    factors = np.random.default_rng(3).random((40, 1, 1))
    narrow, wide = (
        slope_errors(np.ones((40, count, 3)) * (1 + factors), np.ones((40, count, 3)), visible)[3]
        for count, visible in ((1, np.full((40, 1), 2e-3)), (20, np.full((40, 20), 2e-3)))
    )
    np.testing.assert_allclose(narrow.rms_interval, wide.rms_interval)
    low, high = wide.rms_interval
    deviation = np.std(factors**2) / np.sqrt(40) / (2 * wide.rms)  # of the root of a mean
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.25)


def test_the_truth_is_that_of_the_data() -> None:
    """Facts alone tell it, of sensors in any order, but for the efficiency of all of them."""
    made = box(shadow=0.3, shadow_pitch_cm=7.0, attenuation_cm=900.0, efficiency=0.5, rows=3)
    again = known_light(made.facts, "box.h5")
    places = made.detector.volume.points(np.random.default_rng(4).random((40, 3)), 5)
    np.testing.assert_allclose(again.visibility(places), 2 * made.visibility(places), rtol=1e-12)


def test_light_without_a_closed_form_is_refused() -> None:
    sensors = Sensors(np.array([[0.0, 0, 150]]), np.array([[0.0, 0, -1]]), 8.0)
    with pytest.raises(DataError, match="no closed form") as found:
        known_light(Detector(sensors, Cylinder(200.0, 150.0)).facts(), "tank.h5")
    assert "lar-box" in str(found.value.remedy)


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(DataError, match="made without parameters"):
        known_light(box().facts, "box.h5", str(path))
    facts = {**box().facts, "scattering": {"name": "sbnd.json", "sha256": "f" * 64}}
    for given in ("", str(path)):
        with pytest.raises(DataError, match=r"made with the parameters of sbnd\.json") as found:
            known_light(facts, "box.h5", given)
        assert "--parameters FILE: sbnd.json, sha256 ffffffffffff" in str(found.value.remedy)


@pytest.mark.realdata
def test_scattering_is_part_of_the_truth(real_data: Path) -> None:
    made = box(parameters=str(real_data / PARAMETERS))
    again = known_light(made.facts, "box.h5", str(real_data / PARAMETERS))
    places = made.detector.volume.points(np.random.default_rng(5).random((20, 3)), 5)
    np.testing.assert_array_equal(again.visibility(places), made.visibility(places))


def test_an_answer_for_other_sensors_is_refused() -> None:
    class Two:
        def predict(self, samples: Table, keys: Any = None) -> Table:
            return Table({"id": samples.ids, "charge": np.ones((samples.rows, 2))})

    predictor: Any = Two()
    with pytest.raises(DataError, match="answers for 2 sensors, the data have 3"):
        visibility_by(predictor, np.zeros((4, 3)), 3)
