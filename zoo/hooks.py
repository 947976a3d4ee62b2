"""The hooks of a plugin: pluggy specifications, one sentence each.

A plugin is a module named by an entry point of the group ``zoo.plugins``; its functions marked
with ``zoo.api.hookimpl`` answer these hooks. The module imports neither torch nor numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pluggy

from zoo.contract.deploy import Consumer
from zoo.contract.refs import Ref
from zoo.contract.task import Model, Task

__all__ = ["GROUP", "HOOKS", "hookimpl"]

GROUP = "zoo.plugins"
"""The entry-point group."""

_hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")
"""Marks a plugin's function as the answer to the hook of its name."""


@_hookspec
def zoo_api() -> tuple[int, int]:
    """Version of the contract that the plugin was written for, ``zoo.api.API_VERSION`` then."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_tasks() -> Sequence[Task]:
    """Tasks that the plugin brings."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_models() -> Mapping[str, Model]:
    """Models for tasks of other plugins, by full id ``TASK/NAME``."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_consumers() -> Sequence[Consumer]:
    """Programs that load exports of the plugin's tasks, for ``zoo export --for``."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_loggers() -> Mapping[str, Ref]:
    """Loggers of trainings, name -> reference to a :class:`zoo.contract.logger.Logger`."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_commands() -> Mapping[str, Ref]:
    """Command groups of the plugin, name -> typer app, run as ``zoo NAME ...``."""
    raise NotImplementedError  # a specification is never called


@_hookspec
def zoo_cards() -> Sequence[str]:
    """Folders with cards of weights and of data sets, as resources ``"package:cards"``."""
    raise NotImplementedError  # a specification is never called


HOOKS = (
    *(zoo_api, zoo_tasks, zoo_models, zoo_consumers),
    *(zoo_loggers, zoo_commands, zoo_cards),
)
