"""What a training would be refused for, found before it waits in a queue. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.run import DataConfig, RunConfig
from zoo.errors import UsageError
from zoo.prediction.published import card_of
from zoo.prediction.sources import open_source, source_options
from zoo.registry import registry

__all__ = ["check_training"]


def check_training(model: str, config: RunConfig, out: Path, start_from: str | None) -> list[str]:
    """Refuse what `zoo train` would refuse at its start.

    Args:
        model: ``TASK/MODEL``.
        config: The whole configuration.
        out: The run directory.
        start_from: Run, ``RUN@step`` or model file.

    Returns:
        What could not be checked: files that are not here, but may be where the job runs.

    Raises:
        ZooError: As `zoo train` raises it for the model, the data or the run directory.
    """
    task, spec = registry().model(model)
    if spec.networks is None:
        raise UsageError(
            "a classical algorithm has nothing to train",
            where=model,
            remedy="`zoo eval` fits and measures it",
        )
    if not RunDirectory.is_run(out) and out.exists() and (out.is_file() or any(out.iterdir())):
        raise UsageError(
            "is not empty and holds no run", where=str(out), remedy="choose another --out"
        )
    missing = _check_data(task.name, config.data)
    if start_from and not _is_here(start_from):
        missing.append(start_from)
    return [f"{path} is not here; the job needs it" for path in missing]


def _is_here(start: str) -> bool:
    """Whether a training can begin from it; the job itself fetches published weights."""
    return card_of(start) is not None or Path(start).exists() or parse_run(start)[0].exists()


def _check_data(task: str, data: DataConfig) -> list[str]:
    """Open the data as the training would; paths that are not here."""
    source_options(task, data)
    if data.path and not Path(data.path).exists():
        return [data.path]
    if data.upstream is None:  # what a link joins needs a model, and torch
        open_source(task, data)
    return []
