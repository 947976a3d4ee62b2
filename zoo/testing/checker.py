"""Looks at subjects by rules, each pair once, and tells what came of it."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from zoo.contract.refs import resolve
from zoo.errors import PluginError, ZooError
from zoo.registry import Plugin, registry
from zoo.testing.catalogue import RULES
from zoo.testing.declared import ExpectedFailure, expected_failures
from zoo.testing.rule import BlockedError, NotApplicable, Result, Rule, Scope, Violation
from zoo.testing.subjects import Subject, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Checker", "cases_of"]

Case = tuple[Rule, str]
"""A rule and the name of what it looks at."""


def cases_of(name: str, rules: Sequence[Rule] = RULES) -> list[Case]:
    """What is to be looked at: of a plugin, a task or a model.

    Args:
        name: A plugin with all that it brings, a task with all its models, or the id of a model.
        rules: Those to look by.

    Raises:
        PluginError: If there is nothing of that name.
    """
    found = registry()
    plugin = next((plugin for plugin in found.plugins if plugin.name == name), None)
    if plugin is not None:
        tasks = list(plugin.tasks)
        models = [id_ for task in tasks for id_ in found.models_of(task) if _of(plugin, id_)]
        return _cases(rules, [name], tasks, [*models, *plugin.models])
    if name in found.tasks:
        return _cases(rules, [], [name], list(found.models_of(name)))
    if "/" in name:
        found.model(name)
        return _cases(rules, [], [], [name])
    found.task(name)  # raises, and names the nearest
    raise PluginError("there is nothing of this name", where=name, remedy="`zoo list` shows all")


class Checker:
    """Looks at pairs of rule and subject.

    Args:
        rules: Those that are looked by. One that builds on another of these is skipped where that
            fails.
        folder: For files; ``None``: a temporary one, removed with this object.
    """

    def __init__(self, rules: Sequence[Rule] = RULES, folder: Path | None = None) -> None:
        self.rules = {rule.number: rule for rule in rules}
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="zoo-check-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder
        self._subjects: dict[str, Subject] = {}
        self._results: dict[tuple[str, str], Result] = {}

    def check(self, rule: Rule, name: str) -> Result:
        """What comes of a rule on one subject; the second time it is remembered."""
        key = (rule.number, name)
        if key not in self._results:
            begun = time.monotonic()
            result = self._judged(rule, name)
            seconds = round(time.monotonic() - begun, 3)
            self._results[key] = Result(**{**vars(result), "seconds": seconds})
        return self._results[key]

    def _judged(self, rule: Rule, name: str) -> Result:
        for number in rule.after:
            before = self._other(number, rule, name)
            if before is not None and before.status in ("fail", "expected failure"):
                reason = f"{number} fails, on which this builds"
                return Result(rule=rule, subject=name, status="skipped", message=reason)
        try:
            subject = subject_of(name, rule.scope, self._folder, self._subjects)
            look = cast("Callable[[Subject], str]", resolve(rule.check))
            told = look(subject)
        except NotApplicable as reason:
            return Result(rule=rule, subject=name, status="skipped", message=str(reason))
        except BlockedError as error:
            if error.rule != rule.number and error.rule in self.rules:
                text = f"{error.rule} tells why: {_message(error.cause)}"
                return Result(rule=rule, subject=name, status="skipped", message=text)
            return self._failed(rule, name, error.cause)
        except Exception as error:  # noqa: BLE001  # whatever a plugin raises is a finding
            return self._failed(rule, name, error)
        return self._passed(rule, name, told)

    def _other(self, number: str, rule: Rule, name: str) -> Result | None:
        """The result of a rule on which another builds, if it is looked by at all."""
        other = self.rules.get(number)
        if other is None or (other.networks and registry().model(name)[1].networks is None):
            return None
        if other.scope == rule.scope:
            return self.check(other, name)
        return self.check(other, name.partition("/")[0])

    def _passed(self, rule: Rule, name: str, told: str) -> Result:
        declared = _expected(rule, name)
        if not declared:
            return Result(rule=rule, subject=name, status="pass", message=told)
        return Result(
            rule=rule,
            subject=name,
            status="unexpected pass",
            message=f"it is declared to fail ({declared[0].reason}), and passes",
            remedy="take the declaration out of the check file",
            reason=declared[0].reason,
        )

    def _failed(self, rule: Rule, name: str, error: Exception) -> Result:
        message = _message(error)
        reason = next((one.reason for one in _expected(rule, name) if one.found in message), "")
        return Result(
            rule=rule,
            subject=name,
            status="expected failure" if reason else "fail",
            message=message,
            remedy=_remedy(error) or rule.remedy,
            reason=reason,
        )


def _cases(
    rules: Sequence[Rule], plugins: Sequence[str], tasks: Sequence[str], models: Sequence[str]
) -> list[Case]:
    names: dict[Scope, Sequence[str]] = {"plugin": plugins, "task": tasks, "model": models}
    ordered: list[tuple[Scope, str]] = [
        (scope, name) for scope, several in names.items() for name in several
    ]
    return [
        (rule, name)
        for scope, name in ordered
        for rule in rules
        if rule.scope == scope and not (rule.networks and _is_classical(name))
    ]


def _is_classical(model: str) -> bool:
    return registry().model(model)[1].networks is None


def _of(plugin: Plugin, id_: str) -> bool:
    task, _, model = id_.partition("/")
    return model in plugin.tasks[task].models


def _expected(rule: Rule, name: str) -> list[ExpectedFailure]:
    """What the check file declares of a rule."""
    if rule.scope == "plugin":
        return []
    task, _, model = name.partition("/")
    try:
        return expected_failures(registry().task(task), model, rule.number)
    except ZooError:  # of the check file, which the rule has told
        return []


def _message(error: Exception) -> str:
    if isinstance(error, Violation):
        return error.message
    if isinstance(error, ZooError):
        return f"{error.where}: {error.message}" if error.where else error.message
    return f"{type(error).__name__}: {error}"


def _remedy(error: Exception) -> str:
    """Its own; not that of an exception in the plugin's code, which says what users do then."""
    if isinstance(error, PluginError) and not isinstance(error.__cause__, ZooError | None):
        return ""
    return error.remedy if isinstance(error, Violation | ZooError) else ""
