"""Whether one model beats another, strictly enough for an exit code."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.contract.figures import BinnedNumber
from zoo.errors import UsageError, suggestion
from zoo.evaluation.paired import Difference
from zoo.evaluation.results import Results

__all__ = ["Beats", "beats", "parse_beats"]


@dataclass(frozen=True)
class Beats:
    """A claim and what speaks for it.

    Attributes:
        first, second: Models.
        number: The name of the number.
        holds: On all rows the paired difference is better and the two intervals do not overlap.
        apart: Whether the two 95 % intervals do not overlap.
        differences: Paired differences on all rows, then in every bin.
    """

    first: str
    second: str
    number: str
    holds: bool
    apart: bool
    differences: tuple[Difference, ...]


def parse_beats(text: str) -> tuple[str, str]:
    """``OTHER:NUMBER`` as model and number.

    Raises:
        UsageError: If it is not of this form.
    """
    other, colon, number = text.rpartition(":")
    if not (colon and other and number):
        raise UsageError("is no claim", where=f"--beats {text}", remedy="write TASK/MODEL:NUMBER")
    return other, number


def beats(results: Results, second: str, number: str) -> Beats:
    """Whether the first model of an evaluation beats another one.

    Args:
        results: Of both.
        second: A later row of the results.
        number: The number that decides.

    Raises:
        UsageError: If either could not run, or there is no such model or number.
    """
    first = next(iter(results))
    for name in (first, second):
        if name not in results:
            raise UsageError("is not a row", where=name, remedy=suggestion(name, results))
        if results[name].unavailable:
            raise UsageError(results[name].unavailable, where=name, remedy="use other data")
    if first == second:
        raise UsageError("a model cannot beat itself", where=first)
    differences = tuple(d for d in results.differences[first, second] if d.name == number)
    if not differences:
        known = {binned.number.name for binned in results[first].numbers}
        raise UsageError("no such number", where=number, remedy=suggestion(number, known))
    one, two = (_overall(results, name, number) for name in (first, second))
    apart = one.high < two.low or two.high < one.low
    return Beats(
        first=first,
        second=second,
        number=number,
        holds=apart and differences[0].verdict == "better",
        apart=apart,
        differences=differences,
    )


def _overall(results: Results, model: str, number: str) -> BinnedNumber:
    return next(binned for binned in results[model].numbers if binned.number.name == number)
