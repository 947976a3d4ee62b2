from types import ModuleType

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_ha_tpc.fitting import Calibration, Matter, TrackFits, fit_tracks
from zoo_ha_tpc.fitting.calibrating import calibrated
from zoo_ha_tpc.physics.pad_plane import PadPlane


def within_68(values: np.ndarray) -> float:
    return float(np.quantile(np.abs(values), 0.68)) / 0.9945  # of a standard normal: one


def events(m: ModuleType, plane: PadPlane, number: int, seed: int) -> Table:
    parts = [
        m.samples(plane, m.tracks(plane, 100, seed + i), m.Charge(), seed + i)
        for i in range(number // 100)
    ]
    whole = Table.concat(parts)
    return whole.with_columns({"id": np.arange(number, dtype=np.uint64)})


@pytest.fixture(scope="module")
def training(spread_charge: ModuleType, plane: PadPlane) -> Table:
    return events(spread_charge, plane, 600, 0)


@pytest.fixture(scope="module")
def calibration(training: Table, plane: PadPlane) -> Calibration:
    return calibrated(plane, training, Calibration(), Matter(), 3)


@pytest.fixture(scope="module")
def test_tracks(spread_charge: ModuleType, plane: PadPlane) -> Table:
    return events(spread_charge, plane, 600, 1000)


@pytest.fixture(scope="module")
def fits(test_tracks: Table, plane: PadPlane, calibration: Calibration) -> TrackFits:
    return fit_tracks(plane, test_tracks, calibration)


def long(fits: TrackFits) -> np.ndarray:
    return fits.good & (fits.length_mm > 300)


@pytest.mark.parametrize("name", ["q_over_pt", "phi", "y_ini", "z_ini"])
def test_pulls_are_one_wide_and_centred(fits: TrackFits, test_tracks: Table, name: str) -> None:
    some = long(fits)
    error = getattr(fits, name) - test_tracks[name]
    pulls = (error / getattr(fits, f"{name}_error"))[some]
    assert within_68(pulls) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(pulls.clip(-4, 4))) < 0.2


def test_no_sign_is_wrong_on_long_tracks(fits: TrackFits, test_tracks: Table) -> None:
    some = fits.length_mm > 600
    assert some.sum() > 100
    wrong = np.sign(fits.q_over_pt) != np.sign(test_tracks["q_over_pt"])
    assert wrong[some].mean() < 0.01


def test_momenta_are_as_precise_as_the_points_and_scattering_allow(
    fits: TrackFits, test_tracks: Table
) -> None:
    # Gluckstern for points of 0.5 mm, and scattering as the PDG review has it for a fit without its
    # covariance: sigma_k = 0.016 GeV / (L p beta) sqrt(L / X0).
    some = long(fits)
    length = fits.length_mm[some] / 1e3
    points = np.diff(fits.clusters.offsets)[some]
    p_t = 1 / np.abs(test_tracks["q_over_pt"][some].astype(float))
    bend = 0.299792458 * 0.2
    measured = 0.5e-3 / (bend * length**2) * np.sqrt(720 / (points + 4))
    energy = np.hypot(p_t, 0.1056583755)
    scattered = 0.016 * energy / p_t**2 / (bend * length) * np.sqrt(length / 117.5)
    expected = np.hypot(measured, scattered)
    error = (fits.q_over_pt - test_tracks["q_over_pt"])[some]
    assert within_68(error / expected) < 1


def test_calibration_makes_it_better(fits: TrackFits, test_tracks: Table, plane: PadPlane) -> None:
    plain, some = fit_tracks(plane, test_tracks), long(fits)
    before, after = (
        within_68((one.q_over_pt - test_tracks["q_over_pt"])[some]) for one in (plain, fits)
    )
    assert after < 0.8 * before


def test_residuals_are_as_wide_as_their_errors(fits: TrackFits) -> None:
    clusters = fits.clusters
    # Of long tracks that hardly scatter: the arc without scattering describes them.
    track = np.repeat(np.arange(len(fits.phi)), np.diff(clusters.offsets))
    some = clusters.used & (long(fits) & (np.abs(fits.q_over_pt) < 1))[track]
    assert some.sum() > 2000
    assert within_68((clusters.residual_mm / clusters.error_mm)[some]) == pytest.approx(1, abs=0.2)


