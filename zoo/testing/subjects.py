"""What is looked at: plugins, tasks and models, and what rules need of them, made once.

Everything lies in a folder of its own and is made when the first rule asks for it: samples of the
simulator in a file, a network after some updates in memory, a whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from zoo.config.layers import Layer, Resolved, resolve
from zoo.config.run import NOT_SAMPLES, DataConfig, RunConfig
from zoo.contract.refs import resolve as resolve_reference
from zoo.contract.specs import Specs
from zoo.contract.task import Model, Task
from zoo.registry import Plugin, registry
from zoo.testing.declared import CheckFile, check_file, layers_of, of_model, source_config
from zoo.testing.rule import BlockedError, NotApplicable

if TYPE_CHECKING:
    from zoo.artifacts.run_directory import RunDirectory
    from zoo.config.base import Config
    from zoo.contract.deploy import Deploy
    from zoo.contract.predictor import Predictor
    from zoo.contract.source import Source
    from zoo.contract.table import Table
    from zoo.data.checks import Check
    from zoo.testing.practice import Practice

__all__ = ["ModelSubject", "PluginSubject", "Subject", "TaskSubject", "subject_of"]

_Made = TypeVar("_Made")


@dataclass(kw_only=True)
class PluginSubject:
    """A plugin.

    Attributes:
        name: Its entry point.
        plugin: As the registry has it.
        folder: For files of the check.
    """

    name: str
    plugin: Plugin
    folder: Path


@dataclass(kw_only=True)
class TaskSubject:
    """A task.

    Attributes:
        name: Its name.
        task: As its plugin registers it.
        folder: For files of the check.
        checks: What was found of the samples of its simulators, by name.
    """

    name: str
    task: Task
    folder: Path
    checks: dict[str, Check] = field(default_factory=dict)
    _files: dict[str, Path] = field(default_factory=dict)

    @property
    def declared(self) -> CheckFile:
        """Its check file."""
        return check_file(self.task.check)

    @cached_property
    def specs(self) -> Specs:
        """Fields of its samples."""
        return cast("Specs", resolve_reference(self.task.sample))

    @cached_property
    def data(self) -> DataConfig:
        """Where its samples come from.

        Raises:
            NotApplicable: If it has no simulator and names no other data.
        """
        return _named(source_config(self.task, ""), self.name)

    @property
    def source(self) -> Source:
        """Some samples in a file.

        Raises:
            NotApplicable: As for :attr:`data`.
            BlockedError: If they cannot be made.
        """
        return self.open(self.data)

    def open(self, data: DataConfig) -> Source:
        """Samples of a data section, in a file."""
        from zoo.prediction.sources import open_source

        return open_source(self.name, self.stored(data))

    def stored(self, data: DataConfig) -> DataConfig:
        """The same samples in a file, which is made once: no simulator is asked twice."""
        from zoo.artifacts.canonical import digest

        key = digest(data.model_dump(mode="json", exclude=set(NOT_SAMPLES)))
        if key not in self._files:
            with _blocked_by("R11"):
                self._files[key] = _write_samples(self, data, self.folder / f"{key[:12]}.h5")
        shares = {name: getattr(data, name) for name in NOT_SAMPLES}
        return DataConfig(path=str(self._files[key]), **shares)

    @cached_property
    def samples(self) -> Table:
        """All of them, with every field that they have."""
        from zoo.prediction.sources import read

        return read(self.name, self.stored(self.data).path)


@dataclass(kw_only=True)
class ModelSubject:
    """A model.

    Attributes:
        name: Its id.
        spec: As its plugin registers it.
        of: Its task.
        folder: For files of the check.
    """

    name: str
    spec: Model
    of: TaskSubject
    folder: Path
    _errors: dict[str, Exception] = field(default_factory=dict)

    @property
    def declared(self) -> CheckFile:
        """Its check file."""
        return of_model(self.of.task, self.short)

    @property
    def short(self) -> str:
        """Its name without the task."""
        return self.name.partition("/")[2]

    @cached_property
    def data(self) -> DataConfig:
        """Where its samples come from, in a file; raises as :attr:`TaskSubject.source`."""
        return self.of.stored(_named(source_config(self.of.task, self.short), self.name))

    @property
    def source(self) -> Source:
        """Its samples."""
        from zoo.prediction.sources import open_source

        return open_source(self.of.name, self.data)

    def samples(self, fields: frozenset[str], rows: int) -> Table:
        """The first rows, in these fields.

        Raises:
            NotApplicable: If the simulator lacks one.
        """
        from zoo.prediction.compatibility import missing_fields
        from zoo.prediction.sources import read

        missing = missing_fields(self.source, fields)
        if missing:
            raise NotApplicable(f"the samples lack {', '.join(sorted(missing))}")
        return read(self.of.name, self.data.path, fields, rows)

    def settings(self, *changes: Mapping[str, Any]) -> tuple[Layer, ...]:
        """Layers of a training for the check, with changes over them."""
        place = self.data.model_dump(mode="json")
        stored = Layer("samples of the check", {"data": {**place, "options": {}}})
        more = [Layer("rule", change) for change in changes]
        layers = (*layers_of(self.of.task, self.short), stored, *more)
        batch = self._whole_batch(resolve(self._config_class, layers).config)
        return (*layers, Layer("whole batches", {"training": {"batch": batch}}))

    def resolved(self, *changes: Mapping[str, Any]) -> Resolved:
        """The configuration of such a training."""
        return resolve(self._config_class, self.settings(*changes))

    def _whole_batch(self, config: RunConfig) -> int:
        """The batch, or the next that leaves no rest of a few samples.

        Two processes would have one of them each, or none, and nothing to normalise over.
        """
        from zoo.data.splits import SPLIT_SEED, split_blocks

        data, batch = config.data, config.training.batch
        parts = split_blocks(self.source.blocks(), data.validation, data.test, SPLIT_SEED)
        rows = sum(block.rows for block in parts["train"])
        sizes = range(batch, max(2 * batch, rows) + 1)
        return next((size for size in sizes if rows % size in (0, *range(4, size))), batch)

    @property
    def _config_class(self) -> type[Config]:
        return cast("type[Config]", resolve_reference(self.spec.config))

    @property
    def practice(self) -> Practice:
        """The networks after some updates, in memory.

        Raises:
            BlockedError: If they cannot be trained.
        """
        from zoo.testing.practice import practise

        with _blocked_by("R06"):
            return self._once("practice", lambda: practise(self, self.folder / "practice"))

    @property
    def predictor(self) -> Predictor:
        """What predicts: networks after some updates, or the fitted algorithm."""
        if self.spec.networks is not None:
            return self.practice.predictor()
        return self._once("predictor", self._fitted)

    @property
    def run(self) -> RunDirectory:
        """A whole training.

        Raises:
            BlockedError: If there is none.
        """
        from zoo.training.run import train

        with _blocked_by("R18"):
            return self._once("run", lambda: train(self.name, self.resolved(), self.folder / "run"))

    @cached_property
    def deploy(self) -> Deploy | None:
        """What a consumer loads, if the model says so."""
        ref = self.spec.deploy or self.of.task.deploy
        if ref is None:
            return None
        factory = cast("Callable[..., Deploy]", resolve_reference(ref))
        return factory(self.resolved().config.model, self.source.facts)

    def export(self, format_name: str) -> Path:
        """The run in a file of this format.

        Raises:
            BlockedError: If that fails.
        """
        from zoo.export import export

        def made() -> Path:
            run, out = self.run, self.folder / "export"
            samples = self.samples(self.predictor.needs, 2)
            return export(str(run.path), format_name, out=out, samples=samples).path

        with _blocked_by("R10"):
            return self._once(f"export {format_name}", made)

    def _fitted(self) -> Predictor:
        from zoo.prediction.classical import fit, load_classical
        from zoo.prediction.compatibility import missing_fields

        missing = missing_fields(self.source, self.spec.needs)
        if missing:
            raise NotApplicable(f"the samples lack {', '.join(sorted(missing))}")
        predictor = load_classical(self.name, self.source.facts)
        fit(self.of.task, predictor, self.source, self.data)
        return predictor

    def _once(self, what: str, make: Callable[[], _Made]) -> _Made:
        """Made at the first call; an error is remembered, too."""
        held = self.__dict__.setdefault("_held", {})
        if what in self._errors:
            raise self._errors[what]
        if what not in held:
            try:
                held[what] = make()
            except Exception as error:
                self._errors[what] = error
                raise
        return cast("_Made", held[what])


Subject = PluginSubject | TaskSubject | ModelSubject


def subject_of(name: str, scope: str, folder: Path, known: dict[str, Subject]) -> Subject:
    """A subject by scope and name, made once.

    Args:
        name: Of a plugin or task, or id of a model.
        scope: ``plugin``, ``task`` or ``model``.
        folder: For files of the check.
        known: Those that were made before.

    Raises:
        PluginError: If there is none of that name.
    """
    key = f"{scope} {name}"
    if key not in known:
        place = folder / key.replace("/", "-").replace(" ", "-")
        place.mkdir(parents=True, exist_ok=True)
        known[key] = _make(name, scope, place, folder, known)
    return known[key]


def _make(name: str, scope: str, place: Path, folder: Path, known: dict[str, Subject]) -> Subject:
    found = registry()
    if scope == "plugin":
        plugin = next(plugin for plugin in found.plugins if plugin.name == name)
        return PluginSubject(name=name, plugin=plugin, folder=place)
    if scope == "task":
        return TaskSubject(name=name, task=found.task(name), folder=place)
    task, spec = found.model(name)
    of = cast("TaskSubject", subject_of(task.name, "task", folder, known))
    return ModelSubject(name=name, spec=spec, of=of, folder=place)


def _named(data: DataConfig, who: str) -> DataConfig:
    if not (data.source or data.path):
        raise NotApplicable(
            f"{who} has no simulator: name data in [settings.data] of its check file"
        )
    return data


@contextmanager
def _blocked_by(rule: str) -> Iterator[None]:
    try:
        yield
    except (BlockedError, NotApplicable):
        raise
    except Exception as error:
        raise BlockedError(rule, error) from error


def _write_samples(subject: TaskSubject, data: DataConfig, out: Path) -> Path:
    from zoo.data.convert import convert_file
    from zoo.data.simulate import simulate_file
    from zoo.prediction.sources import make_simulator, open_source

    spec = subject.task.sources.get(data.source)
    about = {"made": "for a check"}
    if spec is not None and spec.kind == "simulator":
        return simulate_file(
            make_simulator(subject.name, data),
            subject.specs,
            out,
            task=subject.name,
            seed=data.seed,
            events=data.events,
            about=about,
        ).path
    source = open_source(subject.name, data)
    return convert_file(source, subject.specs, out, task=subject.name, about=about).path
