"""The table for people: one line per row, and what all rows share above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zoo.bench.case import Conditions
from zoo.bench.results import Bench, Kept, Measured, Ratio, Row, Spread

__all__ = ["columns", "heading", "lines", "notes"]

_MIB = 2**20


def heading(found: Bench) -> str:
    """Processor, versions and load."""
    about = found.environment
    packages = about["packages"]
    versions = ", ".join(
        f"{name} {packages[name]}" for name in ("torch", "onnxruntime") if packages.get(name)
    )
    cpu, load = about["cpu"], about.get("load")
    told = [f"{cpu['model']}, {cpu['count']} cores ({' '.join(cpu['flags'])})", versions]
    if load is not None:
        told.append(f"load {load:.2f}")
    return "; ".join(told)


def columns(found: Bench) -> list[str]:
    """Names of the columns."""
    ratios = [f"{name} ratio" for name, _ in _RATIOS] if found.relative_to else []
    names = ["", *_varying(found.rows), "inputs", "CPU", "wall", "added memory", "in all"]
    kept = ["kept for backward"] if _trains(found) else []
    return [*names, *ratios, *kept, "parameters", "multiply-adds", "peak held by"]


def lines(found: Bench) -> list[list[str]]:
    """Cells, row by row."""
    varying = _varying(found.rows)
    return [
        [row.name, *(_CONDITIONS[name](row.conditions) for name in varying), *_cells(found, row)]
        for row in found.rows
    ]


def notes(found: Bench) -> Iterator[str]:
    """What must be known to read the table."""
    shared = [
        _sentence(name, _CONDITIONS[name](found.rows[0].conditions))
        for name in _CONDITIONS
        if name not in _varying(found.rows)
    ]
    yield f"all rows: {', '.join(text for text in shared if text)}"
    fresh = list(dict.fromkeys(row.name for row in found.rows if row.fresh and row.processes))
    if fresh:
        yield f"fresh parameters, for time does not depend on their values: {', '.join(fresh)}"
    if found.relative_to:
        yield f"ratios are those to {found.relative_to} under the same conditions"
    if found.busy:
        yield "the machine was busy: compare CPU seconds and ratios only"


def _cells(found: Bench, row: Row) -> Iterator[str]:
    first = row.first
    yield _shapes(first)
    yield _seconds(row.cpu)
    yield _seconds(row.wall)
    yield _bytes(row.added)
    yield _bytes(row.peak)
    if found.relative_to:
        for _, quantity in _RATIOS:
            yield _ratio(found.ratio(row, quantity))
    if _trains(found):
        yield _kept(first.kept if first else None)
    yield _count(first.parameters if first else None)
    yield _count(first.multiply_adds if first else None)
    if row.reason or first is None:
        yield row.reason
    else:
        yield str(first.operator) if first.operator else "not known"


_RATIOS = (("CPU", "cpu"), ("wall", "wall"), ("memory", "added"))
_CONDITIONS: Mapping[str, Callable[[Conditions], str]] = {
    "mode": lambda c: c.mode,
    "phase": lambda c: c.phase,
    "runtime": lambda c: c.runtime,
    "precision": lambda c: c.precision,
    "threads": lambda c: str(c.threads or ""),
    "oneDNN": lambda c: c.onednn,
    "device": lambda c: c.device,
}


def _varying(rows: Sequence[Row]) -> list[str]:
    """Conditions in which rows differ."""
    return [
        name
        for name, told in _CONDITIONS.items()
        if len({told(row.conditions) for row in rows}) > 1
    ]


def _sentence(name: str, value: str) -> str:
    if not value:
        return ""
    if name == "threads":
        return f"{value} thread{'s' if value != '1' else ''}"
    return f"{name} {value}" if name in ("oneDNN", "phase") else value


def _trains(found: Bench) -> bool:
    return any(row.conditions.mode == "training" for row in found.rows)


def _shapes(found: Measured | None) -> str:
    if found is None or not found.inputs:
        return ""
    shapes = list(found.inputs.values())
    told = ["x".join(map(str, shape)) for shape in shapes[:2]]
    return ", ".join([*told, "..."] if len(shapes) > 2 else told)


def _seconds(value: Spread | None) -> str:
    if value is None:
        return ""
    scale, unit = (1.0, "s") if value.median >= 1 else (1e3, "ms")
    return _with_spread(value.median * scale, value.spread and value.spread * scale, unit)


def _bytes(value: Spread | None) -> str:
    if value is None:
        return ""
    spread = None if value.spread is None else value.spread / _MIB
    return _with_spread(value.median / _MIB, spread, "MiB")


def _kept(value: Kept | None) -> str:
    """All of it, and the share of one term of the loss, which does not depend on the batch."""
    if value is None:
        return ""
    told = _with_spread(value.bytes / _MIB, None, "MiB")
    return f"{told}, {value.bytes / value.terms:.0f} B a term" if value.terms else told


def _ratio(value: Ratio | None) -> str:
    return "" if value is None else _with_spread(value.value, value.spread, "")


def _with_spread(value: float, spread: float | None, unit: str) -> str:
    """Three digits, and as many decimals for the spread."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    told = f"{value:.{digits}f}"
    if spread is not None:
        told += f" ± {spread:.{digits}f}"
    return f"{told} {unit}".rstrip()


def _count(value: Any) -> str:
    if value is None:
        return ""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return str(value)
