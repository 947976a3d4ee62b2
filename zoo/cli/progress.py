"""Progress on stderr: a bar on a terminal, elsewhere a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from zoo.cli.output import console

__all__ = ["counted", "progress_bar"]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress_bar(label: str, unit: str = "samples") -> Iterator[Callable[[int, int], None]]:
    """What is to be told (units done, units in all); a bar is gone when the work is done."""
    if not console().is_terminal:
        yield _Lines(label, unit)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    numbers = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn(label), BarColumn(), *numbers, *times, console=console(), transient=True
    ) as bar:
        item = bar.add_task(label, total=None, rate="")
        rate = _Rate()

        def advance(done: int, total: int) -> None:
            bar.update(item, completed=done, total=total, rate=f"{rate(done):.3g}/s")

        yield advance


def counted(progress: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    """For work that tells how many samples are new each time."""
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        progress(done, total)

    return add


class _Rate:
    """Samples per second since the first call, whose samples may have been there before.

    Fewer than the last time: another piece of work began, and with it another rate.
    """

    def __init__(self) -> None:
        self.start = 0.0
        self.before = self.last = 0

    def __call__(self, done: int) -> float:
        now = time.monotonic()
        if not self.start or done < self.last:
            self.start, self.before = now, done
        self.last = done
        return (done - self.before) / max(now - self.start, 1e-9)


class _Lines:
    def __init__(self, label: str, unit: str) -> None:
        self.label, self.unit = label, unit
        self.told = time.monotonic()
        self.rate = _Rate()

    def __call__(self, done: int, total: int) -> None:
        rate = self.rate(done)
        if time.monotonic() - self.told < _SECONDS_BETWEEN_LINES and done < total:
            return
        self.told = time.monotonic()
        speed = f", {rate:.3g}/s, {(total - done) / rate:.0f} s left" if rate else ""
        typer.echo(f"{self.label}: {done}/{total} {self.unit}{speed}", err=True)
