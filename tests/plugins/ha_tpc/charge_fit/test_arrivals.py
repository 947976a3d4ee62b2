"""Straight lines through the times of leading pads, on tracks of the gun."""

import numpy as np
import pytest

from zoo.api import Table
from zoo_ha_tpc.charge_fit.arrivals import arrivals_of
from zoo_ha_tpc.fitting import Calibration, Matter
from zoo_ha_tpc.fitting.images import Grid, images_of
from zoo_ha_tpc.fitting.tracks import Tracks, reconstruct
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.specs import SAMPLE

PEAKING_NS, SPEED = 412.0, 0.078  # mm/ns
LENGTH = 200.0


def tracks_of(tan_lambda: float, plane: PadPlane, *, timed: bool = True) -> tuple[Tracks, Table]:
    gun = Gun(GunConfig(start="face", tan_lambda=(tan_lambda, tan_lambda), x_mm=(300.0, 600.0)))
    samples = gun.simulate(np.arange(60, dtype=np.uint64), frozenset(SAMPLE))
    read = samples if timed else samples.select(set(samples) - {"hit_time"})
    return reconstruct(images_of(Grid(plane), read), Calibration(), Matter()), samples


def test_level_tracks_arrive_at_once(plane: PadPlane) -> None:
    tracks, samples = tracks_of(0.0, plane)
    arrival, later = arrivals_of(tracks, np.full(60, LENGTH), PEAKING_NS)
    np.testing.assert_allclose(arrival, samples["x_ini"] / SPEED, atol=40)
    assert np.abs(later * LENGTH).max() < 40


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_tilted_tracks_arrive_later_or_earlier(plane: PadPlane, slope: float) -> None:
    tracks, _ = tracks_of(slope, plane)
    later = arrivals_of(tracks, np.full(60, LENGTH), PEAKING_NS)[1]
    # Some tracks that leave the drift volume are taken the other way round.
    assert np.median(np.abs(later)) == pytest.approx(abs(slope) / SPEED, rel=0.1)


def test_without_times_nothing_is_known(plane: PadPlane) -> None:
    tracks, _ = tracks_of(0.0, plane, timed=False)
    arrival, later = arrivals_of(tracks, np.full(60, LENGTH), PEAKING_NS)
    assert np.isnan(arrival).all()
    assert not later.any()
