"""What a benchmark measured: raw repeats, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any, Self

from zoo.bench.case import Conditions

__all__ = ["Bench", "Kept", "Measured", "Operator", "Ratio", "Row", "Spread"]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What holds the peak.

    Attributes:
        name: ``aten.convolution``.
        shapes: Of its tensor arguments.
        module: Path of the module that called it; empty: none, as in backward or the optimiser.
        added: Highest resident memory during it, above that before the call, bytes.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    module: str
    added: int

    def __str__(self) -> str:
        shape = f" {' x '.join(map(str, self.shapes[0]))}" if self.shapes else ""
        return f"{self.name}{shape}{f' in {self.module}' if self.module else ''}"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What autograd keeps for the backward pass of a training step.

    Attributes:
        bytes: The most at one time, without parameters.
        terms: What the mean of the loss runs over: pixels, pairs, events; of several terms the
            largest count.
    """

    bytes: int
    terms: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process found.

    Attributes:
        wall, cpu: Seconds of each timed call; CPU seconds are those of all threads.
        first: Wall seconds of the first call, which is not among them.
        added: Peak resident memory of the first call above that just before it, bytes.
        peak: Peak resident memory of the process in that call, bytes.
        inputs: Name -> shape of what went in.
        parameters: How many.
        multiply_adds: Of one call.
        operator: What holds the peak.
        kept: Of a training step.

    ``None``: not known.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    first: float
    added: int | None = None
    peak: int | None = None
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    operator: Operator | None = None
    kept: Kept | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From JSON."""
        operator = values["operator"]
        if operator is not None:
            operator = Operator(**{**operator, "shapes": tuple(map(tuple, operator["shapes"]))})
        parts = {
            "wall": tuple(values["wall"]),
            "cpu": tuple(values["cpu"]),
            "inputs": {name: tuple(shape) for name, shape in values["inputs"].items()},
            "operator": operator,
            "kept": None if values.get("kept") is None else Kept(**values["kept"]),
        }
        return cls(**{**values, **parts})


@dataclass(frozen=True)
class Spread:
    """A median, and half the distance of the 16th and the 84th percentile; ``None``: one value."""

    median: float
    spread: float | None


@dataclass(frozen=True)
class Ratio:
    """A row over its reference.

    Attributes:
        value: Ratio of the medians.
        spread: Of the ratios process by process, as in :class:`Spread`.
    """

    value: float
    spread: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case.

    Attributes:
        name: Of what was measured.
        model: ``TASK/MODEL``; empty: a foreign file.
        fresh: Whether the parameters are those of a training that has not begun.
        conditions: How it was measured.
        processes: What each process found.
        reason: Why it, or a process of it, was not measured; empty: all were.
    """

    name: str
    model: str
    fresh: bool
    conditions: Conditions
    processes: tuple[Measured, ...] = ()
    reason: str = ""

    @property
    def cpu(self) -> Spread | None:
        """CPU seconds of a call, over all repeats of all processes."""
        return _spread([value for found in self.processes for value in found.cpu])

    @property
    def wall(self) -> Spread | None:
        """Wall seconds of a call, likewise."""
        return _spread([value for found in self.processes for value in found.wall])

    @property
    def added(self) -> Spread | None:
        """Added peak memory over the processes, bytes."""
        return _spread([found.added for found in self.processes if found.added is not None])

    @property
    def peak(self) -> Spread | None:
        """Peak memory of the whole process over the processes, bytes."""
        return _spread([found.peak for found in self.processes if found.peak is not None])

    @property
    def first(self) -> Measured | None:
        """What the first process found: for what all agree on."""
        return self.processes[0] if self.processes else None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A whole benchmark.

    Attributes:
        rows: Case by case.
        environment: As in a run's ``environment.json``, and ``load`` (1-minute average before).
        relative_to: Name of the rows that ratios refer to; empty: none.
    """

    rows: tuple[Row, ...]
    environment: Mapping[str, Any]
    relative_to: str = ""

    @property
    def busy(self) -> bool:
        """Whether others kept more than half of the cores busy when it began."""
        load, cores = self.environment.get("load"), self.environment["cpu"]["count"]
        return load is not None and load > 0.5 * (cores or 1)

    def reference(self, row: Row) -> Row | None:
        """The row that a row's ratios refer to.

        The reference under the same conditions; for a runtime in which the reference was not
        asked for (a foreign file), its eager row.
        """
        rows = [r for r in self.rows if r.name == self.relative_to and r.processes]
        same = [r for r in rows if r.conditions == row.conditions]
        eager = replace(row.conditions, runtime="eager", onednn="")
        others = [r for r in self.rows if r.name == self.relative_to]
        if not same and all(r.conditions.runtime != row.conditions.runtime for r in others):
            same = [
                r
                for r in rows
                if replace(r.conditions, onednn="") == eager
                and r.conditions.onednn == (row.conditions.onednn or "on")
            ]
        return same[0] if same else None

    def ratio(self, row: Row, quantity: str) -> Ratio | None:
        """A row over its reference in ``cpu``, ``wall``, ``added`` or ``peak``."""
        other = self.reference(row)
        if other is None:
            return None
        mine, theirs = getattr(row, quantity), getattr(other, quantity)
        if mine is None or theirs is None or not theirs.median:
            return None
        pairs = zip(row.processes, other.processes, strict=False)  # the same round, side by side
        values = [(_typical(one, quantity), _typical(two, quantity)) for one, two in pairs]
        ratios = _spread([one / two for one, two in values if two])
        return Ratio(mine.median / theirs.median, None if ratios is None else ratios.spread)

    def as_dict(self) -> dict[str, Any]:
        """JSON: every raw repeat, and what is told of them."""
        return {
            "environment": dict(self.environment),
            "busy": self.busy,
            "relative_to": self.relative_to,
            "rows": [{**asdict(row), "told": self._told(row)} for row in self.rows],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`as_dict`."""
        rows = []
        for told in values["rows"]:
            parts = {name: value for name, value in told.items() if name != "told"}
            parts["conditions"] = Conditions(**parts["conditions"])
            parts["processes"] = tuple(map(Measured.from_dict, parts["processes"]))
            rows.append(Row(**parts))
        return cls(
            rows=tuple(rows),
            environment=values["environment"],
            relative_to=values["relative_to"],
        )

    def _told(self, row: Row) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name in ("cpu", "wall", "added", "peak"):
            found, ratio = getattr(row, name), self.ratio(row, name)
            told[name] = None if found is None else asdict(found)
            if self.relative_to:
                told[f"{name}_ratio"] = None if ratio is None else asdict(ratio)
        return told


def _typical(found: Measured, quantity: str) -> float:
    value = getattr(found, quantity)
    return median(value) if isinstance(value, tuple) else float(value or 0)


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    ordered = sorted(values)
    if len(ordered) == 1:
        return Spread(ordered[0], None)
    return Spread(median(ordered), (_quantile(ordered, 0.84) - _quantile(ordered, 0.16)) / 2)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the values, as numpy's default."""
    whole, rest = divmod(share * (len(ordered) - 1), 1)
    at = int(whole)
    following = ordered[min(at + 1, len(ordered) - 1)]
    return ordered[at] + rest * (following - ordered[at])
