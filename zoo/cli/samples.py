"""What commands that read samples share: the data section and a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from zoo.cli.output import console
from zoo.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from zoo.config.run import DataConfig

__all__ = ["BatchOption", "LimitOption", "OptionalDataOption", "data_section", "progress_bar"]

OptionalDataOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SOURCE:PATH",
        help="Where samples come from; or a zoo file. Default: the data of the run.",
    ),
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=1, help="Samples at most.")
]
BatchOption: TypeAlias = Annotated[
    int | None, typer.Option("--batch", min=1, help="Samples of one forward pass.")
]


def data_section(data: str, settings: Sequence[str], ref: str) -> DataConfig:
    """``--data`` or the data of a run, changed by every ``--set data.NAME=VALUE``.

    Data are split as those of the run unless told otherwise.

    Args:
        data: ``SOURCE:PATH``; empty: those of the run.
        settings: Assignments.
        ref: What ``--data`` may be left out for: a run or a snapshot of one.

    Raises:
        ConfigError: If a setting is not one of the data.
        UsageError: If no data are named.
    """
    from zoo.config.layers import set_layer, validate
    from zoo.config.run import DataConfig
    from zoo.prediction.sources import parse_data

    changes = dict(set_layer(settings).values)
    section = changes.pop("data", {})
    if changes or not isinstance(section, Mapping):
        raise ConfigError(
            "this command has no such setting",
            where=f"--set {next(iter(changes), 'data')}",
            remedy="it has those of data: --set data.NAME=VALUE",
        )
    trained = _data_of_run(ref)
    if data:
        named = parse_data(data).model_dump(exclude_defaults=True)
        # Split as in the training, or its test would hold what the run was trained on.
        named |= {name: trained[name] for name in ("validation", "test") if name in trained}
    elif trained:
        named = dict(trained)
    else:
        raise UsageError("no data are named", remedy="give --data SOURCE:PATH or a zoo file")
    return validate(DataConfig, {**named, **section}, "data")


def _data_of_run(ref: str) -> Mapping[str, object]:
    """The data section of a run's configuration; empty where it is no run."""
    from zoo.artifacts.run_directory import RunDirectory, parse_run
    from zoo.config.toml import read_toml

    folder = parse_run(ref)[0]
    if not RunDirectory.is_run(folder):
        return {}
    section = read_toml(RunDirectory.open(folder).config).get("data", {})
    return section if isinstance(section, Mapping) else {}


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, gone when the work is done; nothing where stderr is no terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console(), transient=True, disable=not console().is_terminal
    ) as bar:
        item = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(item, completed=done, total=total)

        yield advance
