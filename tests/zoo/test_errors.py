"""Errors: their text, their exit codes, the suggestion of the nearest name."""

from __future__ import annotations

import inspect
import json
from multiprocessing import Pipe

import pytest

from zoo import errors
from zoo.errors import (
    ConfigError,
    DataError,
    Interrupted,
    NonFiniteError,
    ParityError,
    PluginError,
    UsageError,
    WeightsError,
    ZooError,
    suggestion,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ZooError, 1),
        (UsageError, 2),
        (ConfigError, 2),
        (PluginError, 3),
        (DataError, 4),
        (WeightsError, 5),
        (ParityError, 6),
        (NonFiniteError, 7),
        (Interrupted, 75),
    ],
)
def test_exit_codes_are_the_documented_ones(error: type[ZooError], code: int) -> None:
    assert error.exit_code == code


def test_each_error_has_its_own_kind() -> None:
    classes = [
        item
        for _, item in inspect.getmembers(errors, inspect.isclass)
        if issubclass(item, ZooError)
    ]
    assert len({item.kind for item in classes}) == len(classes) == 9


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DataError("is cut"), "is cut"),
        (DataError("is cut", where="a.h5"), "a.h5: is cut"),
        (DataError("is cut", where="a.h5", remedy="copy it"), "a.h5: is cut\n  remedy: copy it"),
    ],
)
def test_text(error: ZooError, text: str) -> None:
    assert str(error) == text


def test_json() -> None:
    assert DataError("is cut", where="a.h5", remedy="copy it").as_dict() == {
        "error": "data",
        "exit_code": 4,
        "message": "is cut",
        "where": "a.h5",
        "remedy": "copy it",
    }


def test_an_error_crosses_processes() -> None:
    """Loaders raise in workers, and the error comes back through a pipe."""
    error = DataError("is cut", where="a.h5", remedy="copy it")
    here, there = Pipe()
    with here, there:
        there.send(error)
        again = here.recv()
    assert type(again) is DataError
    assert again.as_dict() == error.as_dict()


@pytest.mark.parametrize("kind", [ZooError, ConfigError, WeightsError, Interrupted])
def test_an_error_crosses_machines_as_json(kind: type[ZooError]) -> None:
    error = kind("is cut", where="a.h5", remedy="copy it")
    again = ZooError.from_dict(json.loads(json.dumps(error.as_dict())))
    assert type(again) is kind
    assert again.as_dict() == error.as_dict()


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("bathc", ["batch", "path"], "did you mean 'batch'?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("x", [], "none are known"),
    ],
)
def test_suggestion(name: str, known: list[str], expected: str) -> None:
    assert suggestion(name, known) == expected
