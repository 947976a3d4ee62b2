"""What is kept of a micro-batch that is not finite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.training.nonfinite import batch_arrays, write_nonfinite


@pytest.fixture
def batch() -> Batch:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    image[1, 2], image[2, 0] = np.nan, -np.inf
    inputs: dict[str, Any] = {
        "image": image.T,  # not contiguous
        "hits": Ragged(np.ones((5, 2), np.float16), np.asarray([0, 2, 5])),
        "tables": [np.asarray(3, ">i4"), {"deep": np.asarray([True, False])}],
        "size": 7,
        "names": np.asarray(["a", "b"]),
    }
    return Batch(inputs, {"label": np.asarray([1, 2, 3])}, np.asarray([5, 6, 7], np.uint64))


def test_every_array_by_its_path(batch: Batch) -> None:
    found = batch_arrays([batch])
    assert set(found) == {
        "inputs/image",
        "inputs/hits/values",
        "inputs/hits/offsets",
        "inputs/tables/0",
        "inputs/tables/1/deep",
        "targets/label",
        "ids",
    }
    assert found["inputs/tables/0"].shape == ()
    assert found["inputs/tables/0"] == 3


def test_the_files(tmp_path: Path, batch: Batch) -> None:
    write_nonfinite(tmp_path, {"step": 3, "ids": ["5"]}, [batch])
    record = json.loads((tmp_path / "nonfinite.json").read_text())
    kept = load_file(tmp_path / "nonfinite.safetensors")
    assert (record["step"], record["ids"]) == (3, ["5"])
    assert {name: told["not_finite"] for name, told in record["arrays"].items()} == {
        name: 2 if name == "inputs/image" else 0 for name in batch_arrays([batch])
    }
    for name, array in batch_arrays([batch]).items():
        np.testing.assert_array_equal(kept[name], array)
        assert kept[name].dtype == array.dtype
        assert record["arrays"][name]["shape"] == list(array.shape)


def test_the_largest_are_left_out_of_the_file_but_told(tmp_path: Path, batch: Batch) -> None:
    write_nonfinite(tmp_path, {}, [batch], rank=2, largest=47)
    record = json.loads((tmp_path / "nonfinite-2.json").read_text())
    kept = load_file(tmp_path / "nonfinite-2.safetensors")
    assert sum(array.nbytes for array in kept.values()) <= 47
    assert "inputs/image" not in kept
    assert record["arrays"]["inputs/image"] == {
        "dtype": "float32",
        "shape": [4, 3],
        "not_finite": 2,
        "kept": False,
    }
    assert {name for name, told in record["arrays"].items() if told["kept"]} == set(kept)


def test_without_a_batch(tmp_path: Path) -> None:
    write_nonfinite(tmp_path, {"step": 1}, ())
    assert json.loads((tmp_path / "nonfinite.json").read_text()) == {"step": 1, "arrays": {}}
    assert load_file(tmp_path / "nonfinite.safetensors") == {}
