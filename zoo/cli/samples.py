"""What commands that read samples share: options, and the section on data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from zoo.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from zoo.config.run import DataConfig

__all__ = [
    "BatchOption",
    "LimitOption",
    "OptionalDataOption",
    "TrainingOption",
    "data_section",
]

OptionalDataOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SOURCE:PATH",
        help="Where samples come from; or a zoo file. Default: the data of the run.",
    ),
]
TrainingOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--training",
        metavar="SOURCE:PATH|RUN",
        help="Fit classical algorithms to the training split of these data, or of a run. "
        "Default: what the runs were trained on, else the data themselves.",
    ),
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=1, help="Samples at most.")
]
BatchOption: TypeAlias = Annotated[
    int | None, typer.Option("--batch", min=1, help="Samples of one forward pass.")
]


def data_section(data: str, settings: Sequence[str], ref: str = "") -> DataConfig:
    """``--data`` or the data of a run, changed by every ``--set data.NAME=VALUE``.

    Data are split as those of the run unless told otherwise.

    Args:
        data: ``SOURCE:PATH``; empty: those of the run.
        settings: Assignments.
        ref: What ``--data`` may be left out for: a run or a snapshot of one; empty: nothing.

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
        _refuse_other_folder(ref)
        raise UsageError(
            "no data are named", where=ref, remedy="give --data SOURCE:PATH or a zoo file"
        )
    return validate(DataConfig, {**named, **section}, "data")


def _data_of_run(ref: str) -> Mapping[str, object]:
    """The data section of a run's configuration; empty where it is no run."""
    from zoo.artifacts.run_directory import RunDirectory, parse_run
    from zoo.config.toml import read_toml

    folder = parse_run(ref)[0]
    if not ref or not RunDirectory.is_run(folder):
        return {}
    section = read_toml(RunDirectory.open(folder).config).get("data", {})
    return section if isinstance(section, Mapping) else {}


def _refuse_other_folder(ref: str) -> None:
    """A folder that is no run is a mistake, and not one about data."""
    from zoo.artifacts.run_directory import RunDirectory, parse_run

    folder = parse_run(ref)[0]
    if ref and folder.is_dir():
        RunDirectory.open(folder)
