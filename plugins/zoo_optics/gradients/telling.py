"""Errors of gradients for people, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from zoo.api import write_atomically, write_drawings
from zoo_optics.gradients.job import GradientJob, Judged

__all__ = ["lines", "write"]


def lines(judged: Judged) -> Iterator[str]:
    """A table: a line for every model and bin of the visibility."""
    width = max(len(name) for name in judged.errors)
    yield f"{'model':{width}}  visibility       pairs  median [95 %]         rms [95 %]"
    for name, bins in judged.errors.items():
        for one in bins:
            if not one.pairs:
                continue
            yield (
                f"{name:{width}}  {one.low:.0e} - {one.high:.0e}{one.pairs:7d}  "
                f"{_with_interval(one.median, one.median_interval)}  "
                f"{_with_interval(one.rms, one.rms_interval)}"
            )


def write(judged: Judged, job: GradientJob, folder: Path) -> None:
    """``results.json`` and the figures.

    Raises:
        UsageError: If the folder cannot be written.
    """
    write_drawings(judged.drawings(), folder)
    write_atomically(folder / "results.json", json.dumps(judged.told(job), indent=2) + "\n")


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"
