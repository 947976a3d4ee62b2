"""What is installed: plugins, their tasks, models, consumers, loggers and commands.

Entry points are loaded one by one. A plugin that fails is kept with its reason and harms nobody;
an id that two plugins claim belongs to neither until one of them is uninstalled.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points

import pluggy

from zoo import hooks
from zoo.contract.deploy import Consumer
from zoo.contract.refs import Ref
from zoo.contract.task import API_VERSION, Model, Task
from zoo.errors import PluginError, UsageError, suggestion
from zoo.watchdog import watched

__all__ = ["CORE_VERBS", "Plugin", "Registry", "build", "registry"]

CORE_VERBS = frozenset(
    (
        *("list", "info", "doctor", "data", "train", "eval", "predict", "select", "export"),
        *("bench", "compare", "report", "weights", "new", "check"),
    )
)
"""Commands that no plugin may take."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""No ``/`` and no ``@``, which an id ``TASK/MODEL@version`` needs, and nothing to quote."""

_PATIENCE = 20.0  # seconds; a plugin's import takes milliseconds, also from a slow network disk
_HEAVY = frozenset({"torch", "numpy", "h5py", "scipy", "matplotlib", "pandas", "tensorflow", "jax"})


@dataclass(kw_only=True)
class Plugin:
    """One entry point, loaded or broken.

    Attributes:
        error, traceback: Why it is broken; empty: it is not.
        seconds: That its import took.
        printed: What it wrote to stdout meanwhile, which nobody sees.
        heavy: Large libraries that its import loads, and every command with it.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""
    api: tuple[int, int] | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    loggers: dict[str, Ref] = field(default_factory=dict)
    commands: dict[str, Ref] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    printed: str = ""
    heavy: tuple[str, ...] = ()


class Registry:
    """All plugins, and look-ups whose errors name the nearest known id."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._tasks: dict[str, Task] = {}
        self._models: dict[str, Model] = {}
        self._consumers: dict[str, Consumer] = {}
        self._loggers: dict[str, Ref] = {}
        self._commands: dict[str, Ref] = {}
        self._owners: dict[str, list[Plugin]] = {}
        for plugin in self.plugins:
            self._add(plugin)

    def _add(self, plugin: Plugin) -> None:
        for name, task in plugin.tasks.items():
            self._claim(f"task {name}", plugin)
            self._tasks[name] = task
            for model_name, model in task.models.items():
                self._claim(f"model {name}/{model_name}", plugin)
                self._models[f"{name}/{model_name}"] = model
        for id_, model in plugin.models.items():
            self._claim(f"model {id_}", plugin)
            self._models[id_] = model
        for name, consumer in plugin.consumers.items():
            self._claim(f"consumer {name}", plugin)
            self._consumers[name] = consumer
        for name, ref in plugin.loggers.items():
            self._claim(f"logger {name}", plugin)
            self._loggers[name] = ref
        for name, ref in plugin.commands.items():
            self._claim(f"command {name}", plugin)
            self._commands[name] = ref

    def _claim(self, what: str, plugin: Plugin) -> None:
        self._owners.setdefault(what, []).append(plugin)

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[str, ...]]:
        """What more than one plugin claims -> the names of those plugins."""
        return {
            what: tuple(self._told(owner) for owner in owners)
            for what, owners in self._owners.items()
            if len(owners) > 1
        }

    def _told(self, plugin: Plugin) -> str:
        """The name of a plugin; where another one has it too, with its distribution."""
        same = [other for other in self.plugins if other.name == plugin.name]
        return plugin.name if len(same) == 1 else f"{plugin.name} of {plugin.distribution}"

    @property
    def broken(self) -> tuple[Plugin, ...]:
        """Plugins that could not be loaded, each with its reason."""
        return tuple(plugin for plugin in self.plugins if plugin.error)

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """Task name -> task, without those that two plugins claim."""
        return {n: t for n, t in sorted(self._tasks.items()) if f"task {n}" not in self.conflicts}

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Full id -> model, likewise; only ids whose task is known."""
        return {
            id_: model
            for id_, model in sorted(self._models.items())
            if f"model {id_}" not in self.conflicts and id_.partition("/")[0] in self.tasks
        }

    @property
    def consumers(self) -> Mapping[str, Consumer]:
        """Consumer name -> consumer, likewise."""
        return {
            n: c
            for n, c in sorted(self._consumers.items())
            if f"consumer {n}" not in self.conflicts
        }

    @property
    def loggers(self) -> Mapping[str, Ref]:
        """Logger name -> its class, likewise."""
        return {
            n: r for n, r in sorted(self._loggers.items()) if f"logger {n}" not in self.conflicts
        }

    @property
    def commands(self) -> Mapping[str, Ref]:
        """Command group -> typer app, likewise."""
        return {
            n: r for n, r in sorted(self._commands.items()) if f"command {n}" not in self.conflicts
        }

    def owner(self, task: str) -> Plugin:
        """The plugin that brings a task."""
        self.task(task)
        return self._owners[f"task {task}"][0]

    def task(self, name: str) -> Task:
        """A task by name.

        Raises:
            PluginError: If two plugins claim it, or it is unknown, with the nearest known name.
        """
        self._refuse_conflict(f"task {name}")
        if name not in self.tasks:
            raise PluginError("no such task", where=name, remedy=self._remedy(name, self.tasks))
        return self.tasks[name]

    def model(self, id_: str) -> tuple[Task, Model]:
        """A model and its task by full id ``TASK/NAME``.

        Raises:
            PluginError: As for :meth:`task`.
        """
        self._refuse_conflict(f"model {id_}")
        if id_ not in self.models:
            raise PluginError("no such model", where=id_, remedy=self._remedy(id_, self.models))
        return self.task(id_.partition("/")[0]), self.models[id_]

    def consumer(self, name: str) -> Consumer:
        """A consumer by name.

        Raises:
            PluginError: As for :meth:`task`.
        """
        self._refuse_conflict(f"consumer {name}")
        if name not in self.consumers:
            raise PluginError(
                "no such consumer", where=name, remedy=self._remedy(name, self.consumers)
            )
        return self.consumers[name]

    def logger(self, name: str) -> Ref:
        """A logger by name.

        Raises:
            PluginError: As for :meth:`task`.
        """
        self._refuse_conflict(f"logger {name}")
        if name not in self.loggers:
            raise PluginError("no such logger", where=name, remedy=self._remedy(name, self.loggers))
        return self.loggers[name]

    def models_of(self, task: str) -> Mapping[str, Model]:
        """Full id -> model, of one task."""
        return {i: m for i, m in self.models.items() if i.partition("/")[0] == task}

    def _refuse_conflict(self, what: str) -> None:
        if what in self.conflicts:
            names = " and ".join(self.conflicts[what])
            raise PluginError(
                f"two plugins claim it: {names}",
                where=what,
                remedy="uninstall one, or name the other alone in ZOO_PLUGINS",
            )

    def _remedy(self, name: str, known: Iterable[str]) -> str:
        broken = (
            f"; broken plugins: {', '.join(p.name for p in self.broken)}" if self.broken else ""
        )
        return f"{suggestion(name, known)}{broken} (`zoo list` shows all, `zoo doctor` the broken)"


def build(
    points: Iterable[EntryPoint], only: frozenset[str] | None = None, patience: float = _PATIENCE
) -> Registry:
    """Load entry points one by one, each on its own.

    Args:
        points: Entry points of the group ``zoo.plugins``.
        only: Names to load; ``None``: all.
        patience: Seconds that one may take; zero: any time.
    """
    chosen = sorted(points, key=lambda point: point.name)
    if only is not None:
        chosen = [point for point in chosen if point.name in only]
    return Registry([_load(point, patience) for point in chosen])


@cache
def registry() -> Registry:
    """The registry of this environment; ``ZOO_PLUGINS=a,b`` restricts it (empty: none)."""
    restriction = os.environ.get("ZOO_PLUGINS")
    only = None
    if restriction is not None:
        only = frozenset(name.strip() for name in restriction.split(",") if name.strip())
    return build(entry_points(group=hooks.GROUP), only, _patience(os.environ))


def _patience(environ: Mapping[str, str]) -> float:
    text = environ.get("ZOO_PLUGIN_SECONDS", "")
    try:
        seconds = float(text or _PATIENCE)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise UsageError(
            f"is no number of seconds: {text!r}",
            where="ZOO_PLUGIN_SECONDS",
            remedy=f"unset it ({_PATIENCE:g} s), or 0 to wait for ever",
        )
    return seconds


def _load(point: EntryPoint, patience: float) -> Plugin:
    plugin = Plugin(name=point.name, value=point.value)
    if point.dist is not None:
        plugin.distribution, plugin.version = point.dist.name, point.dist.version
    before, begin, printed = _HEAVY & sys.modules.keys(), time.perf_counter(), io.StringIO()
    try:  # what it prints must not stand before the JSON of a command
        with redirect_stdout(printed), watched(f"the plugin {point.name}", patience):
            _ask(plugin, point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # even sys.exit() on import harms nobody
        reason = error.message if isinstance(error, PluginError) else str(error)
        plugin.error = f"{type(error).__name__}: {reason}"
        plugin.traceback = traceback.format_exc()
        plugin.tasks, plugin.models, plugin.commands = {}, {}, {}
        plugin.consumers, plugin.loggers, plugin.cards = {}, {}, []
    plugin.seconds, plugin.printed = time.perf_counter() - begin, printed.getvalue()
    plugin.heavy = tuple(sorted((_HEAVY & sys.modules.keys()) - before))
    return plugin


def _ask(plugin: Plugin, module: object) -> None:
    """Ask one plugin alone, so that another's exception cannot end the call."""
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(hooks)
    manager.register(module, name=plugin.name)
    manager.check_pending()
    _ask_version(plugin, manager.hook.zoo_api())
    _ask_models(plugin, manager)
    for loggers in manager.hook.zoo_loggers():
        plugin.loggers.update(loggers)
    _check_name("logger", *plugin.loggers)
    for commands in manager.hook.zoo_commands():
        plugin.commands.update(commands)
    for cards in manager.hook.zoo_cards():
        plugin.cards.extend(cards)
    _check_name("command", *plugin.commands)
    taken = sorted(CORE_VERBS & set(plugin.commands))
    if taken:
        raise PluginError(f"it takes the core's command '{taken[0]}'", remedy="rename it")


