"""Numbers in bins, and paired differences, against numbers done by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import pytest

from zoo.api import DataError, Metrics, Number, PluginError, Table
from zoo.evaluation.bins import bins_of, numbers_of
from zoo.evaluation.paired import Difference, paired_differences
from zoo.evaluation.resampling import Resampler


class MeanAndBias(Metrics):
    bins: ClassVar[Mapping[str, Sequence[float]]] = {"angle": (0.0, 10.0, 20.0, 30.0)}
    primary: ClassVar[str] = "mean"

    def summarise(self, rows: Table) -> Sequence[Number]:
        mean = float(np.mean(rows["value"]))
        return (
            Number(name="mean", value=mean),
            Number(name="bias", value=mean, better="zero"),
            Number(name="score", value=mean, better="higher"),
        )


def rows(value: Sequence[float], angle: Sequence[float] | None = None) -> Table:
    count = len(value)
    return Table(
        {
            "id": np.arange(count, dtype=np.uint64),
            "group": np.arange(count, dtype=np.uint64) // 2,
            "value": np.asarray(value, dtype=np.float64),
            "angle": np.asarray(angle if angle is not None else np.zeros(count), dtype=np.float64),
        }
    )


METRICS = MeanAndBias({})


def paired(
    first: Table, second: Table, *, resamples: int = 1000, seed: int = 0
) -> tuple[Difference, ...]:
    return paired_differences(Resampler(METRICS, resamples=resamples, seed=seed), first, second)


def test_bins_hold_their_lower_edge_and_the_last_its_upper():
    table = rows(np.arange(6), [0, 10, 9.9, 30, np.nan, 31])
    parts = {
        (part.column, part.lower): part.index.tolist() for part in bins_of(table, METRICS.bins)
    }
    assert parts.pop(("angle", 0.0)) == [0, 2]
    assert parts.pop(("angle", 10.0)) == [1]
    assert parts.pop(("angle", 20.0)) == [3]
    assert list(parts.values()) == [[0, 1, 2, 3, 4, 5]]


def test_all_rows_come_first_then_the_bins_that_are_not_empty():
    numbers = numbers_of(Resampler(METRICS, resamples=20), rows([1, 2, 3, 6], [0, 0, 25, 25]))
    means = [n for n in numbers if n.number.name == "mean"]
    assert [(n.column, n.number.value, n.n, n.groups) for n in means] == [
        ("", 3.0, 4, 2),
        ("angle", 1.5, 2, 1),
        ("angle", 4.5, 2, 1),
    ]
    assert (means[0].low, means[0].high) == (1.5, 4.5)  # both groups alike: the extremes
    assert np.isnan(means[1].low)  # one group


def test_a_missing_column_names_the_plugin_s_mistake():
    table = Table({"id": np.arange(2, dtype=np.uint64)})
    with pytest.raises(PluginError, match="'angle'"):
        list(bins_of(table, METRICS.bins))


def test_a_constant_shift_is_seen_through_the_spread_of_the_events():
    spread = np.random.default_rng(5).normal(scale=100, size=40)
    lower, higher = rows(spread - 1 + 1000), rows(spread + 1000)
    mean, bias, score = paired(lower, higher, resamples=100)[:3]
    assert mean.value == pytest.approx(-1)
    assert mean.low == pytest.approx(-1)
    assert mean.high == pytest.approx(-1)
    assert (mean.verdict, bias.verdict, score.verdict) == ("better", "better", "worse")
    worse = paired(higher, lower, resamples=100)[0]
    assert worse.verdict == "worse"


def test_a_bias_is_judged_by_its_distance_from_zero():
    differences = paired(rows([-1.0] * 12), rows([2.0] * 12), resamples=20)
    bias = differences[1]
    assert (bias.name, bias.value, bias.verdict) == ("bias", -1.0, "better")


def test_five_groups_decide_nothing():
    # All five agree by chance in 2 / 2**5 = 6 % of all experiments, six in 3 %.
    for groups, verdict in ((5, "indistinguishable"), (6, "better")):
        pair = (rows([0.0] * 2 * groups), rows([1.0] * 2 * groups))
        assert paired(*pair, resamples=20)[0].verdict == verdict


def test_equal_models_differ_in_five_percent_of_the_experiments():
    generator = np.random.default_rng(6)
    experiments, claims = 300, 0
    for seed in range(experiments):
        first, second = (rows(generator.normal(size=60)) for _ in range(2))
        verdict = paired(first, second, resamples=100, seed=seed)[0].verdict
        claims += verdict != "indistinguishable"
    # Binomial: 0.05 +- 3.5 sqrt(0.05 * 0.95 / 300) = 0.05 +- 0.044, and not never.
    assert 0.006 <= claims / experiments <= 0.094


def test_other_samples_are_refused():
    with pytest.raises(DataError, match="not measured on the same samples"):
        paired(rows([1, 2]), rows([1, 2, 3]))
