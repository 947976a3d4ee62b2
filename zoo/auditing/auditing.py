"""Measure again what a card states, by its own commands, and compare.

Two comparisons hold. On a machine that computes as that of the author does, a number is the stated
one to its last digit. Another processor, number of threads or version of a library rounds
differently: then it may differ by :data:`TOLERANCE` of the width of its interval, which is far
below what its statistics can tell, or, without an interval, of its value. The report says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

from zoo.auditing.commands import Run, data_named, eval_words, making_words, run_fresh
from zoo.errors import DataError, WeightsError
from zoo.evaluation.formatting import bin_label
from zoo.prediction.sources import parse_data
from zoo.registry import registry
from zoo.weights import WeightsCard, resolve
from zoo.weights.cards import Metric

__all__ = ["TOLERANCE", "Audit", "Checked", "Verdict", "audit"]

TOLERANCE = 0.01
"""Share of a 95 % interval's width; of the value where a number has no interval, 0.001 of this."""

Verdict: TypeAlias = Literal["holds", "differs", "not audited"]
_ORDER: tuple[Verdict, ...] = ("differs", "holds", "not audited")
_WITHOUT_INTERVAL = 1e-3


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One stated number.

    Attributes:
        name, bin, unit, data: As the card has them.
        stated: Its value there.
        measured: Its value here; ``None``: not measured.
        exact: Whether value and interval are the stated ones to their last digit.
        verdict: ``holds``, ``differs`` or ``not audited``.
        reason: Why it does not hold, or was not audited.
    """

    name: str
    bin: str
    unit: str
    data: str
    stated: float
    measured: float | None
    exact: bool
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The numbers of one card.

    Attributes:
        weights: ``TASK/MODEL@VERSION``.
        sha256: Of its file; empty: not published.
        verdict: ``differs`` if any number differs, else ``holds`` if any was audited.
        reason: Why none was audited; empty where some were.
        metrics: One per stated number.
    """

    weights: str
    sha256: str
    verdict: Verdict
    reason: str = ""
    metrics: tuple[Checked, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def audit(
    card: WeightsCard,
    folder: Path,
    *,
    exact: bool = False,
    run: Run | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Measure the numbers of a card again.

    Args:
        card: Of weights.
        folder: Where relative paths of its commands lead, and where data that are made go; those
            that are there already are used.
        exact: Whether only the last digit counts.
        run: Runs a command of zoo; ``None``: each in a process of its own.
        tell: Is told each command before it runs.

    Raises:
        WeightsError: If the file cannot be had or is not that of the card, or a command is none
            that an audit runs.
        ZooError: As the commands, but for data that are not here.
    """
    if not card.published:
        return Audit(
            weights=card.ref,
            sha256="",
            verdict="not audited",
            reason=f"NOT PUBLISHED: {card.file.reason}".rstrip(": "),
        )
    resolve(card)  # its bytes are those of the card, or this raises
    found = [*_all(card, folder, exact=exact, run=run or run_fresh, tell=tell)]
    return Audit(
        weights=card.ref,
        sha256=card.file.sha256 or "",
        verdict=min((one.verdict for one in found), key=_ORDER.index, default="not audited"),
        reason="" if found else "its card states no numbers",
        metrics=tuple(found),
    )


def _all(
    card: WeightsCard, folder: Path, *, exact: bool, run: Run, tell: Callable[[str], None]
) -> Iterator[Checked]:
    """Numbers of one command are measured by one run of it."""
    made: dict[str, str] = {}  # command -> why it failed
    for (making, command), group in groupby(card.metrics, lambda m: (m.data_command, m.command)):
        metrics = list(group)
        words = eval_words(command, card.ref)
        steps = making_words(making, card.ref)
        if steps and making not in made:
            tell(making)
            made[making] = _made(run, steps, folder)
        absent = made[making] if steps else _absent(card, words, folder)
        if absent:
            yield from (_not_audited(metric, absent) for metric in metrics)
            continue
        tell(command)
        results = _measured(run, words, folder)
        yield from (_checked(card, metric, results, exact=exact) for metric in metrics)


def _made(run: Run, words: Sequence[str], folder: Path) -> str:
    """Have the data made or fetched; why they are not."""
    try:
        run(words, folder)
    except (DataError, WeightsError) as error:
        return f"its data cannot be had: {error.message}"
    return ""


def _measured(run: Run, words: Sequence[str], folder: Path) -> Mapping[str, Any] | DataError:
    """The table of one command; an error about its data is no difference in the numbers."""
    try:
        return run(words, folder)
    except DataError as error:
        return error


def _absent(card: WeightsCard, words: Sequence[str], folder: Path) -> str:
    """That a file or folder of data that a command reads is not here."""
    named = data_named(words)
    config = parse_data(named)
    if not config.path or (folder / config.path).exists():
        return ""
    source = registry().task(card.task).sources.get(config.source)
    return "" if source is not None and source.kind == "simulator" else f"{named} is not here"


def _checked(
    card: WeightsCard, metric: Metric, results: Mapping[str, Any] | DataError, *, exact: bool
) -> Checked:
    if isinstance(results, DataError):
        return _not_audited(metric, f"its data cannot be read: {results.message}")
    if results["data"]["digest"] != metric.data_digest:
        return _told(
            metric, None, "differs", f"its data are others: {results['data']['digest'][:12]}"
        )
    number = _number(card, metric, results)
    if number is None or number["value"] is None:
        return _told(metric, None, "differs", "it is not measured any more")
    return _compared(metric, number, exact=exact)


def _compared(metric: Metric, number: Mapping[str, Any], *, exact: bool) -> Checked:
    """Value, interval and number of rows."""
    value = float(number["value"])
    if number["n"] != metric.n:
        return _told(metric, value, "differs", f"of {number['n']} rows, not {metric.n}")
    pairs = [(metric.value, value)]
    if metric.interval is not None:
        pairs += zip(metric.interval, (number["low"], number["high"]), strict=True)
    if all(_to_last_digit(stated, found) for stated, found in pairs):
        return _told(metric, value, "holds", "", same=True)
    far = max(abs(found - stated) for stated, found in pairs)
    allowed = 0.0 if exact else _allowed(metric)
    if far <= allowed:
        return _told(metric, value, "holds", f"within {allowed:.2g}, not to the last digit")
    return _told(metric, value, "differs", f"by {far:.2g}; {allowed:.2g} is allowed")


def _number(
    card: WeightsCard, metric: Metric, results: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What the table tells of a number of the weights themselves."""
    rows = (row for row in results["models"] if row["model"] == card.ref)
    numbers = (number for row in rows for number in row["numbers"])
    return next(
        (n for n in numbers if n["name"] == metric.name and _bin(n) == (metric.bin or "all")), None
    )


def _bin(number: Mapping[str, Any]) -> str:
    edges = (number[edge] if number[edge] is not None else math.nan for edge in ("lower", "upper"))
    return bin_label(number["column"], *edges)


def _to_last_digit(stated: float, found: float) -> bool:
    """Whether a number, rounded to the digits that are stated, is the stated one."""
    exponent = Decimal(repr(stated)).as_tuple().exponent
    return isinstance(exponent, int) and abs(found - stated) <= 0.5 * 10.0**exponent


def _allowed(metric: Metric) -> float:
    if metric.interval is None:
        return TOLERANCE * _WITHOUT_INTERVAL * abs(float(metric.value))
    return TOLERANCE * float(metric.interval[1] - metric.interval[0])


def _not_audited(metric: Metric, reason: str) -> Checked:
    return _told(metric, None, "not audited", reason)


def _told(
    metric: Metric, measured: float | None, verdict: Verdict, reason: str, *, same: bool = False
) -> Checked:
    return Checked(
        name=metric.name,
        bin=metric.bin,
        unit=metric.unit,
        data=metric.data,
        stated=metric.value,
        measured=measured,
        exact=same,
        verdict=verdict,
        reason=reason,
    )