def _ask_version(plugin: Plugin, apis: list[object]) -> None:
    if not apis:
        raise PluginError("it has no hook 'zoo_api'", remedy="return the API version it is for")
    plugin.api = _version(apis[0])
    if plugin.api[0] != API_VERSION[0] or plugin.api[1] > API_VERSION[1]:
        older = plugin.distribution if plugin.api < API_VERSION else "detector-zoo"
        raise PluginError(
            f"it needs API {_dotted(plugin.api)}, this zoo has {_dotted(API_VERSION)}",
            remedy=f"pip install --upgrade {older or plugin.name}",
        )


def _ask_models(plugin: Plugin, manager: pluggy.PluginManager) -> None:
    for tasks in manager.hook.zoo_tasks():
        for task in tasks:
            _add_task(plugin, task)
    for models in manager.hook.zoo_models():
        for id_, model in models.items():
            _check_name("model", *id_.split("/", 1))
            _check_model(id_, model)
            plugin.models[id_] = model
    for consumers in manager.hook.zoo_consumers():
        for consumer in consumers:
            _check_type("zoo_consumers", consumer, Consumer)
            plugin.consumers[consumer.name] = consumer


def _version(answer: object) -> tuple[int, int]:
    match answer:
        case (int(breaking), int(additive)):
            return breaking, additive
    raise PluginError(f"zoo_api returns {answer!r}", remedy="return (1, 0), two integers")


def _add_task(plugin: Plugin, task: Task) -> None:
    _check_type("zoo_tasks", task, Task)
    _check_name("task", task.name)
    _check_name("model", *task.models)
    if task.name in plugin.tasks:
        raise PluginError(f"it brings the task '{task.name}' twice", remedy="rename one")
    for name, model in task.models.items():
        _check_model(f"{task.name}/{name}", model)
    plugin.tasks[task.name] = task


def _check_model(id_: str, model: Model) -> None:
    _check_type("a model", model, Model)
    if (model.networks is None) == (model.predictor is None):
        raise PluginError(
            f"the model '{id_}' must have either networks or a predictor",
            remedy="networks for a trained model, predictor for a classical one",
        )


def _check_type(what: str, given: object, expected: type) -> None:
    if not isinstance(given, expected):
        raise PluginError(
            f"{what} returns a {type(given).__name__} where a {expected.__name__} belongs",
            remedy=f"use zoo.api.{expected.__name__}",
        )


def _check_name(what: str, *names: str) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise PluginError(
                f"'{name}' is no name of a {what}", remedy="use letters, digits, '-', '_' and '.'"
            )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
