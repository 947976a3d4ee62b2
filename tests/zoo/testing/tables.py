"""The tables of ``docs/checking-a-plugin.md``: all rules, and what broken plugins are told.

    python tests/zoo/testing/tables.py

writes both; it checks all broken plugins, which takes a minute.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from zoo.testing import RULES, Checker, Result, cases_of, choose_rules

PAGE = Path(__file__).resolve().parents[3] / "docs" / "checking-a-plugin.md"
_DECIMAL = re.compile(r"-?\d+\.\d+(e[-+]\d+)?")


def rules_table() -> str:
    """Number, name, meaning and symptom of every rule."""
    rows = [
        (r.number, r.name, r.scope, "yes" if r.quick else "", r.meaning, r.symptom) for r in RULES
    ]
    return rows_of(("", "rule", "of a", "quick", "holds where", "else"), rows)


def broken_row(name: str, result: Result) -> str:
    """One row: numbers with decimals differ from machine to machine and are left out."""
    message = _DECIMAL.sub("…", result.message)
    return row((f"`{name}`", result.rule.number, result.rule.symptom, message))


def broken_table(results: Iterable[tuple[str, Result]]) -> str:
    """What each broken plugin is told."""
    rows = [broken_row(name, result) for name, result in results]
    head = ("plugin", "rule", "symptom", "message")
    return "\n".join([row(head), row(["---"] * len(head)), *rows])


def marked(page: str, name: str) -> str:
    """What stands between the marks of a table."""
    found = re.search(rf"^% {name}\n(.*?)^% end of {name}$", page, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1].strip()


def failing(name: str) -> Result:
    """What the rule of a broken plugin finds."""
    rules = choose_rules((name.partition("-")[0],))
    checker = Checker(rules)
    results = [checker.check(rule, subject) for rule, subject in cases_of(name, rules)]
    return next(result for result in results if not result.good)


def rows_of(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table."""
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def row(cells: Iterable[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def write_between(page: Path, name: str, table: str) -> None:
    """Put a table between its marks."""
    new = f"% {name}\n\n{table}\n\n% end of {name}"
    text = page.read_text(encoding="utf-8")
    marks = re.compile(rf"^% {name}\n.*?^% end of {name}$", re.MULTILINE | re.DOTALL)
    assert marks.search(text) is not None, name
    page.write_text(marks.sub(lambda _: new, text), encoding="utf-8")


def main() -> None:
    """Write both tables into the page."""
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import BROKEN, ENTRIES, install

    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        sys.path[:0] = [str(BROKEN), folder]
        os.environ["ZOO_PLUGINS"] = ",".join(ENTRIES)
        names = [name for name in ENTRIES if re.fullmatch(r"r\d\d(-\w+)?", name)]
        tables = {
            "rules": rules_table(),
            "broken": broken_table((name, failing(name)) for name in sorted(names)),
        }
    for name, table in tables.items():
        write_between(PAGE, name, table)


if __name__ == "__main__":
    main()
