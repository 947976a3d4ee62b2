from types import ModuleType
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_ha_tpc.baselines import FirstPad, OracleFit, TrackFit
from zoo_ha_tpc.fitting.config import FirstPadConfig, OracleFitConfig, TrackFitConfig
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.quantities import QUANTITIES


@pytest.fixture(scope="module")
def samples(spread_charge: ModuleType, plane: PadPlane) -> Table:
    truth = spread_charge.tracks(plane, 100, 11)
    return spread_charge.samples(plane, truth, spread_charge.Charge(), 11)


def test_the_fit_answers_all_quantities(samples: Table, plane: PadPlane) -> None:
    found = TrackFit(TrackFitConfig(), plane.facts()).predict(samples)
    for name in QUANTITIES:
        assert found[name].dtype == np.float32
        assert np.isfinite(found[name]).all()
        assert (found[f"{name}_error"] >= 0).all()
    np.testing.assert_array_equal(found.ids, samples.ids)
    np.testing.assert_allclose(found["p_z"], found["p_t"] * np.cos(found["phi"]), rtol=1e-5)


def test_calibration_does_not_depend_on_the_order_of_tables(
    samples: Table, plane: PadPlane
) -> None:
    config = TrackFitConfig(tracks=100, passes=1)
    halves = [samples.take(slice(0, 30)), samples.take(slice(30, 100))]
    one, other = (TrackFit(config, plane.facts()) for _ in range(2))
    one.fit(iter(halves))
    other.fit(iter(halves[::-1]))
    np.testing.assert_array_equal(one.calibration.corrections, other.calibration.corrections)
    np.testing.assert_array_equal(one.calibration.errors_mm, other.calibration.errors_mm)
    assert (one.calibration.corrections != 0).any()


def test_a_second_fit_forgets_the_first(samples: Table, plane: PadPlane) -> None:
    model = TrackFit(TrackFitConfig(passes=1), plane.facts())
    model.fit(iter([samples]))
    first = model.calibration
    model.fit(iter([samples]))
    np.testing.assert_array_equal(model.calibration.errors_mm, first.errors_mm)


def test_the_fit_needs_training_tracks(plane: PadPlane) -> None:
    with pytest.raises(DataError, match="no training sample"):
        TrackFit(TrackFitConfig(), plane.facts()).fit(iter([]))


def test_the_first_pad_is_that_of_lowest_z_with_most_charge(plane: PadPlane) -> None:
    table = Table(
        {
            "id": np.arange(2, dtype=np.uint64),
            **{
                name: Ragged(np.array(values, dtype), np.array([0, 3, 3], np.int64))
                for name, values, dtype in (
                    ("hit_row", [5, 6, 7], np.uint8),
                    ("hit_column", [2, 2, 3], np.uint8),
                    ("hit_charge", [100, 150, 400], np.uint16),
                )
            },
        }
    )
    found = FirstPad(FirstPadConfig(), plane.facts()).predict(table)
    # Column 2 of a pitch of 11.28 mm: its centre is 2.5 pitches from the edge.
    assert found["z_ini"][0] == pytest.approx(2.5 * 11.28)
    assert found["y_ini"][0] == pytest.approx(plane.y_mm[6])
    assert found["z_ini_error"][0] == pytest.approx(11.28 / np.sqrt(12))
    assert np.isfinite(found["z_ini"][1])
    assert found["z_ini_error"][1] > 100


def true_clusters(plane: PadPlane, number: int, rng: Any) -> Table:
    """Slices of tracks from inside the plane, at 500 mm of drift, with 100 electrons each."""
    length, spacing = 900.0, 11.28
    path = np.arange(spacing / 2, length, spacing)
    q_over_pt = rng.uniform(-3, 3, number)
    phi = rng.uniform(-0.2, 0.2, number) + np.where(rng.random(number) < 0.5, np.pi, 0)
    curvature = 0.299792458e-3 * 0.2 * q_over_pt
    log = 1 + 0.038 * np.log(length / 117.5e3 * (1 + (0.1056583755 * q_over_pt) ** 2))
    width = 0.0136 * np.abs(q_over_pt) * np.sqrt(1 + (0.1056583755 * q_over_pt) ** 2) * log
    fine = np.arange(0, length)  # steps of 1 mm
    turn = rng.normal(size=(number, len(fine))) * (width / np.sqrt(117.5e3))[:, None]
    angle = phi[:, None] + curvature[:, None] * (fine + 0.5) + np.cumsum(turn, 1)
    z = 800 + np.cumsum(np.cos(angle), 1)
    y = np.cumsum(np.sin(angle), 1)
    sigma = 0.31 * np.sqrt(50) / np.sqrt(100)  # 310 um per square root of cm, 100 electrons
    at = path.astype(int)
    points = [one[:, at] + sigma * rng.normal(size=(number, len(at))) for one in (z, y)]
    offsets = np.arange(number + 1, dtype=np.int64) * len(at)
    ragged = [Ragged(one.ravel().astype(np.float32), offsets) for one in points]
    return Table(
        {
            "id": np.arange(number, dtype=np.uint64),
            "cluster_z": ragged[0],
            "cluster_y": ragged[1],
            "cluster_electrons": Ragged(np.full(offsets[-1], 100, np.float32), offsets),
            "x_ini": np.full(number, 500, np.float32),
            "tan_lambda": np.zeros(number, np.float32),
            "q_over_pt": q_over_pt.astype(np.float32),
            "phi": np.arctan2(np.sin(phi), np.cos(phi)).astype(np.float32),
        }
    )


def test_the_oracle_knows_direction_and_error(plane: PadPlane) -> None:
    table = true_clusters(plane, 400, np.random.default_rng(3))
    found = OracleFit(OracleFitConfig(), plane.facts()).predict(table)
    pulls = (found["q_over_pt"] - table["q_over_pt"]) / found["q_over_pt_error"]
    assert np.quantile(np.abs(pulls), 0.6827) == pytest.approx(1, abs=0.12)
    turn = np.angle(np.exp(1j * (found["phi"] - table["phi"]).astype(float)))
    assert np.quantile(np.abs(turn / found["phi_error"]), 0.6827) == pytest.approx(1, abs=0.12)
    assert np.abs(turn).max() < 0.05  # backward tracks are not turned round
    np.testing.assert_allclose(found["z_ini"], 800, atol=8)


def test_the_oracle_takes_the_diffusion_of_the_data(plane: PadPlane) -> None:
    facts = {**plane.facts(), "gas": {"transverse_um_cm": 250.0}}
    assert OracleFit(OracleFitConfig(), facts).transverse_um_cm == 250.0
    assert OracleFit(OracleFitConfig(), plane.facts()).transverse_um_cm == 310.0


def test_the_radiation_length_is_that_of_the_mixture() -> None:
    # Densities at 20 degrees, g/cm3 (ideal gas: M / 24055 cm3), and X0 in g/cm2 (PDG, "Atomic and
    # nuclear properties"): argon 19.55, CF4 33.99, isobutane 45.23.
    parts = ((0.95, 39.95, 19.55), (0.03, 88.00, 33.99), (0.02, 58.12, 45.23))
    per_cm = sum(share * mass / 24055 / x0 for share, mass, x0 in parts)
    assert TrackFitConfig().radiation_length_m == pytest.approx(0.01 / per_cm, rel=0.005)
