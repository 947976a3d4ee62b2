"""``zoo check``: what it takes, what it says, and its exit codes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app
from zoo.errors import UsageError
from zoo.testing import RULES, cases_of, choose_rules

pytestmark = pytest.mark.usefixtures("broken")


def zoo(*words: str) -> Result:
    return CliRunner().invoke(app, ["check", *words])


def test_all_rules_hold() -> None:
    told = zoo("correct", "--rules", "R02,R17")
    assert told.exit_code == 0, told.output
    assert "1 skipped, 1 pass: all rules hold" in told.stdout


def test_a_broken_rule_is_exit_code_6_with_symptom_and_remedy() -> None:
    told = zoo("correct", "r02", "--rules", "r02")
    assert told.exit_code == 6
    for text in (
        "R02 settings, r02: fail",
        "NetConfig.width is not described",
        "symptom",
        "remedy",
    ):
        assert text in told.stdout


def test_json() -> None:
    told = zoo("r02", "--rules", "R02", "--json")
    assert told.exit_code == 6
    payload = json.loads(told.stdout)
    assert payload["ok"] is False
    assert payload["counts"] == {"fail": 1}
    (result,) = payload["results"]
    assert (result["number"], result["subject"], result["status"]) == ("R02", "r02", "fail")
    assert {"name", "meaning", "symptom", "message", "remedy", "seconds"} <= set(result)


def test_what_is_not_there() -> None:
    assert zoo("corect").exit_code == 3
    assert "did you mean 'correct'?" in zoo("corect").output
    assert zoo("correct/nett").exit_code == 3
    assert zoo("correct", "--rules", "R77").exit_code == 2


def test_a_plugin_a_task_and_a_model() -> None:
    def numbers(name: str) -> set[tuple[str, str]]:
        return {(rule.number, subject) for rule, subject in cases_of(name)}

    assert ("R01", "correct") in numbers("correct")  # plugin and task have one name
    assert ("R18", "correct/centroid") in numbers("correct")
    assert ("R06", "correct/centroid") not in numbers("correct")
    assert {subject for _, subject in numbers("correct/net")} == {"correct/net"}


def test_numbers_are_unique_and_what_builds_on_others_is_known() -> None:
    numbers = [rule.number for rule in RULES]
    assert numbers == sorted(set(numbers))
    for rule in RULES:
        assert set(rule.after) <= set(numbers)
        assert rule.number not in rule.after
    assert {rule.number for rule in choose_rules(quick=True)} < set(numbers)
    with pytest.raises(UsageError, match="no such rule"):
        choose_rules(("R1",))
