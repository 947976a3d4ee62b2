"""Check files: what is declared, and how a mistake in one is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zoo.errors import ConfigError, PluginError, UsageError
from zoo.registry import registry
from zoo.testing import Checker, Result, choose_rules
from zoo.testing.declared import check_file, layers_of, require_known, source_config

pytestmark = pytest.mark.usefixtures("broken")


def checked(task: str) -> Result:
    rules = choose_rules(("R02",))
    return Checker(rules).check(rules[0], task)


def test_an_expected_failure_is_told_with_its_reason() -> None:
    result = checked("expected")
    assert (result.status, result.reason) == ("expected failure", "it is shown in a test")
    assert result.good
    assert "NetConfig.width" in result.message


def test_one_that_passes_is_an_error() -> None:
    result = checked("unexpected")
    assert result.status == "unexpected pass"
    assert not result.good
    assert "take the declaration out" in result.remedy


def test_another_failure_than_that_which_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = check_file("zoo_broken:expected.toml")
    other = declared.expected[0].model_copy(update={"found": "another message"})
    changed = declared.model_copy(update={"expected": (other,)})
    monkeypatch.setattr("zoo.testing.declared.check_file", lambda _: changed)
    assert checked("expected").status == "fail"


def test_an_unknown_key() -> None:
    with pytest.raises(ConfigError, match="event") as caught:
        check_file("zoo_broken:misspelt.toml")
    assert "events" in caught.value.remedy


def test_an_unknown_rule() -> None:
    with pytest.raises(UsageError, match="no such rule"):
        check_file("zoo_broken:no_rule.toml")


@pytest.mark.parametrize("resource", ["zoo_broken:absent.toml", "no_such_package:check.toml"])
def test_a_missing_file(resource: str) -> None:
    with pytest.raises(PluginError, match="the check file is missing"):
        check_file(resource)


def test_a_model_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    task = registry().task("correct")
    declared = check_file(task.check).model_copy(update={"models": {"nett": {}}})
    monkeypatch.setattr("zoo.testing.declared.check_file", lambda _: declared)
    with pytest.raises(ConfigError, match="has no 'nett'") as caught:
        require_known(task)
    assert "net" in caught.value.remedy


def test_layers_of_one_model_lie_over_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    task = registry().task("correct")
    changes = {
        "settings": {"training": {"steps": 9}},
        "models": {"net": {"model": {"width": 2}}},
        "sources": {"pulses": {"noise": 0.5}},
    }
    declared = check_file(task.check).model_copy(update=changes)
    monkeypatch.setattr("zoo.testing.declared.check_file", lambda _: declared)
    values = [layer.values for layer in layers_of(task, "net")]
    assert values[-2:] == [{"training": {"steps": 9}}, {"model": {"width": 2}}]
    data = source_config(task, "net")
    assert (data.source, data.events, data.options) == ("pulses", 16, {"noise": 0.5})


def test_a_file_begins_in_the_folder_of_the_check_file(monkeypatch: pytest.MonkeyPatch) -> None:
    task = registry().task("correct")
    changes = {"settings": {"data": {"path": "few.h5"}}}
    declared = check_file(task.check).model_copy(update=changes)
    monkeypatch.setattr("zoo.testing.declared.check_file", lambda _: declared)
    data = source_config(replace(task, check="zoo_broken:check.toml"), "")
    assert data.source == ""
    assert data.path.endswith("zoo_broken/few.h5")
