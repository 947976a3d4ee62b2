"""Whether samples are what a task declares: findings for people, or one error for programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block, Source
from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.keys import text_key
from zoo.data.reader import available_fields, read_block, source_name
from zoo.data.store import TableFile
from zoo.errors import DataError

__all__ = ["Check", "Finding", "Range", "check_source", "require", "require_finite"]


@dataclass(frozen=True)
class Finding:
    """Something wrong with the data.

    Attributes:
        severity: ``error``: the task cannot use them so; ``warning``: look at it.
        field: The field concerned; empty for the whole table.
        problem: What is wrong, with counts.
        remedy: What to do.
    """

    severity: Literal["error", "warning"]
    field: str
    problem: str
    remedy: str = ""


@dataclass(frozen=True)
class Range:
    """What values a field has.

    Attributes:
        field: Its name.
        dtype: As found.
        shape: Of one row, as found; the first size of a ragged one is its largest.
        unit: As declared.
        minimum, maximum, mean: Of the finite values; NaN where there are none.
    """

    field: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    minimum: float
    maximum: float
    mean: float


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        rows, groups, blocks: How much was looked at.
        findings: What is wrong; errors first.
        ranges: One for each field present.
    """

    rows: int
    groups: int
    blocks: int
    findings: tuple[Finding, ...]
    ranges: tuple[Range, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def check_source(source: Source, specs: Specs, limit: int | None = None) -> Check:
    """Look at ``limit`` rows (default all) of a source.

    Looked for: missing fields, dtype, sizes, swapped axes, values that are not finite or out of
    bounds, repeated ids, and what would leak from one split into another: a group in two
    blocks' groups, or a sample stored twice. Files of ours are also compared with the digests
    taken when they were written.
    """
    present = available_fields(source, frozenset(specs))
    fields = {name: _FieldCheck(name, specs[name]) for name in specs if name in present}
    rows = _RowCheck()
    findings = list(_missing(source, specs, present))
    blocks = 0
    for block, table in _tables(source, present, limit, findings):
        blocks += 1
        rows.add(table, block)
        for name, check in fields.items():
            check.add(table[name])
    for check in fields.values():
        findings.extend(check.findings())
    findings.extend(_axes(fields))
    findings.extend(rows.findings())
    if not (rows.rows or findings):
        remedy = "give another file, or more events"
        findings.append(Finding("error", "", "there are no samples", remedy))
    findings.sort(key=lambda finding: finding.severity)
    ranges = tuple(check.range() for check in fields.values() if check.shape is not None)
    return Check(rows.rows, rows.groups, blocks, tuple(findings), ranges)


def require(
    source: Source,
    specs: Specs,
    limit: int | None = 64,
    *,
    where: str = "",
    fields_only: bool = False,
) -> None:
    """Refuse a source whose first rows are not what the task declares.

    Args:
        source: The samples.
        specs: Fields to look at.
        limit: Rows at most; ``None``: all.
        where: What an error calls the source; empty: its path or class.
        fields_only: Whether ids, groups and copies are left out: of some fields and some rows
            they tell little.

    Raises:
        DataError: With every error found.
    """
    found = check_source(source, specs, limit).errors
    errors = [error for error in found if error.field in specs or not fields_only]
    if errors:
        raise _refusal(errors, where or source_name(source))


def require_finite(table: Table, specs: Specs, source: Source) -> Table:
    """Pass on samples whose values are finite where the task declares so.

    Raises:
        DataError: Naming the field.
    """
    for name in table:
        if name not in specs or not specs[name].finite:
            continue
        column = table[name]
        values = column.values if isinstance(column, Ragged) else column
        wrong = values.size - int(np.count_nonzero(np.isfinite(values)))
        if wrong:
            problem = f"{wrong} {_NOT_FINITE}"
            finding = Finding("error", name, problem, _REMEDIES[_NOT_FINITE])
            raise _refusal([finding], source_name(source))
    return table


def _refusal(errors: Sequence[Finding], where: str) -> DataError:
    first = errors[0].field
    return DataError(
        "; ".join(f"{e.field}: {e.problem}" if e.field else e.problem for e in errors),
        where=f"{where}: {first}" if first else where,
        remedy=". ".join(filter(None, (errors[0].remedy, "`zoo data check` shows all"))),
    )


@dataclass
class _FieldCheck:
    """What is wrong with one field, block after block."""

    name: str
    declared: Field
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    problems: dict[str, int] = field(default_factory=dict)
    minimum: float = float("inf")
    maximum: float = float("-inf")
    total: float = 0.0
    count: int = 0

    def add(self, column: NDArray[Any] | Ragged) -> None:
        ragged = isinstance(column, Ragged)
        values = column.values if isinstance(column, Ragged) else column
        if ragged != self.declared.ragged:
            self._note(f"it is {'' if ragged else 'not '}ragged, declared otherwise")
            return
        longest = int(column.lengths.max(initial=0)) if isinstance(column, Ragged) else 0
        shape = (longest, *values.shape[1:]) if ragged else values.shape[1:]
        self._add_shape(shape)
        self.dtype = self.dtype or values.dtype.name
        if values.dtype != np.dtype(self.declared.dtype):
            self._note(f"it has dtype {values.dtype}, declared {self.declared.dtype}")
        if values.dtype.kind in "biuf":
            self._add_values(values)

    def findings(self) -> Iterator[Finding]:
        for problem, count in self.problems.items():
            text = f"{count} {problem}" if problem in _COUNTED else problem
            yield Finding("error", self.name, text, _REMEDIES.get(problem, ""))

    def range(self) -> Range:
        shape, unit = self.shape or (), self.declared.unit
        if not self.count:
            nan = float("nan")
            return Range(self.name, self.dtype, shape, unit, nan, nan, nan)
        mean = self.total / self.count
        return Range(self.name, self.dtype, shape, unit, self.minimum, self.maximum, mean)

    def _add_shape(self, shape: tuple[int, ...]) -> None:
        dims, varies = self.declared.dims, int(self.declared.ragged)
        if len(shape) != len(dims):
            self._note(f"a row has shape {shape}, declared {dims}")
        elif any(
            isinstance(d, int) and d != n for d, n in list(zip(dims, shape, strict=True))[varies:]
        ):
            fixed = sorted(d for d in dims if isinstance(d, int))
            swapped = len(fixed) == len(dims) and fixed == sorted(shape)
            self._note(
                f"a row has shape {shape}, declared {dims}{': swapped axes' if swapped else ''}"
            )
        if self.shape is not None and shape[varies:] != self.shape[varies:]:
            self._note(f"blocks differ in the shape of a row: {self.shape} and {shape}")
        if self.shape is None or (varies and shape[:1] > self.shape[:1]):
            self.shape = shape

    def _add_values(self, values: NDArray[Any]) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            if self.declared.finite:
                self._note(_NOT_FINITE, int(np.count_nonzero(~finite)))
            values = values[finite]
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.total += float(values.sum(dtype=np.float64))
        self.count += values.size
        if self.declared.minimum is not None and low < self.declared.minimum:
            self._note(_BELOW, int(np.count_nonzero(values < self.declared.minimum)))
        if self.declared.maximum is not None and high > self.declared.maximum:
            self._note(_ABOVE, int(np.count_nonzero(values > self.declared.maximum)))

    def _note(self, problem: str, count: int = 1) -> None:
        self.problems[problem] = self.problems.get(problem, 0) + count


_NOT_FINITE = "value(s) are NaN or infinite"
_BELOW = "value(s) are below the declared minimum"
_ABOVE = "value(s) are above the declared maximum"
_COUNTED = frozenset((_NOT_FINITE, _BELOW, _ABOVE))
_REMEDIES: Mapping[str, str] = {
    _NOT_FINITE: "find what made them; a mask field is the way to mark missing values",
    _BELOW: "check the unit and the sign",
    _ABOVE: "check the unit and for saturation",
}


class _RowCheck:
    """Identity of rows: ids, groups, and copies."""

    def __init__(self) -> None:
        self._ids: list[NDArray[np.uint64]] = []
        self._groups: list[NDArray[np.uint64]] = []
        self._splits: list[NDArray[np.uint64]] = []
        self._contents: list[NDArray[np.uint64]] = []

    @property
    def rows(self) -> int:
        return sum(len(ids) for ids in self._ids)

    @property
    def groups(self) -> int:
        return len(np.unique(_joined(self._groups)))

    def add(self, table: Table, block: Block) -> None:
        self._ids.append(table.ids)
        self._groups.append(table["group"])
        self._splits.append(np.full(table.rows, text_key(block.group), np.uint64))
        self._contents.append(_contents(table))

    def findings(self) -> Iterator[Finding]:
        ids, groups = _joined(self._ids), _joined(self._groups)
        twice = len(ids) - len(np.unique(ids))
        if twice:
            yield Finding(
                "error",
                "id",
                f"{twice} sample(s) have the id of another",
                "an id is a hash of (file digest, index): is one file listed twice?",
            )
        torn = _in_several(groups, _joined(self._splits))
        if torn:
            yield Finding(
                "error",
                "group",
                f"split leakage: {torn} event(s) lie in blocks of different groups",
                "give all blocks of an event the same Block.group",
            )
        contents = _joined(self._contents)
        copies = _in_several(contents[contents != 0], groups[contents != 0])
        if copies:
            yield Finding(
                "error",
                "",
                f"split leakage: {copies} sample(s) occur again in another group",
                "remove the copies, or give them the same group",
            )


def _tables(
    source: Source, present: frozenset[str], limit: int | None, findings: list[Finding]
) -> Iterator[tuple[Block, Table]]:
    """Blocks that can be read; the others become findings."""
    left = float("inf") if limit is None else limit
    damaged = source.verify() if isinstance(source, TableFile) and limit is None else []
    findings.extend(_unreadable(block, "it is not what was written") for block in damaged)
    for block in source.blocks():
        rows = slice(0, int(min(block.rows, left)))
        if not rows.stop or block in damaged:
            continue
        left -= rows.stop
        try:
            yield block, read_block(source, block, present, rows)
        except DataError as error:
            findings.append(_unreadable(block, str(error)))


def _unreadable(block: Block, reason: str) -> Finding:
    return Finding("error", "", f"block {block.key}: {reason}", "copy or write the file again")


def _missing(source: Source, specs: Specs, present: frozenset[str]) -> Iterator[Finding]:
    for name, declared in specs.items():
        if name not in present and not declared.optional:
            yield Finding("error", name, "the field is missing", "the task cannot do without it")
    if isinstance(source, TableFile):
        for name in sorted(source.fields - set(specs)):
            yield Finding("warning", name, "the task declares no such field", "it is not read")


def _axes(fields: Mapping[str, _FieldCheck]) -> Iterator[Finding]:
    """Named dims are shared: the first field that names one tells its size."""
    sizes: dict[str, tuple[int, str]] = {}
    for name, check in fields.items():
        if check.shape is None or len(check.shape) != len(check.declared.dims):
            continue
        sizes_found = _sizes(check.declared.dims, check.shape)[int(check.declared.ragged) :]
        named = [(d, n) for d, n in sizes_found if isinstance(d, str)]
        wrong = [(d, n) for d, n in named if d in sizes and sizes[d][0] != n]
        if wrong:
            expected = sorted(sizes.get(d, (n, ""))[0] for d, n in named)
            swapped = expected == sorted(n for _, n in named)
            told = ", ".join(f"{d} = {n}, in '{sizes[d][1]}' {sizes[d][0]}" for d, n in wrong)
            yield Finding(
                "error",
                name,
                f"{'swapped axes' if swapped else 'sizes disagree'}: {told}",
                f"the declared dims are {check.declared.dims}",
            )
        for dim, size in named:
            sizes.setdefault(dim, (size, name))


def _sizes(dims: Sequence[str | int], shape: Sequence[int]) -> list[tuple[str | int, int]]:
    return list(zip(dims, shape, strict=True))


def _contents(table: Table) -> NDArray[np.uint64]:
    """A hash of each row's values; 0 where they are too few or too plain to be told apart."""
    names = sorted(set(table) - {"id", "group"})
    return np.fromiter(
        (_content([np.asarray(table[n][row]) for n in names]) for row in range(table.rows)),
        np.uint64,
        table.rows,
    )


def _content(values: list[NDArray[Any]]) -> int:
    largest = max(values, key=lambda value: value.nbytes, default=np.zeros(0))
    if largest.nbytes < 64 or np.all(largest == largest.flat[0]):
        return 0
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        digest.update(np.ascontiguousarray(value).data)
    return int.from_bytes(digest.digest(), "big")


def _in_several(things: NDArray[np.uint64], places: NDArray[np.uint64]) -> int:
    """How many things lie in more than one place."""
    pairs = np.unique(np.stack([things, places], axis=1), axis=0)
    _, counts = np.unique(pairs[:, 0], return_counts=True)
    return int(np.count_nonzero(counts > 1))


def _joined(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)
