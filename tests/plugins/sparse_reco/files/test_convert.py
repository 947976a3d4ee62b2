"""``zoo data check`` and ``zoo data convert`` of every kind of file, as a user would type them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from zoo.api import SourceSpec, Task, hookimpl
from zoo.cli.app import app
from zoo.registry import registry

_HERE = "zoo_sparse_reco"
_KINDS = {"pilarnet": "Pilarnet", "mlreco_h5": "MlrecoH5", "edepsim": "Edepsim"}


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A task that has these sources alone."""

    @hookimpl
    def zoo_api() -> tuple[int, int]:
        return (1, 0)

    @hookimpl
    def zoo_tasks() -> Any:
        sources = {
            name.replace("_", "-"): SourceSpec(
                kind="adapter",
                factory=f"{_HERE}.sources.{name}:{made}",
                config=f"{_HERE}.sources.files_config:{made}Config",
                summary="files",
            )
            for name, made in _KINDS.items()
        }
        absent = "zoo_sparse_reco.absent:Absent"  # nothing else is asked for here
        task = Task(
            name="sparse-semantic",
            summary="files",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={},
            sources=sources,
            codec=absent,
            learner=absent,
            metrics=absent,
        )
        return (task,)

    module = ModuleType("sparse_files_plugin")
    module.zoo_api, module.zoo_tasks = zoo_api, zoo_tasks  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sparse_files_plugin", module)
    point = EntryPoint("sparse-files", "sparse_files_plugin", "zoo.plugins")
    monkeypatch.setattr("zoo.registry.entry_points", lambda **_: [point])
    registry.cache_clear()
    yield
    registry.cache_clear()


def written(kind: str, pilarnet: Callable[..., Path], segments: Callable[..., Path]) -> Path:
    if kind == "pilarnet":
        return pilarnet()
    if kind == "edepsim":
        return segments([(event, 1, 13, 3.0, (0, 0, 0), (1, 1, 1)) for event in range(2)])
    path = segments([]).with_name("tensors.h5")
    with h5py.File(path, "w") as file:
        file["cluster_label"] = np.array([(0, 0, i, i, 1, 0, 0, 0, -1, 1) for i in range(2)], "f4")
    return path


@pytest.mark.parametrize("kind", ["pilarnet", "mlreco-h5", "edepsim"])
def test_files_are_checked_and_converted(
    plugin: None,
    kind: str,
    pilarnet: Callable[..., Path],
    segments: Callable[..., Path],
    tmp_path: Path,
) -> None:
    path = written(kind, pilarnet, segments)
    out = tmp_path / "ours" / "events.h5"
    runner = CliRunner()
    data = f"{kind}:{path}"
    checked = runner.invoke(app, ["data", "check", "sparse-semantic", "--data", data, "--json"])
    assert checked.exit_code == 0, checked.output
    words = ["data", "convert", "sparse-semantic", "--data", data, "--out", str(out), "--json"]
    converted = runner.invoke(app, words)
    assert converted.exit_code == 0, converted.output
    assert json.loads(converted.stdout)["rows"] == 2
    again = runner.invoke(app, ["data", "check", "sparse-semantic", "--data", str(out)])
    assert again.exit_code == 0, again.output


def test_a_damaged_file_is_one_message(
    plugin: None, pilarnet: Callable[..., Path], tmp_path: Path
) -> None:
    path = pilarnet()
    path.write_bytes(path.read_bytes()[:500])
    words = ["data", "check", "sparse-semantic", "--data", f"pilarnet:{path}", "--json"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 4
    assert "truncated, damaged or no HDF5 file" in told.output
    assert "Traceback" not in told.output
