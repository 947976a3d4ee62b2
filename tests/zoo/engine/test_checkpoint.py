"""Checkpoints through crashes and damage."""

from __future__ import annotations

import errno
import json
import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from zoo.engine import checkpoint
from zoo.engine.checkpoint import KEPT, latest_checkpoint, save_checkpoint
from zoo.engine.state import joined, separated
from zoo.errors import UsageError, WeightsError


def state(value: float) -> dict[str, Any]:
    return {
        "position": {"step": 3, "seconds": 0.1 + 0.2, "none": None, "flag": True, "name": "x"},
        "nets": {"a/b": {"w": torch.full((2, 3), value), "n": torch.tensor(4, dtype=torch.int64)}},
        "list": [torch.tensor([1.5], dtype=torch.bfloat16), {"x": []}, 2],
        "half": torch.arange(6.0).reshape(2, 3).T,
    }


def ignore(_: str) -> None:
    """Nobody listens."""


def test_a_state_comes_back_bit_by_bit(tmp_path: Path) -> None:
    before = state(math.pi)
    save_checkpoint(tmp_path, 3, 1, before)
    found = latest_checkpoint(tmp_path, ignore)
    assert found is not None
    assert found.path.name == "000000003-000001"
    assert found.state["position"] == before["position"]
    for path in (("nets", "a/b", "w"), ("nets", "a/b", "n"), ("list", 0), ("half",)):
        mine, theirs = before, found.state
        for key in path:
            mine, theirs = mine[key], theirs[key]  # type: ignore[index]  # nested state
        assert torch.equal(mine, theirs)  # type: ignore[arg-type]  # a tensor
        assert mine.dtype == theirs.dtype  # type: ignore[attr-defined]  # a tensor
    assert found.state["list"][1] == {"x": []}


def test_tensors_that_share_memory_are_saved_both(tmp_path: Path) -> None:
    shared = torch.arange(4.0)
    save_checkpoint(tmp_path, 1, 0, {"a": shared, "b": shared[1:]})
    found = latest_checkpoint(tmp_path, ignore)
    assert found is not None
    assert found.state["b"].tolist() == [1.0, 2.0, 3.0]


def test_what_is_neither_json_nor_tensor_is_a_bug() -> None:
    with pytest.raises(TypeError, match="/a/b"):
        separated({"a": {"b": object()}})
    assert joined(*separated({"a": [1, None, "x"]})) == {"a": [1, None, "x"]}


def test_the_last_ones_are_kept_in_order_of_the_step(tmp_path: Path) -> None:
    for step, micro in ((1, 0), (2, 0), (2, 3), (10, 0)):
        save_checkpoint(tmp_path, step, micro, state(step))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["000000002-000003", "000000010-000000"]
    assert KEPT == 2


def test_the_same_place_again_replaces_nothing(tmp_path: Path) -> None:
    first = save_checkpoint(tmp_path, 1, 0, state(0.0))
    content = {file.name: file.read_bytes() for file in first.iterdir()}
    again = save_checkpoint(tmp_path, 1, 0, state(1.0))
    assert again.name == "000000001-000000-1"
    assert {file.name: file.read_bytes() for file in first.iterdir()} == content
    for turn in range(2, 12):  # in the order of numbers, not of names
        save_checkpoint(tmp_path, 1, 0, state(float(turn)))
    found = latest_checkpoint(tmp_path, ignore)
    assert found is not None
    assert found.path.name == "000000001-000000-11"
    assert found.state["nets"]["a/b"]["w"][0, 0] == 11.0
    assert len(list(tmp_path.iterdir())) == KEPT
    save_checkpoint(tmp_path, 1, 1, state(0.0))
    found = latest_checkpoint(tmp_path, ignore)
    assert found is not None
    assert found.path.name == "000000001-000001"


def test_that_of_another_training_is_not_used(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, 0, state(1.0), training="ours")
    save_checkpoint(tmp_path, 2, 0, state(2.0), training="theirs")
    told: list[str] = []
    found = latest_checkpoint(tmp_path, told.append, training="ours")
    assert found is not None
    assert found.path.name == "000000001-000000"
    assert "checkpoint of another training" in told[0]


@pytest.mark.parametrize("name", ["state.json", "state.safetensors"])
@pytest.mark.parametrize("how", ["cut", "flip", "delete", "empty"])
def test_a_damaged_one_is_reported_and_the_previous_used(
    tmp_path: Path, name: str, how: str
) -> None:
    save_checkpoint(tmp_path, 1, 0, state(1.0))
    newest = save_checkpoint(tmp_path, 2, 0, state(2.0))
    file = newest / name
    content = bytearray(file.read_bytes())
    match how:
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "flip":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "delete":
            file.unlink()
        case _:
            file.write_bytes(b"")
    told: list[str] = []
    found = latest_checkpoint(tmp_path, told.append)
    assert found is not None
    assert found.state["nets"]["a/b"]["w"][0, 0] == 1.0
    assert len(told) == 1
    assert "000000002-000000" in told[0]
    # It is out of the way: what is saved next does not count it among the kept.
    save_checkpoint(tmp_path, 2, 0, state(3.0))
    found = latest_checkpoint(tmp_path, told.append)
    assert found is not None
    assert found.state["nets"]["a/b"]["w"][0, 0] == 3.0
    assert (tmp_path / "000000001-000000").is_dir()
    assert (tmp_path / "damaged-000000002-000000").is_dir()


def test_none_usable_is_an_error_and_none_at_all_is_not(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "absent", ignore) is None
    for step in (1, 2):
        (save_checkpoint(tmp_path, step, 0, state(1.0)) / "state.json").write_text("{}")
    with pytest.raises(WeightsError, match="no checkpoint can be used"):
        latest_checkpoint(tmp_path, ignore)
    with pytest.raises(WeightsError):  # also the second time: nothing starts over silently
        latest_checkpoint(tmp_path, ignore)


def test_every_flipped_bit_of_a_small_checkpoint_is_noticed(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 1, 0, {"w": torch.tensor([1.0, 2.0]), "n": 1})
    for file in (path / "state.json", path / "state.safetensors"):
        content = file.read_bytes()
        for index in range(len(content)):
            changed = bytearray(content)
            changed[index] ^= 0x10
            file.write_bytes(changed)
            with pytest.raises(WeightsError):
                checkpoint._read(path)
        file.write_bytes(content)
    assert checkpoint._read(path)["n"] == 1


def test_a_full_disk_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, 1, 0, state(1.0))

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "_write_synced", full)
    with pytest.raises(UsageError, match="No space left"):
        save_checkpoint(tmp_path, 2, 0, state(2.0))
    monkeypatch.undo()
    found = latest_checkpoint(tmp_path, ignore)
    assert found is not None
    assert found.path.name == "000000001-000000"
    save_checkpoint(tmp_path, 3, 0, state(3.0))
    assert not list(tmp_path.glob(".writing-*"))


def test_files_are_json_and_safetensors(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 1, 0, state(1.0))
    assert json.loads((path / "state.json").read_text())["record"]["format"] == 2
    tensors = safetensors.torch.load_file(path / "state.safetensors")
    assert "/nets/a/b/w" in tensors
