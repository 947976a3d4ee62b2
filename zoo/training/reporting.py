"""What a person sees of a training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo.artifacts.run_directory import MEASURED

__all__ = ["ConsoleReporter", "Reporter", "SilentReporter"]

_SECONDS_BETWEEN_LINES = 10.0
_SHOWN = MEASURED.union(("step", "epoch", "split", "phase", "updates"))


class Reporter(Protocol):
    """Is told what happens; writes nothing to the run."""

    def message(self, text: str) -> None:
        """One remark."""
        ...

    def progress(self, step: int, total: int) -> None:
        """Updates done, updates in all."""
        ...

    def row(self, row: Mapping[str, Any]) -> None:
        """One line of the metrics log."""
        ...


class SilentReporter:
    """Says nothing."""

    def message(self, text: str) -> None:
        """Ignore a remark."""

    def progress(self, step: int, total: int) -> None:
        """Ignore progress."""

    def row(self, row: Mapping[str, Any]) -> None:
        """Ignore a line."""


class ConsoleReporter:
    """Context manager that shows a training on a rich console.

    Args:
        console: Usually standard error.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._first: tuple[int, float] | None = None
        self._last_line = 0.0
        self._step, self._total = 0, 0
        self._samples: float | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.add_task("steps", total=None, rate="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def message(self, text: str) -> None:
        """Print a remark above the bar."""
        self._console.print(escape(text), highlight=False, soft_wrap=True)

    def progress(self, step: int, total: int) -> None:
        """Move the bar."""
        self._step, self._total = step, total
        if self._first is None:
            self._first = (step, time.monotonic())
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step, total=total, rate=self._speed())

    def row(self, row: Mapping[str, Any]) -> None:
        """Print validations always; of training, a line every ten seconds and no bar's worth."""
        now = time.monotonic()
        training = row["split"] == "train"
        self._samples = row.get("samples_per_second", self._samples)
        if training and (self._bar or now - self._last_line < _SECONDS_BETWEEN_LINES):
            return
        self._last_line = now
        values = "  ".join(
            f"{name} {value:.4g}" for name, value in row.items() if name not in _SHOWN
        )
        left = "" if self._bar else f"  {self._speed()}, {self._left()} left"
        place = f"step {row['step']}/{self._total or '?'}"
        self.message(f"{place}  {row['split']} {row['phase']}  {values}{left}")

    def _speed(self) -> str:
        samples = "" if self._samples is None else f", {self._samples:.3g} samples/s"
        return f"{self._rate():.3g} steps/s{samples}"

    def _rate(self) -> float:
        if self._first is None:
            return 0.0
        step, start = self._first
        return (self._step - step) / max(time.monotonic() - start, 1e-9)

    def _left(self) -> str:
        rate = self._rate()
        if rate == 0:
            return "?"
        return str(timedelta(seconds=round((self._total - self._step) / rate)))
