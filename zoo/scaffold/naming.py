"""The name of a new plugin: well formed and free."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from zoo.errors import UsageError
from zoo.registry import CORE_VERBS, Registry

__all__ = ["PluginName", "free_name"]

_PREFIX = "zoo-"
_LONGEST = 24  # lines of the template stay below 100 characters
_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class PluginName:
    """One name in its three spellings.

    Attributes:
        task: Of the plugin, its entry point and its task: ``beam-pulses``.
    """

    task: str

    @property
    def distribution(self) -> str:
        """What ``pip install`` takes: ``zoo-beam-pulses``."""
        return f"{_PREFIX}{self.task}"

    @property
    def package(self) -> str:
        """What Python imports: ``zoo_beam_pulses``."""
        return self.distribution.replace("-", "_")


def free_name(text: str, found: Registry) -> PluginName:
    """The name that somebody wishes, if it is well formed and nobody has it.

    Args:
        text: ``beam-pulses``, or ``zoo-beam-pulses``, which is the same.
        found: What is installed.

    Raises:
        UsageError: Saying what is wrong with it, or who has it.
    """
    name = PluginName(text.removeprefix(_PREFIX))
    if not _FORM.fullmatch(name.task) or len(name.task) > _LONGEST:
        raise UsageError(
            "is no name of a plugin",
            where=repr(text),
            remedy=f"use small letters, digits and single '-' between them, a letter first, "
            f"{_LONGEST} characters at most: {_proposal(text)}",
        )
    holder = _holder(name, found)
    if holder:
        raise UsageError(
            f"the name is taken: {holder}", where=name.task, remedy="choose another name"
        )
    return name


def _holder(name: PluginName, found: Registry) -> str:
    """Who has the name already; empty: nobody."""
    if name.task in CORE_VERBS:
        return f"`zoo {name.task}` is a command of the core"
    for plugin in found.plugins:
        owner = f"the plugin {plugin.name} ({plugin.distribution or plugin.value})"
        if name.task in {plugin.name, *plugin.tasks, *plugin.commands}:
            return owner
    if find_spec(name.package) is not None:
        return f"a Python package {name.package} is installed"
    return ""


def _proposal(text: str) -> str:
    """The nearest name that is well formed."""
    words = re.findall(r"[a-z0-9]+", text.removeprefix(_PREFIX).lower())
    near = "-".join(words).lstrip("0123456789-")[:_LONGEST].rstrip("-")
    return near or "beam-pulses"
