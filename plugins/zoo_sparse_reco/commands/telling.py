"""What commands tell while they work."""

from __future__ import annotations

import time

import typer

__all__ = ["Progress"]


class Progress:
    """A line on stderr every ten seconds, and at the end."""

    def __init__(self, label: str, things: str = "events") -> None:
        self.label, self.things, self.told = label, things, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Take note of what is done so far; a total of 0 is not known."""
        if time.monotonic() - self.told < 10 and (done < total or not total):
            return
        self.told = time.monotonic()
        of = f"/{total}" if total else ""
        typer.echo(f"{self.label}: {done}{of} {self.things}", err=True)
