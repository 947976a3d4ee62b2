"""Numbers of hit times: the truth is judged right, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import exponnorm, norm

from zoo.api import Evaluation, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenPairConfig
from zoo_optics.figures import OpticsFigures
from zoo_optics.metrics import OpticsMetrics
from zoo_optics.specs import PREDICTION
from zoo_optics.times.fields import TIME_COLUMNS
from zoo_optics.times.judge import EDGES_NS, ZONES

Drawn = Callable[..., Table]
Facts = Callable[..., dict[str, Any]]
NAMES = ["time NLL", "time gain", "time pull bias", "time pull width - 1"]


def predicted(
    table: Table, facts: dict[str, Any], numbers: tuple[float, ...], hits: float = 300.0
) -> Table:
    """By the codec, of a network that answers with one shape for all."""
    shape = table["charge"].shape
    names = ("time_prompt", "time_shift", "time_width", "time_tail")
    outputs = {n: np.full(shape, x, np.float32) for n, x in zip(names, numbers, strict=True)}
    outputs["visibility"] = np.full(shape, hits / shape[1] / 1e4, np.float32)
    return OpticsCodec(SirenPairConfig(time=True), facts, {}).decode(outputs, table)


def measured(table: Table, facts: dict[str, Any], predictions: Table) -> dict[str, float]:
    metrics = OpticsMetrics(facts)
    rows = metrics.measure(table, predictions)
    return {number.name: number.value for number in metrics.summarise(rows)}


def test_the_truth_has_normal_pulls(drawn: Drawn, facts: Facts, truth: tuple[float, ...]) -> None:
    table = drawn(60, hits=300)
    found = measured(table, facts(), predicted(table, facts(), truth))
    count = 60 * 300
    assert found["time pull bias"] == pytest.approx(0, abs=4 / count**0.5)
    assert found["time pull width - 1"] == pytest.approx(0, abs=4 / (2 * count) ** 0.5)
    # One shape for all: nothing is gained on the best constant one but what bins lose.
    assert found["time gain"] == pytest.approx(0, abs=0.02)


def test_the_likelihood_is_the_entropy(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    """Of the truth, the mean of -log p is an integral: a sum over fine steps of scipy's density."""
    prompt, shift, width, decay = truth
    step = 0.005
    late = np.arange(-20, 200, step) + step / 2
    density = prompt * norm.pdf(late, shift, width)
    density += (1 - prompt) * exponnorm.pdf(late, decay / width, loc=shift, scale=width)
    density = 0.999 * density + 0.001 / 250
    entropy = -(density * np.log(density)).sum() * step
    table = drawn(60, hits=300)
    found = measured(table, facts(), predicted(table, facts(), truth))
    assert found["time NLL"] == pytest.approx(entropy, abs=0.03)  # spread of log p: 1.1


