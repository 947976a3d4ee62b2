"""R11, R12 and R14: what simulators make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from zoo.config.run import DataConfig
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Simulator, Source
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.data.checks import Check, Finding, check_source
from zoo.data.facts import pack_facts
from zoo.data.keys import combine
from zoo.data.reader import available_fields, read_split
from zoo.data.simulated import SimulatedSource
from zoo.data.splits import SPLIT_SEED, split_blocks
from zoo.errors import ZooError
from zoo.prediction.sources import make_simulator
from zoo.testing.rule import NotApplicable, Violation
from zoo.testing.rules.predictions import differing_columns
from zoo.testing.subjects import TaskSubject

__all__ = ["keys", "samples", "splits"]

_EVENTS = 4
_IDENTITY = frozenset(("id", "group", ""))
"""Where findings about copies and torn events stand, which are not of one field."""


def samples(subject: TaskSubject) -> str:
    """Compare what each simulator makes with what the task declares."""
    prediction = cast("Specs", resolve(subject.task.prediction))
    _require_specs(subject.specs, "sample")
    _require_specs(prediction, "prediction")
    _require_units(subject.specs, prediction)

    def look(name: str, simulator: Simulator) -> None:
        pack_facts(simulator.facts)
        checked = _checked(subject, name, simulator)
        _refuse(name, [f for f in checked.errors if f.field not in _IDENTITY])

    simulators = _each(subject, look)
    held = check_source(subject.source, subject.specs)
    _refuse("", [f for f in held.errors if f.field not in _IDENTITY])
    return "; ".join(filter(None, [f"{held.rows} samples in a file", simulators]))


def keys(subject: TaskSubject) -> str:
    """Simulate events together and alone, all fields at once and some."""
    if all(spec.kind != "simulator" for spec in subject.task.sources.values()):
        raise NotApplicable("the task has no simulator")

    def look(name: str, simulator: Simulator) -> None:
        some = combine(7, np.arange(2))
        fields = available_fields(SimulatedSource(simulator, 1, 1), frozenset(subject.specs))
        together = simulator.simulate(some, fields)
        alone = Table.concat([simulator.simulate(some[i : i + 1], fields) for i in range(2)])
        if differ := list(differing_columns(together, alone)):
            raise Violation(f"{name}: of one key alone, {', '.join(differ)} differ")
        made = sorted(set(together) - {"id"})
        for half in (frozenset(made[::2]), frozenset(made[1::2])):
            part = simulator.simulate(some, half)
            expected = together.select(half)
            if differ := list(differing_columns(expected, part.select(half))):
                asked = ", ".join(sorted(half))
                raise Violation(f"{name}: asked for {asked} only, {', '.join(differ)} differ")

    return _each(subject, look)


def splits(subject: TaskSubject) -> str:
    """Split the samples of the check, and look for what lies in two parts."""
    source = subject.source
    blocks = source.blocks()
    if list(blocks) != list(source.blocks()):
        raise Violation("the source tells other blocks when it is asked again")
    parts = split_blocks(blocks, 0.3, 0.3, SPLIT_SEED)
    seen: dict[int, str] = {}
    for split, held in parts.items():
        for value in _groups(source, held):
            if seen.setdefault(value, split) != split:
                raise Violation(f"an event lies in {seen[value]} and in {split}")
    _refuse("", _about_copies(check_source(source, subject.specs)))

    def look(name: str, simulator: Simulator) -> None:
        _refuse(name, _about_copies(_checked(subject, name, simulator)))

    counts = f"{len(blocks)} blocks, {len(seen)} events"
    return "; ".join(filter(None, [counts, _each(subject, look)]))


def _each(subject: TaskSubject, look: Callable[[str, Simulator], None]) -> str:
    """Look at every simulator of a task.

    One that says that something is missing on this machine, a library or tables, is told as such,
    unless it is the one from which the samples of the check come.
    """
    seen, absent = [], []
    for name, spec in subject.task.sources.items():
        if spec.kind != "simulator":
            continue
        options = subject.declared.sources.get(name, {})
        try:
            simulator = make_simulator(subject.name, DataConfig(source=name, options=options))
            simulator.simulate(combine(7, np.arange(1)), frozenset())
        except ZooError as error:
            if name == subject.data.source:
                raise
            absent.append(f"{name} is not available here: {error.message}")
            continue
        look(name, simulator)
        seen.append(name)
    return "; ".join(filter(None, [", ".join(seen), *absent]))


def _checked(subject: TaskSubject, name: str, simulator: Simulator) -> Check:
    """Some events of a simulator beside what the task declares; looked at once for two rules."""
    if name not in subject.checks:
        source = SimulatedSource(simulator, 1, _EVENTS)
        subject.checks[name] = check_source(source, subject.specs)
    return subject.checks[name]


def _about_copies(checked: Check) -> list[Finding]:
    return [finding for finding in checked.errors if finding.field in _IDENTITY]


def _refuse(name: str, findings: list[Finding]) -> None:
    for finding in findings:
        where = ": ".join(part for part in (name, finding.field) if part)
        raise Violation(f"{where}: {finding.problem}" if where else finding.problem, finding.remedy)


def _require_specs(specs: Specs, what: str) -> None:
    for name, field in specs.items():
        if not field.meaning.strip():
            raise Violation(f"the {what}'s field '{name}' has no meaning", "say it in its Field")
        try:
            np.dtype(field.dtype)
        except TypeError:
            raise Violation(
                f"the {what}'s field '{name}' has the dtype '{field.dtype}'",
                "name a dtype of numpy, as float32",
            ) from None
        if field.ragged and not field.dims:
            raise Violation(
                f"the {what}'s field '{name}' is ragged and has no dims",
                "name the one that differs from row to row first",
            )


def _require_units(one: Specs, other: Specs) -> None:
    for name in sorted(one.keys() & other.keys()):
        if one[name].unit != other[name].unit:
            raise Violation(
                f"'{name}' is in '{one[name].unit}' in samples and in '{other[name].unit}' in "
                "predictions",
                "give both the same unit, or other names",
            )


def _groups(source: Source, blocks: tuple[Block, ...]) -> Iterator[int]:
    for table in read_split(source, blocks, frozenset()):
        yield from map(int, np.unique(table["group"]))
