"""Names that will go: told once to each plugin, in time, and remembered when they are gone."""

from __future__ import annotations

import warnings
from datetime import date

import pytest

from zoo import api, deprecation
from zoo.contract.task import API_VERSION
from zoo.deprecation import DEPRECATED, ChangeNotice, Deprecation, gone

ROW = Deprecation(
    since=(1, 2), removed_in=(2, 0), not_before=date(2031, 1, 1), use="zoo.api.atomic_path"
)
OLD = "write_atomically"


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "DEPRECATED", {OLD: ROW})
    monkeypatch.setattr(deprecation, "uses", {})
    monkeypatch.delitem(vars(api), OLD, raising=False)


def import_as(module: str) -> object:
    names: dict[str, object] = {"__name__": module}
    exec(f"from zoo.api import {OLD} as found", names)
    return names["found"]


def test_every_plugin_is_told_once_with_the_replacement_and_the_date() -> None:
    with pytest.warns(ChangeNotice) as told:
        assert callable(import_as("zoo_one.learner"))
    (one,) = told
    assert str(one.message) == (
        "zoo_one uses zoo.api.write_atomically, deprecated since API 1.2, gone in API 2.0, "
        "not before 2031-01-01: use zoo.api.atomic_path"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_as("zoo_one.codec")
    with pytest.warns(ChangeNotice, match="zoo_two uses"):
        import_as("zoo_two.codec")


def test_what_is_gone_says_since_when_and_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_API", (2, 0))
    with pytest.raises(ImportError, match=r"gone in API 2\.0.*use zoo\.api\.atomic_path"):
        import_as("zoo_one.learner")


def test_the_table_keeps_its_promises() -> None:
    for name, row in DEPRECATED.items():
        assert row.since <= API_VERSION
        assert row.removed_in[0] > row.since[0], "a name goes in a major version only"
        assert gone(row, API_VERSION) == (name not in api.__all__), name
        assert not gone(row, API_VERSION) or date.today() >= row.not_before


def test_people_read_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    deprecation.show_plainly()
    assert warnings.formatwarning(ChangeNotice("a is b"), ChangeNotice, "f.py", 3) == (
        "note: a is b\n"
    )
    assert "f.py:3" in warnings.formatwarning(UserWarning("x"), UserWarning, "f.py", 3)
