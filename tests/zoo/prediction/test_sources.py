from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.config.run import DataConfig
from zoo.contract.source import Simulator
from zoo.contract.specs import Field, Specs
from zoo.contract.table import Table
from zoo.data.keys import row_ids
from zoo.data.simulate import simulate_file
from zoo.errors import DataError
from zoo.prediction import sources
from zoo.prediction.sources import open_source, parse_data


@pytest.mark.parametrize(
    ("text", "source", "path"),
    [
        ("npy:a/b.npy", "npy", "a/b.npy"),
        ("hdf5:x.h5", "hdf5", "x.h5"),
        ("geant4-root:/data/run:1.root", "geant4-root", "/data/run:1.root"),
        ("x.h5", "hdf5", "x.h5"),
        ("/data/x:y.h5", "hdf5", "/data/x:y.h5"),
        ("folder/file", "hdf5", "folder/file"),
        ("toy", "toy", ""),
    ],
)
def test_grammar_of_data(text: str, source: str, path: str):
    assert parse_data(text) == DataConfig(source=source, path=path)


PLAIN = Field(dims=(), dtype="float32", unit="mm", meaning="a length")
SPECS: dict[str, Specs] = {
    "first": {"length": PLAIN, "more": replace(PLAIN, optional=True)},
    "alike": {"length": PLAIN, "other": replace(PLAIN, optional=True)},
    "another-unit": {"length": replace(PLAIN, unit="cm")},
    "another-meaning": {"length": replace(PLAIN, meaning="a width")},
    "needs-more": {"length": PLAIN, "width": PLAIN},
}


class Lengths(Simulator):
    facts: ClassVar[dict[str, Any]] = {}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        return Table({"id": row_ids(keys), "length": np.zeros(len(keys), np.float32)})


@pytest.mark.parametrize(
    ("task", "read"),
    [
        ("first", True),
        ("alike", True),
        ("another-unit", False),
        ("another-meaning", False),
        ("needs-more", False),
    ],
)
def test_files_are_shared_by_tasks_with_equal_fields(
    task: str, read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "registry", lambda: SimpleNamespace(tasks=SPECS, task=SPECS.get))
    monkeypatch.setattr(sources, "sample_specs", SPECS.__getitem__)
    path = tmp_path / "a.h5"
    simulate_file(Lengths(), SPECS["first"], path, task="first", seed=1, events=3, about={})
    data = DataConfig(source="hdf5", path=str(path))
    if read:
        assert open_source(task, data).facts == {}
    else:
        with pytest.raises(DataError, match=f"of the task 'first', not of '{task}'"):
            open_source(task, data)


def test_files_of_an_unknown_task_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "registry", lambda: SimpleNamespace(tasks={}, task=SPECS.get))
    path = tmp_path / "a.h5"
    simulate_file(Lengths(), SPECS["first"], path, task="first", seed=1, events=3, about={})
    with pytest.raises(DataError, match="of the task 'first', not of 'alike'"):
        open_source("alike", DataConfig(source="hdf5", path=str(path)))
