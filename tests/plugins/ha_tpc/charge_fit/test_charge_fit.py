"""The fit to charges on tracks of the gun, beside the fit to clusters."""

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_ha_tpc.baselines import ChargeFit, OracleFit, TrackFit
from zoo_ha_tpc.charge_fit import ChargeFitConfig, by_charges, charge_settings
from zoo_ha_tpc.charge_fit.fit import fit_charges
from zoo_ha_tpc.fitting import Calibration, Matter
from zoo_ha_tpc.fitting.config import OracleFitConfig, TrackFitConfig
from zoo_ha_tpc.fitting.images import Grid, images_of
from zoo_ha_tpc.fitting.times import drift_of
from zoo_ha_tpc.fitting.tracks import reconstruct
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.quantities import QUANTITIES
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.specs import SAMPLE

STEEP = Gun(GunConfig(start="face", phi_deg=(30.0, 60.0), p_t_gev=(0.4, 1.5)))


@pytest.fixture(scope="module")
def steep() -> Table:
    return STEEP.simulate(np.arange(500, 900, dtype=np.uint64), frozenset(SAMPLE))


@pytest.fixture(scope="module")
def fitted(steep: Table) -> dict[str, Table]:
    training = STEEP.simulate(np.arange(300, dtype=np.uint64), frozenset(SAMPLE))
    models = {
        "track-fit": TrackFit(TrackFitConfig(passes=2), STEEP.facts),
        "charge-fit": ChargeFit(ChargeFitConfig(passes=2), STEEP.facts),
        "oracle-fit": OracleFit(OracleFitConfig(), STEEP.facts),
    }
    for name in ("track-fit", "charge-fit"):
        models[name].fit(iter([training]))
    return {name: model.predict(steep) for name, model in models.items()}


def width(found: Table, samples: Table, name: str = "q_over_pt") -> float:
    off = found[name].astype(float) - samples[name]
    return float(np.quantile(np.abs(off - np.median(off)), 0.6827))


def test_steep_tracks_gain_a_fifth_and_more(fitted: dict[str, Table], steep: Table) -> None:
    for name in ("q_over_pt", "phi"):
        clusters, charges, oracle = (
            width(fitted[model], steep, name) for model in ("track-fit", "charge-fit", "oracle-fit")
        )
        assert oracle < charges < 0.85 * clusters


def test_errors_are_what_they_say(fitted: dict[str, Table], steep: Table) -> None:
    found = fitted["charge-fit"]
    pull = (found["q_over_pt"].astype(float) - steep["q_over_pt"]) / found["q_over_pt_error"]
    assert 0.85 < np.quantile(np.abs(pull), 0.6827) < 1.15
    assert abs(np.median(pull)) < 0.2


def test_times_tell_the_drift_and_charges_do_roughly(steep: Table, plane: PadPlane) -> None:
    some = steep.take(np.arange(120))
    images = images_of(Grid(plane), some)
    tracks = reconstruct(images, Calibration(), Matter())
    settings = charge_settings(ChargeFitConfig(), STEEP.facts)
    timed = Matter(drift=drift_of(STEEP.facts))
    told = fit_charges(images, tracks, settings, Calibration().charges, timed).drift_mm
    assert np.median(np.abs(told - some["x_ini"])) < 5
    without = charge_settings(ChargeFitConfig(), {})
    assert drift_of({}) is None
    guessed = fit_charges(images, tracks, without, Calibration().charges, Matter()).drift_mm
    assert np.corrcoef(guessed, some["x_ini"])[0, 1] > 0.6


def hits(events: list[list[tuple[int, int, int]]]) -> Table:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in events])]).astype(np.int64)
    flat = np.array([hit for one in events for hit in one], np.int64).reshape(-1, 3)
    columns = {
        f"hit_{name}": Ragged(flat[:, index].astype(dtype), offsets)
        for index, (name, dtype) in enumerate(
            (("row", np.uint8), ("column", np.uint8), ("charge", np.uint16))
        )
    }
    return Table({"id": np.arange(len(events), dtype=np.uint64), **columns})


@pytest.mark.parametrize(
    "event",
    [
        [],
        [(3, 4, 100)],
        [(3, 4, 100), (3, 5, 4095), (60, 100, 30)],
        [(row, column, 4095) for row in range(64) for column in range(0, 144, 2)],
    ],
    ids=["empty", "one pad", "three", "everything"],
)
def test_odd_events_are_answered(event: list[tuple[int, int, int]], plane: PadPlane) -> None:
    found = ChargeFit(ChargeFitConfig(), plane.facts()).predict(hits([event, []]))
    for name in QUANTITIES:
        assert np.isfinite(found[name]).all()


def test_charges_of_no_track_leave_the_clusters_alone(plane: PadPlane) -> None:
    # A line of single pads: no track has pads without neighbours.
    samples = hits([[(row, 10, 200) for row in range(64)]])
    images = images_of(Grid(plane), samples)
    tracks = reconstruct(images, Calibration(), Matter())
    settings = charge_settings(ChargeFitConfig(), {})
    refined = by_charges(settings, Calibration().charges, Matter())(images, tracks)
    np.testing.assert_array_equal(
        refined.fit.scattered.arcs.curvature, tracks.fit.scattered.arcs.curvature
    )
    assert refined.fit.scattered.arcs.phi[0] == pytest.approx(np.pi / 2, abs=0.02)


def test_facts_go_before_settings() -> None:
    facts = {"modules": {"rc_ns_mm2": [100.0, 140.0], "gain": [900.0, 1100.0]}, "gas": {}}
    settings = charge_settings(ChargeFitConfig(gain=5.0), facts)
    assert settings.layer.rc_ns_mm2 == 120.0
    assert settings.layer.gain == 1000.0
    assert settings.layer.transverse_um_cm == 310.0
