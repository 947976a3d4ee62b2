"""The files of a benchmark: ``bench.json`` holds everything, ``bench.csv`` a line per row."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from zoo.artifacts.canonical import tidy
from zoo.bench.results import Bench, Row
from zoo.errors import DataError
from zoo.files import write_atomically

__all__ = ["read_bench", "write_bench"]

_FILE = "bench.json"
_FORMAT = 1
_UNITS = {"cpu": "s", "wall": "s", "added": "bytes", "peak": "bytes"}


def write_bench(found: Bench, folder: Path) -> list[Path]:
    """Write ``bench.json`` (everything) and ``bench.csv`` (one line per row).

    Raises:
        UsageError: If the folder cannot be written.
    """
    path, lines = folder / _FILE, folder / "bench.csv"
    write_atomically(
        path, json.dumps(tidy({"format": _FORMAT, **found.as_dict()}), indent=2) + "\n"
    )
    write_atomically(lines, _csv(found))
    return [path, lines]


def read_bench(folder: Path) -> Bench:
    """What :func:`write_bench` wrote.

    Raises:
        DataError: If the file is missing, damaged, or of another version.
    """
    path = folder / _FILE
    try:
        values = json.loads(path.read_bytes())
        if values["format"] != _FORMAT:
            raise DataError(
                f"is a benchmark of format {values['format']}, this zoo reads format {_FORMAT}",
                where=str(path),
                remedy="upgrade detector-zoo, or measure again",
            )
        return Bench.from_dict(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"is missing or no benchmark ({error})",
            where=str(path),
            remedy="name the --out folder of `zoo bench`",
        ) from error


def _csv(found: Bench) -> str:
    text = io.StringIO()
    lines = [_line(found, row) for row in found.rows]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(found: Bench, row: Row) -> dict[str, object]:
    conditions = row.conditions
    line: dict[str, object] = {
        "name": row.name,
        "model": row.model,
        "mode": conditions.mode,
        "phase": conditions.phase,
        "runtime": conditions.runtime,
        "precision": conditions.precision,
        "threads": conditions.threads,
        "onednn": conditions.onednn,
        "device": conditions.device,
        "sizes": " ".join(f"{name}={size}" for name, size in conditions.sizes.items()),
    }
    for name, unit in _UNITS.items():
        value, ratio = getattr(row, name), found.ratio(row, name)
        line[f"{name}_{unit}"] = _part(value, "median")
        line[f"{name}_spread_{unit}"] = _part(value, "spread")
        if found.relative_to:
            line[f"{name}_ratio"] = _part(ratio, "value")
            line[f"{name}_ratio_spread"] = _part(ratio, "spread")
    for name in ("parameters", "multiply_adds", "operator"):
        line[name] = _part(row.first, name)
    kept = row.first and row.first.kept
    line["kept_bytes"], line["kept_terms"] = _part(kept, "bytes"), _part(kept, "terms")
    return {**line, "reason": row.reason}


def _part(value: object, name: str) -> object:
    found = getattr(value, name, None)
    return "" if found is None else found
