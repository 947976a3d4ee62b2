"""``NAME=RUN,RUN`` and its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.api import UsageError
from zoo.evaluation.naming import by_name, parse_named


@pytest.mark.parametrize(
    ("text", "name", "refs"),
    [
        ("runs/a", "runs/a", ("runs/a",)),
        ("lite=runs/a,runs/b@20", "lite", ("runs/a", "runs/b@20")),
        ("lite=task/model", "lite", ("task/model",)),
        ("runs/x=1", "runs/x=1", ("runs/x=1",)),  # a slash before it: no name
    ],
)
def test_a_name_stands_before_an_equals_sign(text: str, name: str, refs: tuple[str, ...]):
    assert parse_named(text) == (name, refs)


def test_an_existing_path_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("lr=0.1").mkdir()
    assert parse_named("lr=0.1") == ("lr=0.1", ("lr=0.1",))


def test_texts_paths_and_mappings_give_the_same_rows():
    assert by_name("a=x,y") == by_name(["a=x,y"]) == by_name({"a": ["x", "y"]})
    assert by_name(Path("x")) == {"x": (Path("x"),)}


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([], "no model"),
        (["x", "x"], "named twice"),
        (["a=x", "a=y"], "named twice"),
        (["a=x,x"], "named twice"),
        (["a=,"], "missing"),
        ({"a": []}, "missing"),
    ],
)
def test_mistakes_are_told(models: object, words: str):
    with pytest.raises(UsageError, match=words):
        by_name(models)  # type: ignore[arg-type]  # as a user may call it
