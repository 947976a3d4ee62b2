from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_dnn_roi.codec import RoiCodec, bin_means
from zoo_dnn_roi.config import LiteUNetConfig

IDS = np.array([11, 22], np.uint64)


def codec(constants: Mapping[str, Any] | None = None, **settings: Any) -> RoiCodec:
    return RoiCodec(LiteUNetConfig.model_validate(settings), {}, constants or {})


def planes(ticks: int = 40, **fields: Any) -> Table:
    shape = (2, 6, ticks)
    blank: dict[str, Any] = {
        "loose_lf": np.zeros(shape, np.float32),
        "decon_charge": np.zeros(shape, np.float32),
        "mp2": np.zeros(shape, np.uint8),
        "mp3": np.zeros(shape, np.uint8),
    }
    return Table({"id": IDS, **blank, **fields})


def random_planes(wires: int = 12, ticks: int = 80, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    waveform = rng.normal(0, 100, (2, wires, ticks)).astype(np.float32)
    mask = (rng.random((2, wires, ticks)) < 0.2).astype(np.uint8)
    fields: dict[str, Any] = {
        "loose_lf": waveform,
        "decon_charge": 2 * waveform,
        "mp2": mask,
        "mp3": mask,
    }
    return Table({"id": IDS, **fields, "truth": np.abs(waveform)})


def test_a_last_short_bin_counts_missing_ticks_as_zero() -> None:
    # Wire-Cell pads the frame with zeros before it averages (DNNROIFinding.cxx).
    ticks = np.ones((1, 1, 23), np.float32)
    assert bin_means(ticks, 10).tolist() == [[[1.0, 1.0, pytest.approx(0.3)]]]


def test_charges_and_stamps_are_divided_by_the_scale() -> None:
    mp2 = np.zeros((2, 6, 40), np.uint8)
    mp2[:, :, :5] = 1  # half of the first bin
    samples = planes(loose_lf=np.full((2, 6, 40), 8000, np.float32), mp2=mp2)
    image = codec().encode(samples).inputs["image"]
    assert image.shape == (2, 3, 6, 4)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[:, 0], 2)
    np.testing.assert_array_equal(image[0, 1, 0], [0.5, 0, 0, 0])
    # At SBND's 2000 Wire-Cell's stamp of 4000 becomes 2.
    np.testing.assert_array_equal(codec(scale=2000).encode(samples).inputs["image"][0, 1, 0, 0], 1)


def test_channels_come_in_the_order_of_the_config() -> None:
    samples = random_planes()
    image = codec().encode(samples).inputs["image"]
    other = codec(inputs=("mp3", "loose_lf"))
    np.testing.assert_array_equal(other.encode(samples).inputs["image"], image[:, [2, 0]])
    assert other.needs == {"mp3", "loose_lf"}
    assert other.decodes == {"decon_charge"}


def test_the_true_mask_is_above_a_mean_of_100() -> None:
    truth = np.zeros((2, 6, 40), np.float32)
    truth[0, 0, :10] = 100  # not above
    truth[0, 1, 5] = 1001  # a mean of 100.1
    mask = codec().encode(planes(truth=truth)).targets["mask"]
    assert mask.shape == (2, 1, 6, 4)
    assert np.argwhere(mask).tolist() == [[0, 0, 1, 0]]
    assert codec().encode(planes()).targets == {}


def test_decode_cuts_strictly_and_takes_charge_above_the_line() -> None:
    charge = np.zeros((2, 6, 23), np.float32)
    charge[0, 0, :10] = [10, 10, 10, 60, 10, 10, 10, 10, 10, 10]
    charge[0, 1, 20:] = [5, 9, 5]  # the short last bin
    probability = np.zeros((2, 1, 6, 3), np.float32)
    probability[0, 0, 0, 0], probability[0, 0, 1, 2], probability[0, 0, 2, 0] = 0.9, 0.6, 0.5
    samples = planes(ticks=23, decon_charge=charge)
    found = codec({"threshold": 0.5}).decode({"probability": probability}, samples)
    assert found.ids.tolist() == IDS.tolist()
    np.testing.assert_array_equal(found["mask"][0, :3].sum(axis=1), [10, 3, 0])
    # The line through the ends is 10 and 5: what is left is 50 and 4.
    assert [found["charge"][0, wire].sum() for wire in range(3)] == [50, 4, 0]
    assert found["score"].shape == (2, 6, 3)


def test_decode_refuses_other_planes() -> None:
    with pytest.raises(DataError, match="probabilities of shape"):
        codec().decode({"probability": np.zeros((2, 1, 5, 4), np.float32)}, planes())


def test_the_threshold_is_tuned_to_the_smallest_error() -> None:
    truth = np.zeros((2, 6, 40), np.float32)
    truth[:, 2, 22:28] = [0, 200, 500, 500, 200, 0]
    charge = truth.copy()
    charge[:, 4, 2:8] = [0, 70, 70, 70, 70, 0]  # a fake of 280 e-, a fifth of the true 1400
    score = np.zeros((2, 6, 4), np.float32)
    score[:, 2, 2], score[:, 4, 0] = 0.62, 0.33
    samples = planes(truth=truth, decon_charge=charge)
    predictions = Table({"id": IDS, "score": score})
    found = codec().tune([(samples, predictions), (samples, predictions)])
    errors = dict(zip(found["threshold_grid"], found["threshold_errors"], strict=True))
    assert found["threshold"] == 0.35
    assert errors[0.3] == pytest.approx(0.2)  # the fake
    assert errors[0.35] == errors[0.6] == 0
    assert errors[0.65] == 1  # nothing found
    assert codec(found).threshold == 0.35


