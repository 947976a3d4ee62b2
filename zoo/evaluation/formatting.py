"""Numbers for people: as many digits as the interval deserves."""

from __future__ import annotations

import math

from zoo.contract.figures import BinnedNumber
from zoo.evaluation.paired import Difference
from zoo.evaluation.variations import Shift

__all__ = ["bin_label", "format_difference", "format_number", "format_shift", "heading"]


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


def bin_label(column: str, lower: float, upper: float) -> str:
    """``theta_xz 20 to 40``; ``all`` for all rows."""
    return f"{column} {lower:g} to {upper:g}" if column else "all"


def _with_interval(value: float, low: float, high: float, sign: str = "-") -> str:
    if not math.isfinite(value):
        return "undefined"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{value:{sign}.3g}"
    error = (high - low) / 2
    # Two digits of the error; an error of zero tells nothing about digits.
    decimals = 3 if error <= 0 else max(0, min(6, 1 - math.floor(math.log10(error))))
    return f"{value:{sign}z.{decimals}f} [{low:{sign}z.{decimals}f}, {high:{sign}z.{decimals}f}]"
