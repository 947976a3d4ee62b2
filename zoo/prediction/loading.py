"""From what a user names to a predictor. Imports torch only where networks are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from zoo.artifacts.model_file import read_header
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.contract.predictor import Predictor
from zoo.errors import UsageError
from zoo.prediction.classical import load_classical
from zoo.prediction.published import about_card, card_of, published_file
from zoo.registry import registry
from zoo.runtimes import load_exported, read_export_header

__all__ = ["load", "model_file", "task_of"]

_EXPORTED = (".onnx", ".pt2", ".ts")


def load(
    ref: str | Path,
    *,
    device: str = "cpu",
    runtime: str | None = None,
    facts: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
    batch: int | None = None,
) -> Predictor:
    """What predicts: a classical algorithm, published weights, a run, a snapshot, a model file.

    An installed id goes before a folder of the same name; write ``./TASK/MODEL`` for that.

    Args:
        ref: ``TASK/MODEL`` (classical, or networks with ``weights``), ``TASK/MODEL@VERSION``, a run
            directory, ``RUN@step``, a model file, or an exported file.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``; exported files run on the CPU.
        runtime: Format of an exported file: ``onnx`` (runs without torch), ``ts`` or ``pt2``;
            ``None``: by its suffix.
        facts: Constants of the data set, which a classical algorithm may need.
        weights: Published weights, run directory, snapshot or model file for the networks that
            ``ref`` names.
        batch: Samples of one forward pass; ``None``: as many as hold 16 MiB.

    Raises:
        PluginError: If there is no such id.
        UsageError: If there is no such run, or the id needs weights.
        WeightsError: If weights are missing, damaged, or of another model.
    """
    name = str(ref)
    if _is_exported(name, runtime):
        return load_exported(Path(name), runtime or "", batch=batch or 1)
    if name in registry().models:
        if weights is None:
            return load_classical(name, facts or {})
        return _load_network(str(weights), name, device, batch)
    return _load_network(name, "", device, batch)


def task_of(ref: str | Path, runtime: str | None = None) -> str:
    """Name of the task that a reference is for, without loading it; raises as :func:`load`."""
    name = str(ref)
    if _is_exported(name, runtime):
        return read_export_header(Path(name), runtime or "").model.partition("/")[0]
    id_ = name.partition("@")[0]
    if id_ in registry().models:
        return id_.partition("/")[0]
    model: str = read_header(model_file(name))["model"]
    return model.partition("/")[0]


def _is_exported(name: str, runtime: str | None) -> bool:
    return runtime is not None or (Path(name).suffix in _EXPORTED and Path(name).is_file())


def model_file(name: str) -> Path:
    """The model file of published weights, a run or a snapshot, or the file itself.

    Published weights that are not on this machine are fetched.

    Raises:
        UsageError: If there is no such run or file.
        WeightsError: If there are no such weights, or they cannot be had.
        PluginError: If there is no such id.
    """
    published = published_file(name)
    if published is not None:
        return published
    if Path(name).is_file():
        return Path(name)
    folder, step = parse_run(name)
    if folder.is_dir():
        return RunDirectory.open(folder).model_at(step)
    task = name.partition("/")[0]
    if task in registry().tasks or f"task {task}" in registry().conflicts:
        registry().model(name.partition("@")[0])  # names the nearest id, or who else claims it
    raise UsageError(
        "no such id, run directory or model file",
        where=name,
        remedy=f"{_nearest(name)}`zoo list` shows the ids; a run is the --out of `zoo train`",
    )


def _nearest(name: str) -> str:
    near = get_close_matches(name, registry().models, n=1)
    return f"did you mean '{near[0]}'? " if near else ""


def _load_network(name: str, model: str, device: str, batch: int | None) -> Predictor:
    from zoo.prediction.network import load_network

    card = card_of(name)
    weights = {} if card is None else {"weights": about_card(card)}
    path = model_file(name)
    model = model or ("" if card is None else card.id)
    return load_network(path, model=model, device=device, batch=batch, about=weights)
