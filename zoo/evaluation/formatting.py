"""Numbers for people: as many digits as the interval deserves."""

from __future__ import annotations

import math
from collections.abc import Mapping

from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.evaluation.paired import Difference
from zoo.evaluation.results import Results
from zoo.evaluation.variations import Shift

__all__ = [
    "bin_label",
    "bin_texts",
    "fit_text",
    "format_difference",
    "format_number",
    "format_shift",
    "heading",
    "headings",
    "leak_text",
    "marks",
]

_ORIGINS = {
    "named": "the data named for it",
    "runs": "what the runs were trained on",
    "judged": "the judged data themselves",
}


def format_number(binned: BinnedNumber) -> str:
    """``0.541 [0.503, 0.582]``; without an interval the value alone."""
    return _with_interval(binned.number.value, binned.low, binned.high)


def format_difference(difference: Difference) -> str:
    """The difference with its interval, signed."""
    return _with_interval(difference.value, difference.low, difference.high, sign="+")


def format_shift(shift: Shift) -> str:
    """``+2.3 (+0.012)``: in standard errors of the nominal number, and as it is."""
    if not math.isfinite(shift.errors):
        return f"{shift.value:+z.3g}" if math.isfinite(shift.value) else "undefined"
    return f"{shift.errors:+z.1f} ({shift.value:+z.2g})"


def heading(binned: BinnedNumber) -> str:
    """``resolution [%]``."""
    number = binned.number
    return f"{number.name} [{number.unit}]" if number.unit else number.name


def headings(results: Results) -> list[str]:
    """Of the numbers on all samples, in order.

    A number that no row defines, such as one of a field that no model predicts, is left out; the
    primary one stays.
    """
    every = [b for one in results.values() for b in one.numbers if not b.column]
    told = {b.number.name for b in every if math.isfinite(b.number.value)} | {results.primary}
    return list(dict.fromkeys(heading(b) for b in every if b.number.name in told))


def bin_label(column: str, lower: float, upper: float) -> str:
    """``theta_xz 20 to 40``; ``all`` for all rows."""
    return f"{column} {lower:g} to {upper:g}" if column else "all"


def fit_text(one: Evaluation) -> str:
    """What a classical row was fitted to; empty if it needed no fit."""
    fit = one.fitted_to
    if not fit:
        return ""
    note = f"; {fit['note']}" if fit["note"] else ""
    origin = _ORIGINS[fit["origin"]]
    return f"the training split of {fit['data']}, {fit['rows']} samples ({origin}{note})"


def leak_text(one: Evaluation) -> str:
    """What is wrong with a row that saw samples that it is judged on."""
    judged = max((int(training.get("judged") or 0) for training in one.trainings), default=0)
    saw, remedy = f"trained on {judged}", "judge on the test split"
    if one.fitted_to.get("judged"):
        saw = f"fitted to {one.fitted_to['judged']}"
        remedy = f"fit it to other data with --training, or {remedy}"
    return f"{saw} of the samples that it is judged on, so it wins or loses nothing; {remedy}"


def marks(one: Evaluation) -> str:
    """Why a row wins or loses nothing: ``LEAKED``, ``UNDER-TRAINED``; empty: nothing is wrong."""
    found = {"UNDER-TRAINED": one.under_trained, "LEAKED": one.leaked}
    return ", ".join(mark for mark, holds in found.items() if holds)


def _with_interval(value: float, low: float, high: float, sign: str = "-") -> str:
    if not math.isfinite(value):
        return "undefined"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{value:{sign}.3g}"
    error = (high - low) / 2
    # Two digits of the error; an error of zero tells nothing about digits.
    decimals = 3 if error <= 0 else max(0, min(6, 1 - math.floor(math.log10(error))))
    return f"{value:{sign}z.{decimals}f} [{low:{sign}z.{decimals}f}, {high:{sign}z.{decimals}f}]"


def bin_texts(numbers: Mapping[str, BinnedNumber]) -> tuple[str, dict[str, str]]:
    """The heading of a bin, and the text of each model.

    How many samples a bin has stands in the heading if all models have the same, else beside each
    number: so it is in bins of what the models themselves tell.

    Args:
        numbers: Of one bin, by model; at least one.
    """
    first = next(iter(numbers.values()))
    label, counts = f"{first.lower:g} to {first.upper:g}", {one.n for one in numbers.values()}
    texts = {name: format_number(one) for name, one in numbers.items()}
    if len(counts) == 1:
        return f"{label} (n = {first.n})", texts
    return label, {name: f"{text} (n = {numbers[name].n})" for name, text in texts.items()}
