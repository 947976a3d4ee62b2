"""Which numbers a table has columns for."""

from __future__ import annotations

import math
from dataclasses import replace

from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.contract.metrics import Number
from zoo.evaluation.formatting import bin_texts, headings
from zoo.evaluation.results import Results


def results(**models: dict[str, float]) -> Results:
    return Results(
        task="mini",
        primary="loss",
        data={},
        facts={},
        evaluations={name: evaluation(name, numbers) for name, numbers in models.items()},
        resamples=0,
        seed=0,
        created="",
        version="",
    )


def evaluation(name: str, numbers: dict[str, float]) -> Evaluation:
    told = tuple(
        BinnedNumber(
            number=Number(name=number, value=value, unit="%"), low=0.0, high=1.0, n=5, groups=5
        )
        for number, value in numbers.items()
    )
    return Evaluation(model=name, role="model", numbers=told, rows=None)


def test_a_number_that_no_row_defines_has_no_column() -> None:
    found = results(
        first={"loss": 1.0, "time": math.nan, "pull": math.nan},
        second={"loss": 2.0, "time": math.nan, "pull": 0.1},
    )
    assert headings(found) == ["loss [%]", "pull [%]"]


def test_the_primary_number_stays() -> None:
    assert headings(results(one={"loss": math.nan, "bias": 1.0})) == ["loss [%]", "bias [%]"]


def test_samples_of_a_bin_are_told_once_if_all_models_have_the_same() -> None:
    def one(n: int) -> BinnedNumber:
        (told,) = evaluation("net", {"width": 0.5}).numbers
        return replace(told, n=n, column="p", lower=1.0, upper=2.0)

    assert bin_texts({"a": one(7), "b": one(7)})[0] == "1 to 2 (n = 7)"
    label, texts = bin_texts({"a": one(7), "b": one(8)})
    assert label == "1 to 2"
    assert [text[-8:] for text in texts.values()] == [" (n = 7)", " (n = 8)"]
