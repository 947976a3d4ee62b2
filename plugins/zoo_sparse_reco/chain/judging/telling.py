"""Judgements for people, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.api import Drawing, write_atomically, write_drawings
from zoo_sparse_reco.physics.labels import Pid

__all__ = ["judge_lines", "loss_lines", "write"]

_WIDTH = 36


def judge_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Numbers of all events, by number of interactions, and kinds."""
    yield f"{told['reco']}: {told['events']} events, of {told['data']}"
    yield from (f"{name:{_WIDTH}} {_interval(one)}" for name, one in told["numbers"].items())
    binned = told["by interactions"]
    if len(binned) > 1:
        yield ""
        heads = [f"{one['least']}-{one['most']}" for one in binned]
        yield f"{'true interactions of an event':{_WIDTH}} " + " ".join(f"{h:>8}" for h in heads)
        yield f"{'events':{_WIDTH}} " + " ".join(f"{one['events']:8}" for one in binned)
        for name in told["numbers"]:
            values = [_value(one["numbers"][name]["value"]) for one in binned]
            yield f"{name:{_WIDTH}} " + " ".join(f"{value:>8}" for value in values)
    yield ""
    names = [pid.name.lower() for pid in Pid]
    yield f"{'true kind, matched particles':{_WIDTH}} " + " ".join(f"{n:>8}" for n in names)
    for name, counts in zip(names, told["kinds, true by found"], strict=True):
        yield f"{name:{_WIDTH}} " + " ".join(f"{count:8}" for count in counts)


def loss_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """A row for each mixture of truth and models."""
    yield f"{told['data']}: {told['events']} events"
    yield from (f"{name}: {one['model']}" for name, one in told["stages"].items())
    yield ""
    heads = next(iter(told["rows"].values()))
    width = max(len(name) for name in heads)
    for name in heads:
        yield f"{name:{width}} " + " ".join(
            f"{_value(row[name]['value']):>6}" for row in told["rows"].values()
        )
    yield ""
    yield from (f"column {n + 1}: {name}" for n, name in enumerate(told["rows"]))


def write(told: Mapping[str, Any], drawings: Iterable[Drawing], folder: Path) -> None:
    """``results.json`` and the figures.

    Raises:
        UsageError: If the folder cannot be written.
    """
    write_drawings(drawings, folder)
    write_atomically(folder / "results.json", json.dumps(told, indent=2) + "\n")


def _interval(one: Mapping[str, float | None]) -> str:
    text = f"{_value(one['value']):>8}"
    if one["low"] is None:
        return text
    return f"{text} [{_value(one['low'])}, {_value(one['high'])}]"


def _value(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
