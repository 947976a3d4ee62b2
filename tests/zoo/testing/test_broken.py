"""Plugins with one fault each fail exactly one rule; the correct one fails none."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from zoo.testing import Checker, Result, cases_of, choose_rules

spec = importlib.util.spec_from_file_location("tables", Path(__file__).with_name("tables.py"))
assert spec is not None
assert spec.loader is not None
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)
PAGE = tables.PAGE.read_text(encoding="utf-8")

QUICK = tuple(rule.number for rule in choose_rules(quick=True) if rule.number != "R01")
"""R01 starts an interpreter for each plugin."""

# Plugin -> what the message of its rule must hold.
FOUND: Mapping[str, str] = {
    "r01": "it imports numpy (zoo_broken/heavy.py, line 5)",
    "r02": "NetConfig.width is not described",
    "r02-extra": "LooseConfig ignores keys that it does not know",
    "r03": "at batch 2, time 33",
    "r04": "the second prediction differs in position",
    "r05": "alone, 'position' is not what it is together with others",
    "r06": "'net/extra.weight', 'net/extra.bias' never had a gradient",
    "r07": "after loading, predictions differ in position",
    "r08": "killed after step 3 of 6: the log differs: step 3, train",
    "r09": "on 2 processes is not that of one",
    "r10": "predicted 'position': 1 of it differs",
    "r11": "pulses: pulse: it has dtype float64, declared float32",
    "r11-unit": "'position' is in 'mm' in samples and in 'cm' in predictions",
    "r12": "pulses: of one key alone, pulse differ",
    "r13": "with 1 worker(s), batch 0 differs in inputs.pulse",
    "r14": "occur again in another group",
    "r15": "measured in two parts, residual differ",
    "r16": "zero-size array",
    "r16-nan": "a sample whose prediction is NaN is left out",
    "r17": "r17.toml",
    "r18": "no histogram of this name",
}


def results(name: str, numbers: tuple[str, ...]) -> list[Result]:
    rules = choose_rules(numbers)
    checker = Checker(rules)
    return [checker.check(rule, subject) for rule, subject in cases_of(name, rules)]


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", FOUND)
def test_a_fault_breaks_its_rule_and_no_other(name: str) -> None:
    number = name.partition("-")[0].upper()
    found = results(name, tuple({*QUICK, number}))
    failed = [result for result in found if not result.good]
    assert {result.rule.number for result in failed} == {number}, failed
    assert FOUND[name] in failed[0].message
    assert failed[0].remedy
    assert tables.broken_row(name, failed[0]) in PAGE
    # What a fault hides is told as such, never as a pass.
    hidden = [result for result in found if result.status == "skipped"]
    assert all(f"{number} " in r.message or r.rule.number == "R17" for r in hidden)


@pytest.mark.usefixtures("broken")
def test_the_correct_plugin_breaks_none() -> None:
    found = results("correct", QUICK)
    assert {r.rule.number: r.status for r in found if r.status != "pass"} == {"R17": "skipped"}


def test_the_page_has_the_rules() -> None:
    """``python tests/zoo/testing/tables.py`` writes both tables."""
    assert tables.marked(PAGE, "rules") == tables.rules_table()
