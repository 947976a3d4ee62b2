"""The fit on events of the gun: what a detector of this kind reaches."""

import numpy as np
import pytest

from zoo.api import Table
from zoo_ha_tpc.fitting import Calibration, Matter, TrackFits, fit_tracks
from zoo_ha_tpc.fitting.calibrating import calibrated
from zoo_ha_tpc.fitting.times import drift_of
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun

FIELDS = frozenset({"hit_row", "hit_column", "hit_charge", "q_over_pt", "phi", "y_ini", "z_ini"})


@pytest.fixture(scope="module")
def judged() -> Table:
    gun = Gun(GunConfig(start="face", phi_deg=(-15.0, 15.0), p_t_gev=(0.4, 1.5)))
    return gun.simulate(np.arange(1000, 1250, dtype=np.uint64), FIELDS)


@pytest.fixture(scope="module")
def fits(judged: Table, plane: PadPlane) -> TrackFits:
    training = Gun(GunConfig(start="face", phi_deg=(-20.0, 20.0))).simulate(
        np.arange(300, dtype=np.uint64), FIELDS
    )
    calibration = calibrated(plane, training, Calibration(), Matter(), 2)
    return fit_tracks(plane, judged, calibration)


def within_68(values: np.ndarray) -> float:
    return float(np.quantile(np.abs(values), 0.6827))


def test_points_of_flat_tracks_are_as_good_as_published(fits: TrackFits) -> None:
    # arXiv:1907.07060: 300 um for horizontal tracks at 30 cm of drift, in a beam test; the drift is
    # up to 1 m here. Tracks of low momentum scatter off the arc.
    track = np.repeat(np.arange(len(fits.phi)), np.diff(fits.clusters.offsets))
    some = fits.clusters.used & (np.abs(fits.q_over_pt) < 1.2)[track]
    assert some.sum() > 5000
    assert 0.15 < within_68(fits.clusters.residual_mm[some]) < 0.40


def test_long_tracks_reach_the_limit_of_scattering(fits: TrackFits, judged: Table) -> None:
    # The best that any fit can do with perfect points: sigma_k = theta / sqrt(L), Highland's angle.
    long = fits.length_mm > 1300
    assert long.sum() > 150
    q_over_pt = judged["q_over_pt"][long].astype(float)
    length, beta = fits.length_mm[long] / 1e3, 1 / np.hypot(1, 0.1056583755 * q_over_pt)
    thickness = length / 117.5
    angle = 0.0136 * np.abs(q_over_pt) / beta * np.sqrt(thickness)
    angle *= 1 + 0.038 * np.log(thickness / beta**2)
    limit = angle / length / (0.299792458 * 0.2)
    error = (fits.q_over_pt[long] - q_over_pt) / limit
    assert 0.9 < within_68(error) < 1.5
    assert abs(np.median(error)) < 0.25


def test_tracks_enter_through_the_face(fits: TrackFits, judged: Table) -> None:
    assert within_68(fits.z_ini) < 0.1
    assert within_68(fits.y_ini - judged["y_ini"]) < 0.3
    assert within_68(fits.phi - judged["phi"]) < 2e-3


def test_times_tell_which_tracks_leave_through_the_drift(plane: PadPlane) -> None:
    """Steep tracks from the face end over pads; their times say why, or they are taken as begun."""
    gun = Gun(GunConfig(start="face", tan_lambda=(-1.0, 1.0), p_t_gev=(0.3, 1.0)))
    samples = gun.simulate(np.arange(300, dtype=np.uint64), FIELDS | {"hit_time"})
    drift = drift_of(gun.facts)
    assert drift is not None
    wrong = [
        np.mean(fit_tracks(plane, samples, matter=one).q_over_pt * samples["q_over_pt"] < 0)
        for one in (Matter(), Matter(drift=drift))
    ]
    assert wrong[0] > 0.25
    assert wrong[1] < 0.10