def test_the_answer_does_not_depend_on_the_company(
    fits: TrackFits, test_tracks: Table, plane: PadPlane, calibration: Calibration
) -> None:
    few = np.array([17, 3, 250])
    alone = fit_tracks(plane, test_tracks.take(few), calibration)
    np.testing.assert_allclose(alone.q_over_pt, fits.q_over_pt[few], rtol=1e-9)
    np.testing.assert_allclose(alone.z_ini, fits.z_ini[few], rtol=1e-9)
    offsets = fits.clusters.offsets
    np.testing.assert_allclose(
        alone.clusters.residual_mm[alone.clusters.offsets[1] : alone.clusters.offsets[2]],
        fits.clusters.residual_mm[offsets[3] : offsets[4]],
        atol=1e-9,
    )


def test_a_mirrored_track_has_the_opposite_charge(
    test_tracks: Table, fits: TrackFits, plane: PadPlane, calibration: Calibration
) -> None:
    rows = test_tracks["hit_row"]
    mirrored = Ragged((63 - rows.values).astype(np.uint8), rows.offsets)
    found = fit_tracks(plane, test_tracks.with_columns({"hit_row": mirrored}), calibration)
    some = long(fits)
    close = np.abs(found.q_over_pt + fits.q_over_pt) < 0.2 * fits.q_over_pt_error
    assert close[some].mean() > 0.97  # equal charges may name another pad the leading one
    np.testing.assert_allclose(np.median((found.phi + fits.phi)[some]), 0, atol=1e-6)


def test_a_backward_track_that_starts_inside_is_told(
    spread_charge: ModuleType, plane: PadPlane, calibration: Calibration
) -> None:
    truth = spread_charge.Truth(
        np.full(2, 1200.0), np.array([-100.0, 80.0]), np.full(2, np.pi - 0.1), np.array([1, -1.0])
    )
    samples = spread_charge.samples(plane, truth, spread_charge.Charge(), 5)
    found = fit_tracks(plane, samples, calibration)
    np.testing.assert_allclose(found.q_over_pt, [1, -1], atol=0.2)
    np.testing.assert_allclose(found.phi, np.pi - 0.1, atol=0.02)
    np.testing.assert_allclose(found.z_ini, 1200, atol=15)


def test_nothing_to_fit_is_a_guess_with_large_errors(plane: PadPlane) -> None:
    table = Table(
        {
            "id": np.arange(3, dtype=np.uint64),
            **{
                name: Ragged(np.array(values, dtype), np.array([0, 0, 1, 3], np.int64))
                for name, values, dtype in (
                    ("hit_row", [10, 20, 20], np.uint8),
                    ("hit_column", [50, 60, 61], np.uint8),
                    ("hit_charge", [200, 300, 250], np.uint16),
                )
            },
        }
    )
    found = fit_tracks(plane, table)
    assert not found.good.any()
    for name, column in found.parameters().items():
        assert np.isfinite(column).all(), name
    assert (found.q_over_pt_error > 20).all()
    np.testing.assert_allclose(found.z_ini[1], plane.z_mm[50], atol=12)
    np.testing.assert_allclose(np.diff(found.clusters.offsets), [0, 1, 2])
    nothing = fit_tracks(plane, table.take([]))
    assert nothing.phi.shape == (0,)
    assert nothing.clusters.offsets.tolist() == [0]


def test_hits_of_another_plane_are_refused(plane: PadPlane) -> None:
    one = np.array([0, 1], np.int64)
    table = Table(
        {
            "id": np.zeros(1, np.uint64),
            "hit_row": Ragged(np.array([64], np.uint8), one),
            "hit_column": Ragged(np.array([0], np.uint8), one),
            "hit_charge": Ragged(np.array([100], np.uint16), one),
        }
    )
    with pytest.raises(DataError, match=r"row 64 .* plane of 64 rows and 144"):
        fit_tracks(plane, table)
