"""A training on samples made from another model's predictions knows that model by its content."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.artifacts.model_file import read_model, write_model
from zoo.config.layers import Resolved, recipe_layer, resolve, set_layer
from zoo.errors import DataError, Interrupted
from zoo.files import file_digest
from zoo.training import train
from zoo.training.parts import find_parts

POINTS, GRAPH = "mini-points/neighbour-net", "mini-graph/edge-net"


def settings(model: str, *assignments: str) -> Resolved:
    parts = find_parts(model)
    recipe = recipe_layer(parts.task.recipes, "quick")
    return resolve(parts.config, [recipe, set_layer(assignments)])


def linked(upstream: Path, *assignments: str) -> Resolved:
    short = ("data.upstream.events=24", "training.epochs=1")
    return settings(GRAPH, f"data.model={upstream}", *short, *assignments)


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A run of the upstream task, somewhere."""
    short = settings(POINTS, "data.events=24", "training.epochs=1", "training.accumulate=1")
    return train(POINTS, short, tmp_path / "private" / "points").path


def test_the_upstream_model_is_recorded_by_content_and_a_resume_needs_the_same(
    upstream: Path, tmp_path: Path
) -> None:
    link, out = linked(upstream), tmp_path / "graph"
    with pytest.raises(Interrupted):
        train(GRAPH, linked(upstream, "training.max_time=0.000001"), out)
    file = upstream / "model.safetensors"
    expected = [{"model": POINTS, "file": file.name, "sha256": file_digest(file)}]
    assert json.loads((out / "data.json").read_text())["upstream"] == expected

    kept = tmp_path / "kept"
    shutil.copy(file, kept)
    record = read_model(file)
    name = min(name for name in record.tensors if name.startswith("networks/"))
    tensors = {**record.tensors, name: record.tensors[name] + np.float32(1)}
    write_model(file, replace(record, tensors=tensors))
    with pytest.raises(DataError, match=f"upstream model {POINTS} has changed") as caught:
        train(GRAPH, link, out)
    assert expected[0]["sha256"][:12] in caught.value.message
    assert "restore that model" in caught.value.remedy

    shutil.copy(kept, file)
    run = train(GRAPH, link, out)
    assert read_model(run.model).lineage["upstream"] == expected
    assert str(tmp_path).encode() not in run.model.read_bytes()


def test_equal_trainings_of_equal_files_elsewhere_give_equal_models(
    upstream: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "points"
    shutil.copytree(upstream, other)
    models = []
    for number, place in enumerate((upstream, other)):
        run = train(GRAPH, linked(place), tmp_path / f"graph-{number}")
        models.append(run.model.read_bytes())
    assert models[0] == models[1]
