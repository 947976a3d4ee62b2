"""Table of ``docs/checking-a-plugin.md``: what ``zoo check`` says of the built-in plugins.

    zoo check optics --json > optics.json
    python tests/zoo/testing/built_in.py optics.json ...

writes it from what the command told, each plugin in a file of its name; what several commands told
of one plugin lies in files PLUGIN.ANYTHING.json. Nothing is checked here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tables import PAGE, rows_of, write_between

_SIMULATED = "R11"
_EXPLAINED = ("expected failure", "skipped", "fail", "unexpected pass")


def read(files: Iterable[Path]) -> dict[str, list[dict[str, Any]]]:
    """Plugin -> results; of one that is told twice the later file counts."""
    found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for file in files:
        of_plugin = found.setdefault(file.name.partition(".")[0], {})
        for result in json.loads(file.read_bytes())["results"]:
            of_plugin[result["number"], result["subject"]] = result
    return {plugin: list(results.values()) for plugin, results in found.items()}


def counted(plugin: str, results: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """One row."""
    models = {r["subject"] for r in results if "/" in r["subject"]}
    networks = {r["subject"] for r in results if r["number"] == "R06"}
    whole = {r["subject"] for r in results if r["number"] == "R18"} & networks
    simulated = [r["message"] for r in results if r["number"] == _SIMULATED]
    sources = "; ".join(text.partition("; ")[2] for text in simulated)
    statuses = [r["status"] for r in results]
    counts = [str(statuses.count(s)) for s in ("pass", "expected failure", "skipped", "fail")]
    of = f"{len(networks)} ({len(whole)} by all rules)"
    minutes = sum(r["seconds"] for r in results) / 60
    return (plugin, of, str(len(models - networks)), sources, *counts, f"{minutes:.0f}")


def explained(results: Iterable[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """What did not simply pass, equal ones together."""

    def key(result: dict[str, Any]) -> tuple[str, str, str]:
        return result["number"], result["status"], result["reason"] or result["message"]

    others = sorted((r for r in results if r["status"] in _EXPLAINED), key=key)
    for (number, status, why), group in groupby(others, key):
        yield (number, ", ".join(r["subject"] for r in group), status, why)


def main() -> None:
    """Write the tables into the page."""
    told = read(map(Path, sys.argv[1:]))
    head = ("plugin", "networks", "others", "simulators", "pass", "expected failure", "skipped")
    counts = rows_of((*head, "fail", "minutes"), [counted(*item) for item in told.items()])
    reasons = rows_of(
        ("rule", "of", "", "why"), explained(r for results in told.values() for r in results)
    )
    write_between(PAGE, "built-in", f"{counts}\n\n{reasons}")


if __name__ == "__main__":
    main()
