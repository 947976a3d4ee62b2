"""The definitions of the metrics, on planes small enough to be counted by hand."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.physics.tracks import muon_track
from zoo_dnn_roi.specs import PREDICTION, SAMPLE

WIRES, TICKS = 4, 400
METRICS = RoiMetrics({})


def plane(charges: Mapping[tuple[int, int], float], length: int = 10) -> NDArray[np.float32]:
    """Charge spread evenly over ``length`` ticks from (wire, tick) on."""
    out = np.zeros((1, WIRES, TICKS), np.float32)
    for (wire, tick), charge in charges.items():
        out[0, wire, tick : tick + length] += charge / length
    return out


def measured(
    truth: NDArray[np.float32],
    charge: NDArray[np.float32],
    dead: tuple[int, ...] = (),
    theta: float = 30.0,
) -> Table:
    samples = Table(
        {
            "id": np.arange(len(truth), dtype=np.uint64),
            "truth": truth,
            "dead": np.isin(np.arange(WIRES), dead)[None].astype(np.uint8).repeat(len(truth), 0),
            "theta_xz": np.full(len(truth), theta, np.float32),
        }
    )
    mask = (charge != 0).astype(np.uint8)
    return METRICS.measure(samples, Table({"id": samples.ids, "charge": charge, "mask": mask}))


def numbers(rows: Table) -> dict[str, float]:
    return {number.name: number.value for number in METRICS.summarise(rows)}


TRUTH = plane({(0, 100): 20_000, (1, 100): 10_000, (2, 200): 10_000})


def test_it_reads_what_a_sample_and_a_prediction_have():
    assert METRICS.needs <= set(SAMPLE)
    assert {"charge", "mask"} <= set(PREDICTION)
    assert METRICS.primary in numbers(measured(TRUTH, TRUTH))


def test_the_truth_is_perfect():
    assert numbers(measured(TRUTH, TRUTH)) == {
        "E": 0,
        "bias": 0,
        "resolution": 0,
        "inefficiency": 0,
        "weak channels": 0,
        "pixel efficiency": 100,
        "pixel purity": 100,
        "Dice": 100,
        "ROI efficiency": 100,
        "ROI purity": 100,
        "fake charge": 0,
        "unwindowed bias": 0,
        "unwindowed inefficiency": 0,
        "ssss bias": 0,
        "ssss resolution": 0,
        "ssss inefficiency": 0,
    }


def test_an_empty_plane_has_lost_everything():
    found = numbers(measured(TRUTH, np.zeros_like(TRUTH)))
    assert (found["E"], found["bias"]) == (1, -100)
    assert (found["inefficiency"], found["weak channels"]) == (100, 100)
    assert found["pixel efficiency"] == found["ROI efficiency"] == found["Dice"] == 0
    assert np.isnan([found["pixel purity"], found["ROI purity"]]).all()  # nothing was found


def test_bias_resolution_and_inefficiencies_by_hand():
    # Ratios 1.2, 0.05 and 0: mean 5/12, mean square 0.4808333, so std = sqrt(0.3072222).
    charge = plane({(0, 100): 24_000, (1, 100): 500})
    found = numbers(measured(TRUTH, charge))
    assert found["bias"] == pytest.approx(100 * (1.25 / 3 - 1))
    assert found["resolution"] == pytest.approx(100 * np.std([1.2, 0.05, 0]) / (1.25 / 3))
    assert found["inefficiency"] == pytest.approx(100 / 3)
    assert found["weak channels"] == pytest.approx(200 / 3)
    assert found["E"] == pytest.approx((4_000 + 9_500 + 10_000) / 40_000)


def test_within_a_window_charge_may_move_and_beyond_it_is_fake():
    near = plane({(0, 130): 20_000, (1, 100): 10_000, (2, 200): 10_000})
    assert numbers(measured(TRUTH, near))["E"] == pytest.approx(0, abs=1e-6)
    # True charge ends at tick 109: its window ends at 139. Tick 140 is outside, and lost as well.
    far = plane({(0, 140): 20_000, (1, 100): 10_000, (2, 200): 10_000})
    assert numbers(measured(TRUTH, far))["E"] == pytest.approx((20_000 + 20_000) / 40_000)


def test_unwindowed_numbers_take_fakes_for_signal():
    # Nothing of wire 0 is found, and 5000 electrons far away from it; wire 1 has 1000 too many.
    charge = plane({(0, 300): 5_000, (1, 100): 10_000, (1, 300): 1_000, (2, 200): 10_000})
    found = numbers(measured(TRUTH, charge))
    assert found["inefficiency"] == pytest.approx(100 / 3)
    assert found["unwindowed inefficiency"] == 0
    assert found["bias"] == pytest.approx(100 * (2 / 3 - 1))
    assert found["unwindowed bias"] == pytest.approx(100 * ((0.25 + 1.1 + 1) / 3 - 1))
    assert found["fake charge"] == pytest.approx(100 * 6_000 / 40_000)


def test_errors_of_two_windows_on_a_channel_do_not_cancel():
    truth = plane({(0, 50): 10_000, (0, 300): 10_000})
    swapped = plane({(0, 50): 14_000, (0, 300): 6_000})
    found = numbers(measured(truth, swapped))
    assert found["E"] == pytest.approx(8_000 / 20_000)
    assert found["bias"] == pytest.approx(0, abs=1e-5)  # by channel they do


def test_windows_of_neighbouring_channels_are_their_own():
    # The first window ends with its channel, the next one begins with the next channel.
    truth = plane({(0, TICKS - 10): 10_000, (1, 0): 10_000})
    charge = plane({(0, TICKS - 10): 12_000, (1, 0): 8_000})
    assert numbers(measured(truth, charge))["E"] == pytest.approx(4_000 / 20_000)


def test_a_channel_with_little_true_charge_is_not_judged():
    truth = plane({(0, 100): 4_900, (1, 100): 5_100})
    found = numbers(measured(truth, plane({(1, 100): 5_100})))
    assert found["inefficiency"] == 0
    assert found["E"] == pytest.approx(0.49)


def test_dead_channels_count_in_e_alone():
    charge = plane({(0, 100): 20_000, (1, 100): 10_000})
    alive, dead = (numbers(measured(TRUTH, charge, dead=wires)) for wires in ((), (2,)))
    assert alive["E"] == dead["E"] == pytest.approx(0.25)
    assert (alive["inefficiency"], dead["inefficiency"]) == (pytest.approx(100 / 3), 0)
    assert (alive["pixel efficiency"], dead["pixel efficiency"]) == (pytest.approx(200 / 3), 100)
    assert (alive["ROI efficiency"], dead["ROI efficiency"]) == (pytest.approx(200 / 3), 100)
    assert (alive["Dice"], dead["Dice"]) == (pytest.approx(80), 100)  # 2 * 2 / (3 + 2)


def test_pixels_are_bins_of_ten_ticks_above_100_electrons_a_tick():
    truth = plane({(0, 0): 1_010, (0, 10): 990, (1, 0): 10_000})  # 101, 99 and 1000 e-/tick
    charge = plane({(0, 0): 1_000, (0, 10): 1_000}) + plane({(1, 5): 1_000}, length=4)
    found = numbers(measured(truth, charge))
    assert found["pixel efficiency"] == pytest.approx(50)  # 4 of 10 ticks do not find a pixel
    assert found["pixel purity"] == pytest.approx(50)


def test_rois_are_runs_of_pixels_and_one_right_pixel_is_enough():
    truth = plane({(0, 100): 20_000, (0, 200): 20_000}, length=30)
    charge = plane({(0, 120): 1_000}) + plane({(0, 300): 1_000, (1, 300): 1_000}, length=20)
    found = numbers(measured(truth, charge))
    assert found["ROI efficiency"] == pytest.approx(50)
    assert found["ROI purity"] == pytest.approx(100 / 3)
    assert found["Dice"] == pytest.approx(100 * 2 * 1 / (6 + 5))


def test_the_energy_of_a_plane_is_that_of_the_muon_that_left_its_charge():
    # 2.1 MeV/cm over 70 cm; a plane keeps the charge wherever it lies, on dead channels, too.
    electrons = muon_track(700.0, 20.0).electrons.sum()
    truth = plane({(0, 100): electrons / 2, (1, 100): electrons / 2})
    for dead in ((), (1,)):
        assert measured(truth, truth, dead)["energy"][0] == pytest.approx(147, rel=1e-6)


def test_an_empty_plane_is_in_the_first_bin_of_energy():
    assert list(RoiMetrics.bins) == ["theta_xz", "energy", "shower_energy"]
    empty = np.zeros_like(TRUTH)
    assert measured(empty, empty)["energy"][0] == RoiMetrics.bins["energy"][0] == 0


def test_a_whole_plane_is_measured_quickly():
    generator = np.random.default_rng(5)
    truth = np.where(generator.random((1, 400, 6000)) < 0.02, 500, 0).astype(np.float32)
    samples = Table({"id": np.zeros(1, np.uint64), "truth": truth})
    found = Table({"id": samples.ids, "charge": truth, "mask": truth > 0})
    start = time.process_time()
    METRICS.measure(samples, found)
    assert time.process_time() - start < 1  # 0.1 s, with room for a slow machine


def test_sums_of_rows_are_those_of_all_channels():
    generator = np.random.default_rng(7)
    truth = np.repeat(TRUTH, 3, axis=0)
    charge = (truth * generator.uniform(0.5, 1.5, (3, WIRES, 1))).astype(np.float32)
    ratio = (charge.sum(2) / np.maximum(truth.sum(2), 1))[truth.sum(2) > 5000]
    found = numbers(measured(truth, charge))
    assert found["bias"] == pytest.approx(100 * (ratio.mean() - 1), rel=1e-4)
    assert found["resolution"] == pytest.approx(100 * ratio.std() / ratio.mean(), rel=1e-4)


def test_angles_are_folded_and_cosmics_are_in_no_bin():
    for angle, folded in ((85, 85), (-85, 85), (95, 85), (180, 0)):
        assert measured(TRUTH, TRUTH, theta=angle)["theta_xz"][0] == pytest.approx(folded)
    assert np.isnan(measured(TRUTH, TRUTH, theta=float("nan"))["theta_xz"][0])


def test_a_source_without_angles_and_dead_channels_is_measured():
    samples = Table({"id": np.zeros(1, np.uint64), "truth": TRUTH})
    predictions = Table({"id": samples.ids, "charge": TRUTH, "mask": TRUTH > 0})
    assert numbers(METRICS.measure(samples, predictions))["E"] == 0


def test_charge_that_is_not_a_number_is_refused():
    with pytest.raises(DataError, match="not finite"):
        measured(TRUTH, np.full_like(TRUTH, np.nan))


def test_shapes_that_differ_are_refused():
    with pytest.raises(DataError, match="differ in shape"):
        measured(TRUTH, TRUTH[:, :, :-1])
