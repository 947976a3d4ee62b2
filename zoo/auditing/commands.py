"""The commands that a card states, run as they stand, each in a process of its own.

A card is a text from somewhere: only ``zoo eval`` and ``zoo data simulate|convert|pull`` are
run, no shell, and no file is written outside of the audit's folder.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from zoo.errors import WeightsError, ZooError

__all__ = ["Run", "data_named", "eval_words", "making_words", "run_fresh"]

Run: TypeAlias = Callable[[Sequence[str], Path], Mapping[str, Any]]
"""Runs ``zoo WORDS --json`` in a folder; returns its JSON, raises its error."""

_MAKING = (("data", "simulate"), ("data", "convert"), ("data", "pull"))
_TOGETHER = ("--data=", "--out=")


def eval_words(command: str, where: str) -> list[str]:
    """``zoo eval ...`` as words without ``zoo``.

    Raises:
        WeightsError: If it is another command.
    """
    words = _words(command, where)
    if words[:1] != ["eval"] or len(words) < 2:
        raise _refused(command, where, "a metric is measured by `zoo eval`")
    return words


def making_words(command: str, where: str) -> list[str]:
    """``zoo data simulate ...`` as words without ``zoo``; none for an empty command.

    Raises:
        WeightsError: If it is another command.
    """
    if not command:
        return []
    words = _words(command, where)
    if tuple(words[:2]) not in _MAKING:
        raise _refused(command, where, "data come by `zoo data simulate`, `convert` or `pull`")
    return words


def data_named(words: Sequence[str]) -> str:
    """What ``--data`` of a command names; empty: nothing."""
    return next((after for word, after in pairwise(words) if word == "--data"), "")


def run_fresh(words: Sequence[str], folder: Path) -> Mapping[str, Any]:
    """See :data:`Run`.

    Raises:
        ZooError: As the command, of the same kind.
    """
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *words, "--json"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(Path(e).absolute()) for e in sys.path if e),
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    try:
        told: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise ZooError(
            f"it ended with code {done.returncode} and told nothing",
            where=shlex.join(["zoo", *words]),
            remedy="run it yourself",
        ) from error
    if done.returncode:
        raise ZooError.from_dict(told)
    return told


def _words(command: str, where: str) -> list[str]:
    try:
        program, *words = shlex.split(command)
    except ValueError as error:
        raise _refused(command, where, str(error)) from error
    if program != "zoo":
        raise _refused(command, where, "it is no command of zoo")
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith(_TOGETHER):
            raise _refused(command, where, f"write {word.partition('=')[0]} VALUE")
        if word == "--out" and (Path(after).is_absolute() or ".." in Path(after).parts):
            raise _refused(command, where, "it writes outside of the audit's folder")
    return words


def _refused(command: str, where: str, reason: str) -> WeightsError:
    return WeightsError(
        f"its command '{command}' is not run: {reason}",
        where=where,
        remedy="correct the card, or tell its author",
    )
