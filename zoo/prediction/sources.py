"""Sources by name: ``SOURCE:PATH`` and a task to something that reads samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.config.migration import migrated, notice
from zoo.config.run import DataConfig
from zoo.contract.refs import resolve
from zoo.contract.source import Link, Simulator, Source
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.contract.task import SourceSpec, Task
from zoo.data.failures import plugin_code
from zoo.data.linked import LinkedSource
from zoo.data.reader import available_fields, read_split
from zoo.data.simulated import SimulatedSource
from zoo.data.store import TableFile
from zoo.errors import DataError, UsageError, suggestion
from zoo.registry import registry

__all__ = [
    "facts_of",
    "make_simulator",
    "open_source",
    "parse_data",
    "read",
    "read_blocks",
    "sample_specs",
    "source_options",
]

HDF5 = "hdf5"
"""The source that every task has: files that zoo wrote."""


def parse_data(text: str) -> DataConfig:
    """``SOURCE:PATH``, the name of a source, or the path of a file that zoo wrote."""
    source, colon, path = text.partition(":")
    if colon and re.fullmatch(r"[A-Za-z][\w.-]*", source):
        return DataConfig(source=source, path=path)
    if text.endswith((".h5", ".hdf5")) or "/" in text or Path(text).exists():
        return DataConfig(source=HDF5, path=text)
    return DataConfig(source=text)


def open_source(task: str, data: DataConfig) -> Source:
    """The samples that a configuration describes.

    Args:
        task: Name of the task.
        data: Source, path and options; a link has its upstream there.

    Raises:
        UsageError: If no source is named, there is none of that name, or it lacks a path or a
            number of events.
        ConfigError: If an option is not one of the source's.
        DataError: If a file is absent, damaged, or of another task.
        PluginError: If the task or the source's code is missing.
    """
    known = registry().task(task)
    if not (data.source or data.path):
        raise UsageError("no data are named", where=task, remedy=_remedy(known))
    if data.source in ("", HDF5):
        return _open_file(task, data.path)
    spec = _source_spec(known, data.source)
    if spec.kind == "simulator":
        if data.events < 1:
            raise UsageError(
                "the number of events is missing",
                where=data.source,
                remedy="--set data.events=1000, or `zoo data simulate` into a file",
            )
        return SimulatedSource(make_simulator(task, data), data.seed, data.events)
    if spec.kind == "link":
        return _open_link(spec, data)
    if not data.path:
        raise UsageError("the path is missing", where=data.source, remedy="write SOURCE:PATH")
    return cast("Source", _made(spec, data, data.path))


def make_simulator(task: str, data: DataConfig) -> Simulator:
    """The simulator that a configuration names, with its options.

    Raises:
        UsageError: If there is no source of that name, or it is no simulator.
        ConfigError: If an option is not one of the simulator's.
    """
    spec = _source_spec(registry().task(task), data.source)
    if spec.kind != "simulator":
        raise UsageError(
            f"this source is no simulator but of kind '{spec.kind}'",
            where=data.source,
            remedy="`zoo data convert` writes its samples into a file",
        )
    return cast("Simulator", _made(spec, data))


def source_options(task: str, data: DataConfig) -> dict[str, Any]:
    """All settings of a source, defaults included, as JSON values.

    Raises:
        UsageError, ConfigError, PluginError: As for :func:`open_source`.
    """
    if data.source in ("", HDF5):
        return {}
    spec = _source_spec(registry().task(task), data.source)
    options: dict[str, Any] = _config(spec, data).model_dump(mode="json")
    return options


def read(
    task: str, where: str, fields: frozenset[str] | None = None, limit: int | None = None
) -> Table:
    """Samples as one table.

    Args:
        task: Name of the task.
        where: ``SOURCE:PATH``, or the path of a file that zoo wrote.
        fields: Fields to read; ``None``: all that the task declares and the source has.
        limit: At most so many rows.

    Returns:
        The fields with ``id`` and ``group``; rows of one group are one event.

    Raises:
        ZooError: As for :func:`open_source`; DataError also if there is no row or no such field.
    """
    tables = list(read_blocks(task, where, fields, limit))
    if not tables:
        raise DataError("no samples", where=where, remedy="give another file, or more events")
    return Table.concat(tables)


def facts_of(task: str, where: str) -> Mapping[str, Any]:
    """Constants of a data set, such as its geometry: what ``load`` takes as ``facts``.

    Args:
        task: Name of the task.
        where: As for :func:`read`.

    Raises:
        ZooError: As for :func:`open_source`.
    """
    return open_source(task, parse_data(where)).facts


def read_blocks(
    task: str, where: str, fields: frozenset[str] | None = None, limit: int | None = None
) -> Iterator[Table]:
    """Samples table by table, as the source holds them: what :func:`read` joins.

    Args:
        task: Name of the task.
        where: ``SOURCE:PATH``, or the path of a file that zoo wrote, predictions included.
        fields: As for :func:`read`; of predictions they must be named.
        limit: At most so many rows.

    Yields:
        Tables with the fields, ``id`` and ``group``.

    Raises:
        ZooError: As for :func:`open_source`; DataError also if there is no such field.
    """
    source = open_source(task, parse_data(where))
    if fields is None:
        fields = available_fields(source, frozenset(sample_specs(task)))
    yield from read_split(source, source.blocks(), fields, limit)


def sample_specs(task: str) -> Specs:
    """Fields of a task's samples.

    Raises:
        PluginError: If there is no such task, or its specs cannot be imported.
    """
    return cast("Specs", resolve(registry().task(task).sample))


def _open_file(task: str, path: str) -> TableFile:
    file = TableFile(path)
    if file.task != task and not _same_samples(file, task):
        raise DataError(
            f"it holds samples of the task '{file.task}', not of '{task}'",
            where=path,
            remedy=f"use a model of {file.task}, or other data",
        )
    return file


def _same_samples(file: TableFile, task: str) -> bool:
    """Whether a file of another task has all that this one needs, each field declared alike.

    So tasks that share a kind of sample share files. A field that both tasks name but declare
    differently, be it in its meaning alone, is not the same.
    """
    if file.task not in registry().tasks:
        return False
    wanted, there = sample_specs(task), sample_specs(file.task)
    shared = wanted.keys() & file.fields
    needed = {name for name, field in wanted.items() if not field.optional}
    return needed <= file.fields and all(there.get(name) == wanted[name] for name in shared)


def _open_link(spec: SourceSpec, data: DataConfig) -> LinkedSource:
    from zoo.prediction.loading import load  # torch: only where a link needs a model

    if data.upstream is None or not data.model:
        raise UsageError(
            f"a link needs samples of {spec.upstream} and a model that predicts them",
            where=data.source,
            remedy=f"--set data.model={spec.upstream}/MODEL --set data.upstream.path=FILE.h5",
        )
    link = cast("Link", _made(spec, data))
    upstream = open_source(spec.upstream, data.upstream)
    predictor = load(data.model, facts=upstream.facts)
    about = getattr(predictor, "info", {})  # a classical algorithm has no file
    model = {
        "model": getattr(predictor, "model", data.model),
        "file": about.get("file", ""),
        "sha256": about.get("sha256", ""),
    }
    return LinkedSource(upstream, link, predictor, model)


def _made(spec: SourceSpec, data: DataConfig, *arguments: str) -> object:
    config = _config(spec, data)
    factory = cast("Callable[..., object]", resolve(spec.factory))
    try:
        with plugin_code(data.path or data.source):
            return factory(config, *arguments)
    except OSError as error:
        raise DataError(
            f"cannot be read ({error})", where=data.path or data.source, remedy="check the path"
        ) from error


def _config(spec: SourceSpec, data: DataConfig) -> Config:
    config_class = cast("type[Config]", resolve(spec.config))
    options, notes = migrated(config_class, data.options, whole=False)
    notice(f"options of {data.source}", notes)
    return validate(config_class, options, "data.options")


def _source_spec(task: Task, name: str) -> SourceSpec:
    if name not in task.sources:
        raise UsageError(
            f"task '{task.name}' has no such source",
            where=name,
            remedy=suggestion(name, [*task.sources, HDF5]),
        )
    return task.sources[name]


def _remedy(task: Task) -> str:
    return f"--data SOURCE:PATH with one of {', '.join([*task.sources, HDF5])}"