def test_dark_hits_are_expected_where_the_facts_tell_them(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    table = drawn(60, hits=270, dark=30)
    told = facts(dark_khz=1e6 * 30 / 34 / 250)
    right = measured(table, told, predicted(table, told, truth))
    count = 60 * 300
    assert right["time pull bias"] == pytest.approx(0, abs=4 / count**0.5)
    assert right["time pull width - 1"] == pytest.approx(0, abs=4 / (2 * count) ** 0.5)
    silent = measured(table, facts(), predicted(table, facts(), truth))
    assert silent["time NLL"] > right["time NLL"] + 0.2
    assert silent["time pull width - 1"] > 0.1


def test_what_is_wrong_is_told(drawn: Drawn, facts: Facts, truth: tuple[float, ...]) -> None:
    table = drawn(60, hits=300)
    prompt, shift, width, decay = truth
    early = measured(table, facts(), predicted(table, facts(), (prompt, shift - 1, width, decay)))
    assert early["time pull bias"] > 0.5
    wide = measured(table, facts(), predicted(table, facts(), (prompt, shift, 3 * width, decay)))
    assert wide["time pull width - 1"] < -0.2
    assert wide["time gain"] < -0.1
    assert early["time gain"] < -0.1


def test_where_shapes_differ_a_model_gains(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    """Half of the flashes are 1.5 ns late: what it is worth to know which is an integral."""
    prompt, shift, width, decay = truth
    fine = np.arange(-20, 200, 0.005)

    def density(moved: float) -> np.ndarray[Any, Any]:
        light = prompt * norm.pdf(fine, shift + moved, width)
        tail = exponnorm.pdf(fine, decay / width, loc=shift + moved, scale=width)
        both: np.ndarray[Any, Any] = light + (1 - prompt) * tail + 1e-30
        return both

    mixed = (density(0) + density(1.5)) / 2
    worth = float((density(0) * np.log(density(0)) - mixed * np.log(mixed)).sum() * 0.005)
    table = drawn(80, hits=200)
    late = 1.5 * (np.arange(80) % 2 == 0)
    times = table["hit_time"].values + np.repeat(late, 200).astype(np.float32)
    table = table.with_columns({"hit_time": Ragged(times, table["hit_time"].offsets)})
    predictions = predicted(table, facts(), truth)
    moved = predictions["time_shift"] + late.astype(np.float32)[:, None]
    knowing = predictions.with_columns({"time_shift": moved})
    assert worth > 0.15
    assert measured(table, facts(), knowing)["time gain"] == pytest.approx(worth, abs=0.03)


def test_the_null_is_the_histogram_of_all_hits(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    table = drawn(5)
    rows = OpticsMetrics(facts()).measure(table, predicted(table, facts(), truth))
    encoded = OpticsCodec(SirenPairConfig(time=True), facts(), {}).encode(table)
    seen = np.histogram(encoded.targets["hit_late"], EDGES_NS)[0]
    np.testing.assert_allclose(rows["time_seen"].sum(0).reshape(ZONES, -1).sum(0), seen, atol=1)
    assert rows["time_seen"].sum() == rows["time_hits"].sum() == 300
    # What is expected of hits is a hit each, wherever it may be.
    np.testing.assert_allclose(rows["time_told"].sum(1), 60, rtol=1e-9)
    filled = seen[seen > 0] / 300
    null = -(filled * np.log(filled / np.diff(EDGES_NS)[seen > 0])).sum()
    found = measured(table, facts(), predicted(table, facts(), truth))
    assert found["time NLL"] + found["time gain"] == pytest.approx(null, abs=0.03)


def test_without_times_there_are_no_numbers(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    table = drawn(5)
    bare = table.select(["position", "photons", "charge"])
    assert not set(NAMES) & set(measured(bare, facts(), predicted(table, facts(), truth)))
    silent = facts()
    del silent["group_index"]
    assert not set(NAMES) & set(measured(table, silent, predicted(table, facts(), truth)))


def test_of_models_without_times_they_are_undefined(drawn: Drawn, facts: Facts) -> None:
    """Equally many numbers for all models of one table."""
    table = drawn(5)
    plain = Table({"id": table.ids, "charge": table["charge"] + np.float32(0.1)})
    found = measured(table, facts(), plain)
    assert list(found)[-4:] == NAMES
    assert all(np.isnan(found[name]) for name in NAMES)
    empty = drawn(5, hits=0)
    nothing = measured(empty, facts(), predicted(empty, facts(), (0.5, 0.0, 1.0, 1.0)))
    assert all(np.isnan(nothing[name]) for name in NAMES)


def test_predictions_are_the_declared_fields(drawn: Drawn, facts: Facts) -> None:
    """Mean and RMS of half core, half tail, by hand: 0.1 + 4 / 2; 1 + 16 - 4 and the root."""
    table = drawn(3)
    found = predicted(table, facts(dark_khz=1e3), (0.5, 0.1, 1.0, 4.0))
    assert set(found) - {"id", "charge"} == set(TIME_COLUMNS)
    assert PREDICTION.items() >= TIME_COLUMNS.items()
    for name, field in TIME_COLUMNS.items():
        assert found[name].dtype == field.dtype
        assert found[name].shape == (3, 34 if field.dims == ("sensor",) else 2)
    np.testing.assert_allclose(found["time_mean"], 2.1, rtol=1e-6)
    np.testing.assert_allclose(found["time_rms"], 13**0.5, rtol=1e-6)
    # 1 MHz in 250 ns: 0.25 of 300 / 34 hits.
    np.testing.assert_allclose(found["time_flat"], 0.001 + 0.999 * 0.25 * 34 / 300, rtol=1e-5)
    np.testing.assert_array_equal(found["time_window"], np.tile([0.0, 250.0], (3, 1)))


def test_the_figure_has_hits_and_what_is_expected(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...]
) -> None:
    table, metrics = drawn(40, hits=300), OpticsMetrics(facts())
    plain = Table({"id": table.ids, "charge": table["charge"] + np.float32(0.1)})
    evaluations = {}
    for name, told in (("run", predicted(table, facts(), truth)), ("optics/lut", plain)):
        rows = metrics.measure(table, told).with_columns({"group": table.ids})
        numbers = numbers_of(Resampler(metrics, resamples=5, seed=0), rows)
        evaluations[name] = Evaluation(model=name, role="model", numbers=numbers, rows=rows)
    drawings = {d.name: d for d in OpticsFigures(facts()).draw(evaluations, None, {})}
    data = drawings["hit-times"].data
    zones = [name.removeprefix("hits, ") for name in data if name.startswith("hits, ")]
    assert len(zones) == ZONES
    assert not any(name.startswith("optics/lut") for name in data)
    for zone in zones:
        seen, expected = data[f"hits, {zone}"], data[f"run, {zone}"]
        assert seen.sum() == pytest.approx(expected.sum())
        often = expected > 20
        assert often.sum() > 8
        pulls = (seen - expected)[often] / np.sqrt(expected[often])
        assert np.abs(pulls).max() < 4.5
    without = {"optics/lut": evaluations["optics/lut"]}
    assert "hit-times" not in {d.name for d in OpticsFigures(facts()).draw(without, None, {})}