def test_a_fixed_threshold_stays_and_nothing_true_cannot_be_tuned() -> None:
    assert codec(threshold=0.3).tune([]) == {"threshold": 0.3}
    samples = planes(truth=np.zeros((2, 6, 40), np.float32))
    predictions = Table({"id": IDS, "score": np.zeros((2, 6, 4), np.float32)})
    with pytest.raises(DataError, match="no validation plane has true charge"):
        codec().tune([(samples, predictions)])


def augmented(samples: Table, **settings: Any) -> Table:
    crop = settings.pop("crop", None)
    return codec(augmentation=settings, crop=crop).augment(samples, samples.ids)


def test_without_settings_augmentation_changes_nothing() -> None:
    samples = random_planes()
    result = augmented(samples)
    for name in samples:
        np.testing.assert_array_equal(result[name], samples[name])


def test_augmentation_is_a_function_of_the_key_alone() -> None:
    samples = random_planes()
    settings = {"shift_ticks": 9, "shift_wires": 2, "noisy": 1.0, "dead": 0.2, "amplitude": 0.3}
    both, again = augmented(samples, **settings), augmented(samples, **settings)
    alone = augmented(samples.take([1]), **settings)
    for name in samples:
        np.testing.assert_array_equal(both[name], again[name])
        np.testing.assert_array_equal(both[name][1], alone[name][0])
    assert not np.array_equal(both["loose_lf"][0] != 0, both["loose_lf"][1] != 0)
    np.testing.assert_array_equal(samples["loose_lf"], random_planes()["loose_lf"])


def test_crop_and_shift_move_all_fields_together() -> None:
    samples = random_planes(wires=12, ticks=80)
    crop = {"wires": 5, "bins": 3}
    result = augmented(samples, crop=crop, shift_ticks=11, shift_wires=3)
    assert result["loose_lf"].shape == (2, 5, 30)
    np.testing.assert_array_equal(result["truth"], np.abs(result["loose_lf"]))
    np.testing.assert_array_equal(result["decon_charge"], 2 * result["loose_lf"])
    np.testing.assert_array_equal(result["mp2"], result["mp3"])


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_moves_the_plane_and_lets_in_zeros(seed: int) -> None:
    shape = (1, 9, 50)
    position = np.arange(1, 9 * 50 + 1, dtype=np.float32).reshape(shape)  # tells where it was
    mask = np.ones(shape, np.uint8)
    fields: dict[str, Any] = {
        "loose_lf": position,
        "decon_charge": position,
        "mp2": mask,
        "mp3": mask,
    }
    samples = Table({"id": np.array([seed], np.uint64), **fields})
    found = augmented(samples, shift_ticks=7, shift_wires=2)["loose_lf"][0]
    wire, tick = np.argwhere(found)[0]
    old_wire, old_tick = divmod(int(found[wire, tick]) - 1, 50)
    step = (old_wire - wire, old_tick - tick)
    assert abs(step[0]) <= 2
    assert abs(step[1]) <= 7
    expected = np.zeros((9, 50), np.float32)
    for w in range(9):
        for t in range(50):
            if 0 <= w + step[0] < 9 and 0 <= t + step[1] < 50:
                expected[w, t] = position[0, w + step[0], t + step[1]]
    np.testing.assert_array_equal(found, expected)


def test_a_crop_is_no_larger_than_the_plane() -> None:
    assert augmented(random_planes(), crop={"wires": 99, "bins": 99})["truth"].shape == (2, 12, 80)


def test_noisy_wires_keep_their_spectrum_and_lose_their_truth() -> None:
    samples = random_planes(wires=40, ticks=64)
    result = augmented(samples, noisy=1.0, noise_scale=(3.0, 4.0))
    for row in range(2):
        changed = np.flatnonzero((result["loose_lf"][row] != samples["loose_lf"][row]).any(axis=1))
        assert 1 <= len(changed) <= 2
        quiet = np.flatnonzero((result["truth"][row] == 0).all(axis=1))
        np.testing.assert_array_equal(changed, quiet)
        before = np.abs(np.fft.rfft(samples["loose_lf"][row, changed]))[:, 1:-1]
        after = np.abs(np.fft.rfft(result["loose_lf"][row, changed]))[:, 1:-1]
        ratio = after / before
        assert 3 <= ratio.min() <= ratio.max() <= 4.001
        np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones_like(ratio), rtol=1e-4)
        # One filter apart before, one filter apart after.
        np.testing.assert_allclose(
            result["decon_charge"][row, changed], 2 * result["loose_lf"][row, changed], rtol=1e-4
        )


def test_dead_wires_have_truth_but_no_input() -> None:
    samples = random_planes(wires=400)
    result = augmented(samples, dead=0.25)
    dead = (result["loose_lf"] == 0).all(axis=2)
    assert 0.2 < dead.mean() < 0.3  # 800 wires: 5 sigma are 0.077
    assert not result["mp2"][dead].any()
    np.testing.assert_array_equal(result["truth"], samples["truth"])


def test_amplitude_scales_inputs_and_truth_alike() -> None:
    samples = random_planes()
    result = augmented(samples, amplitude=0.2)
    factor = result["truth"] / samples["truth"]
    assert 0.8 <= factor.min() <= factor.max() <= 1.2
    np.testing.assert_allclose(factor[0], factor[0, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(result["loose_lf"], samples["loose_lf"] * factor, rtol=1e-5)
    np.testing.assert_array_equal(result["mp2"], samples["mp2"])
