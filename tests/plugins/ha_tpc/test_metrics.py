"""The numbers of tracks whose errors are known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo.evaluation.paired import paired_differences
from zoo.evaluation.stored import read_table, write_table
from zoo_ha_tpc.metrics import LENGTHS_MM, HaTpcMetrics, crossing
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.physics.resolution import limit
from zoo_ha_tpc.specs import SAMPLE

PLANE = read_plane("ha-tpc")
METRICS = HaTpcMetrics(PLANE.facts())
COUNT = 8_000


def sample(count: int = COUNT, seed: int = 1) -> Table:
    """Muons of either charge that start on the left edge."""
    random = np.random.default_rng(seed)
    p_t = np.exp(random.uniform(np.log(0.2), np.log(2), count))
    truth = {
        "q_over_pt": random.choice([-1, 1], count) / p_t,
        "phi": random.uniform(-1, 1, count),
        "tan_lambda": np.zeros(count),
        "x_ini": np.full(count, 500.0),
        "y_ini": random.uniform(-200, 200, count),
        "z_ini": np.zeros(count),
    }
    one = np.ones(count, np.uint8)
    offsets = np.arange(count + 1)
    hits = {
        "hit_row": Ragged(30 * one, offsets),
        "hit_column": Ragged(one, offsets),
        "hit_charge": Ragged(np.full(count, 300, np.uint16), offsets),
    }
    truth = {name: values.astype(np.float32) for name, values in truth.items()}
    return Table({"id": np.arange(count, dtype=np.uint64), **hits, **truth})


def gaussian(count: int = COUNT, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def rows_of(samples: Table, predictions: Mapping[str, Any]) -> Table:
    columns = {name: np.asarray(values, np.float32) for name, values in predictions.items()}
    return METRICS.measure(samples, Table({"id": samples.ids, **columns}))


def numbers(rows: Table) -> dict[str, float]:
    return {number.name: number.value for number in METRICS.summarise(rows)}


def told(samples: Table, predictions: Mapping[str, Any]) -> dict[str, float]:
    return {n: v for n, v in numbers(rows_of(samples, predictions)).items() if not np.isnan(v)}


def test_it_reads_what_samples_have():
    assert METRICS.needs <= set(SAMPLE)
    assert METRICS.primary in {number.name for number in METRICS.summarise(rows_of(sample(9), {}))}


def test_the_truth_has_no_error():
    table = sample(500)
    names = ("q_over_pt", "phi", "y_ini", "z_ini")
    found = told(table, {name: table[name] for name in names})
    off = {name: value for name, value in found.items() if abs(value) > 2e-4}
    assert not off  # derived momenta included: float32 in, 1e-7 relative, in percent and MeV/c
    assert {"s68 of p_z", "s68 of p_y, absolute", "s68 of sin(phi)", "wrong sign"} <= set(found)


def test_a_gaussian_error_of_the_curvature():
    table = sample()
    error = 0.05 * gaussian() + 0.01
    found = told(table, {"q_over_pt": table["q_over_pt"] * (1 + error)})
    # 4 standard errors: s68 of n values has 0.94 / sqrt(n), the median 1.25 / sqrt(n).
    assert found["s68 of 1/p_t"] == pytest.approx(5, abs=4 * 5 * 0.94 / COUNT**0.5)
    assert found["bias of 1/p_t"] == pytest.approx(1, abs=4 * 5 * 1.25 / COUNT**0.5)
    # p_t = 1 / (1 + e) of the truth: monotonic, so its quantiles are those of e turned round.
    low, high = 1 / 1.06 - 1, 1 / 0.96 - 1
    assert found["s68 of p_t"] == pytest.approx(100 * (high - low) / 2, rel=0.03)
    assert found["bias of p_t"] == pytest.approx(100 * (1 / 1.01 - 1), abs=0.2)
    assert found["wrong sign"] == 0
    assert "s68 of p_z" not in found
    assert "pull mean of 1/p_t" not in found


def test_mean_and_rms_are_those_of_relative_residuals():
    table = sample()
    relative = np.random.default_rng(3).exponential(0.1, COUNT)  # mean and deviation are 0.1
    found = told(table, {"p_t": (1 + relative) / np.abs(table["q_over_pt"])})
    assert found["mean of p_t"] == pytest.approx(10, rel=0.03)
    assert found["RMS of p_t"] == pytest.approx(10, rel=0.05)
    assert found["bias of p_t"] == pytest.approx(10 * np.log(2), rel=0.04)
    assert found["s68 of p_t"] == pytest.approx(5 * np.log(0.841345 / 0.158655), rel=0.04)


def test_absolute_residuals_have_the_units_that_they_say():
    table = sample()
    truth = np.cos(table["phi"]) / np.abs(table["q_over_pt"])
    shift = {
        "p_z": truth + 0.02 * gaussian(),
        "y_ini": table["y_ini"] + 3 * gaussian(seed=1) - 0.5,
        "z_ini": table["z_ini"] + 2 * gaussian(seed=2) + 1,
        "sin_phi": np.sin(table["phi"]) + 0.004 * gaussian(seed=3),
    }
    found = told(table, shift)
    expected = {
        "s68 of p_z, absolute": 20,  # MeV/c
        "s68 of y_ini": 3,
        "bias of y_ini": -0.5,
        "s68 of z_ini": 2,
        "bias of z_ini": 1,
        "s68 of sin(phi)": 4,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.1 if "bias" in name else 0.04 * value)
    units = {n.name: n.unit for n in METRICS.summarise(rows_of(table, shift))}
    assert [units[name] for name in expected] == ["MeV/c", "mm", "mm", "mm", "mm", "1e-3"]


def test_angles_are_compared_round_the_circle():
    table = sample(4).with_columns({"phi": np.array([3.14, -3.14, 3.1, 0.1], np.float32)})
    found = rows_of(table, {"phi": [-3.14, 3.14, 3.12, 0.05]})["residual_phi"]
    turn = 2 * np.pi - 6.28
    assert found == pytest.approx([turn, -turn, 0.02, -0.05], abs=1e-6)
    assert numbers(rows_of(table, {"phi": table["phi"] + 2 * np.pi}))["s68 of phi"] < 1e-3


def test_wrong_signs():
    table = sample(1000)
    sign = np.where(np.arange(1000) < 130, -1, 1)
    found = told(table, {"q_over_pt": sign * table["q_over_pt"]})
    assert found["wrong sign"] == pytest.approx(13)
    assert found["s68 of p_t"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("dilution", [0.0, 0.3, 1.0, 1.1])
def test_the_slope_tells_what_is_pulled_to_the_mean(dilution: float):
    # A direct regression that learns little: the right charge, and sizes near the mean size.
    table = sample()
    size, sign = np.abs(table["q_over_pt"]), np.sign(table["q_over_pt"])
    size = size.mean() + dilution * (size - size.mean())
    found = told(table, {"q_over_pt": sign * size * (1 + 0.02 * gaussian())})
    assert found["slope - 1 of 1/p_t"] == pytest.approx(dilution - 1, abs=0.003)


def test_pulls():
    table = sample()
    error = np.random.default_rng(5).uniform(0.05, 0.5, COUNT)
    found = told(
        table,
        {
            "y_ini": table["y_ini"] + error * (0.8 * gaussian() + 0.3),
            "y_ini_error": error,
            "z_ini": table["z_ini"] + error * gaussian(),
            "z_ini_error": error / 2,
        },
    )
    assert found["pull width - 1 of y_ini"] == pytest.approx(-0.2, abs=0.03)
    assert found["pull mean of y_ini"] == pytest.approx(0.3, abs=0.03)
    assert found["pull width - 1 of z_ini"] == pytest.approx(1, abs=0.06)
    assert found["pull mean of z_ini"] == pytest.approx(0, abs=0.06)


def test_errors_of_momenta_follow_from_those_that_are_told():
    table = sample()
    relative, turn = 0.03, 0.01
    found = told(
        table,
        {
            "q_over_pt": table["q_over_pt"] * (1 + relative * gaussian()),
            "q_over_pt_error": relative * np.abs(table["q_over_pt"]),
            "phi": table["phi"] + turn * gaussian(seed=8),
            "phi_error": np.full(COUNT, turn),
        },
    )
    for label in ("1/p_t", "p_t", "p_y", "p_z", "phi", "sin(phi)"):
        assert found[f"pull width - 1 of {label}"] == pytest.approx(0, abs=0.04), label


def test_an_error_of_zero_gives_a_large_pull_not_infinity():
    table = sample(20)
    found = rows_of(table, {"z_ini": table["z_ini"] + 1, "z_ini_error": np.zeros(20)})
    assert (found["pull_z_ini"] == 20).all()


def test_components_tell_momentum_and_direction():
    table = sample()
    p_t = 1 / np.abs(table["q_over_pt"])
    y, z = p_t * np.sin(table["phi"]), p_t * np.cos(table["phi"])
    error = 0.01 * p_t
    found = told(
        table,
        {
            "p_y": y + error * gaussian(),
            "p_z": z + error * gaussian(seed=8),
            "p_y_error": error,
            "p_z_error": error,
        },
    )
    # Equal errors of both components: 1 % along the track, and 10 mrad across it.
    assert found["s68 of p_t"] == pytest.approx(1, rel=0.04)
    assert found["s68 of phi"] == pytest.approx(10, rel=0.04)
    assert found["pull width - 1 of p_t"] == pytest.approx(0, abs=0.04)
    assert found["pull width - 1 of phi"] == pytest.approx(0, abs=0.04)
    assert "s68 of 1/p_t" not in found  # nobody said which charge


def test_the_ratio_to_the_limit():
    table = sample()
    rows = rows_of(table, {"q_over_pt": table["q_over_pt"]})
    p_t, length = rows["p_t"], rows["length"]
    relative = 1.7 * limit(p_t, length, rows["clusters"], 0.2) * gaussian()
    found = told(table, {"q_over_pt": table["q_over_pt"] * (1 + relative)})
    assert found["s68 over the textbook"] == pytest.approx(1.7, abs=4 * 1.7 * 0.94 / COUNT**0.5)
    # Stiff tracks from the middle of the edge cross all columns.
    whole = (np.abs(table["phi"]) < 0.1) & (np.abs(table["y_ini"]) < 50) & (p_t > 1)
    assert length[whole] == pytest.approx(PLANE.z.length_mm, rel=0.02)
    assert rows["clusters"][whole] == pytest.approx(144, rel=0.01)


def test_components_that_are_nearly_zero_have_no_relative_residual():
    table = sample(3).with_columns({"phi": np.array([0.0, 0.001, 0.5], np.float32)})
    table = table.with_columns({"q_over_pt": np.array([1.0, 1.0, -1.0], np.float32)})
    found = rows_of(table, {"p_y": [0.02, 0.02, 0.5]})["relative_p_y"]
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx(0.5 / np.sin(0.5) - 1, rel=1e-5)


def test_all_models_have_the_same_numbers_and_those_not_told_are_undefined():
    table = sample(300)
    everything = METRICS.summarise(rows_of(table, {n: table[n] for n in ("q_over_pt", "phi")}))
    momentum = METRICS.summarise(rows_of(table, {"p_z": np.ones(300)}))
    assert [n.name for n in everything] == [n.name for n in momentum]
    assert len({n.name for n in everything}) == len(everything)
    told_of_one = {n.name for n in momentum if not np.isnan(n.value)}
    assert told_of_one == {f"{what} of p_z" for what in ("s68", "bias", "mean", "RMS")} | {
        f"{what} of p_z, absolute" for what in ("s68", "bias")
    }


def test_data_that_know_some_of_the_truth():
    table = sample(300)
    kept = {"hit_row", "hit_column", "hit_charge", "phi"}
    rows = METRICS.measure(
        table.select(frozenset(kept)),
        Table({"id": table.ids, "phi": table["phi"], "q_over_pt": table["q_over_pt"]}),
    )
    found = {n: v for n, v in numbers(rows).items() if not np.isnan(v)}
    assert set(found) == {f"{what} of {x}" for what in ("s68", "bias") for x in ("phi", "sin(phi)")}
    assert np.isnan(rows["p_t"]).all()
    assert np.isfinite(rows["length"]).all()  # of the hits
    list(numbers_of(Resampler(METRICS, resamples=3), rows.with_columns({"group": table.ids})))


def noisy(table: Table, seed: int = 11) -> Table:
    error = 1 + 0.1 * gaussian(table.rows, seed)
    found = {"q_over_pt": table["q_over_pt"] * error, "phi": table["phi"] + 0.01 * error}
    found |= {"q_over_pt_error": np.full(table.rows, 0.1)}
    return rows_of(table, found)


def test_order_and_repetition_of_rows():
    rows = noisy(sample(501))
    index = np.random.default_rng(0).permutation(501)
    forward, backward = numbers(rows), numbers(rows.take(index))
    for name, value in forward.items():
        assert backward[name] == pytest.approx(value, rel=1e-5, abs=1e-5, nan_ok=True), name
    repeated = numbers(rows.take(np.repeat(np.arange(501), 3)))
    for name in ("bias of 1/p_t", "mean of p_t", "RMS of p_t", "slope - 1 of 1/p_t", "wrong sign"):
        assert repeated[name] == pytest.approx(forward[name], rel=1e-5), name
    # Quantiles lie between neighbours, which come closer to one another when all stand thrice.
    assert repeated["s68 of 1/p_t"] == pytest.approx(forward["s68 of 1/p_t"], rel=0.02)


def test_few_rows():
    for count in (0, 1, 2):
        found = numbers(noisy(sample(count)))
        assert np.isnan(found["s68 of 1/p_t"]) == (count == 0)


def test_bins():
    rows = noisy(sample(2000)).with_columns({"group": np.arange(2000, dtype=np.uint64)})
    binned = numbers_of(Resampler(METRICS, resamples=3), rows)
    counts = {(n.column, n.lower): n.n for n in binned if n.number.name == "s68 of 1/p_t"}
    for column in ("length", "p_t", "angle"):
        assert sum(n for (name, _), n in counts.items() if name == column) == 2000
    # Each track is in one range of lengths and in one bin of p_t there.
    for low, high in pairwise(LENGTHS_MM):
        inside = (rows["length"] >= low) & (rows["length"] < high)
        found = [n for (name, _), n in counts.items() if name == crossing(low, high)]
        assert sum(found) == inside.sum()


def test_angles_of_tracks_backwards_are_folded():
    phi = np.radians([10, -10, 170, -170, 90, 180]).astype(np.float32)
    rows = rows_of(sample(6).with_columns({"phi": phi}), {})
    assert rows["angle"] == pytest.approx([10, 10, 10, 10, 90, 0], abs=1e-4)


def test_models_that_tell_different_quantities_are_paired():
    table = sample(60)
    group = {"group": table.ids}
    one = noisy(table).with_columns(group)
    two = rows_of(table, {"p_z": np.ones(60)}).with_columns(group)
    found = paired_differences(Resampler(METRICS, resamples=20), one, two)
    primary = next(d for d in found if d.name == METRICS.primary)
    assert np.isnan(primary.value)
    assert primary.verdict == "indistinguishable"


def test_rows_can_be_stored(tmp_path: Path):
    rows = noisy(sample(20)).with_columns({"group": np.arange(20, dtype=np.uint64)})
    write_table(tmp_path / "rows.h5", rows, task="ha-tpc", facts=PLANE.facts())
    stored, _ = read_table(tmp_path / "rows.h5")
    assert set(stored) == set(rows)
    assert numbers(stored) == pytest.approx(numbers(rows), nan_ok=True)


def test_biases_are_judged_absolutely_and_widths_relatively():
    for number in METRICS.summarise(rows_of(sample(5), {})):
        if number.name.startswith(("s68", "RMS")):
            assert (number.better, number.margin, number.absolute) == ("lower", 0.05, False)
        else:
            assert number.absolute
            assert (number.better == "zero") == (number.name != "wrong sign")


def test_a_prediction_that_is_no_number_is_refused():
    table = sample(3)
    with pytest.raises(DataError, match="1 predictions are not finite"):
        rows_of(table, {"q_over_pt": [1, np.nan, 1]})


def test_data_without_a_plane_are_refused():
    table = sample(3)
    with pytest.raises(DataError, match="no pad plane"):
        HaTpcMetrics({}).measure(table, Table({"id": table.ids}))
