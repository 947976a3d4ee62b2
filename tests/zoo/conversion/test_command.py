"""``zoo weights convert``, as it is typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from zoo.cli.app import app

Save = Callable[..., Path]
State = dict[str, torch.Tensor]
AS = ("--as", "mini-track/pad-net")


def zoo(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, words)))
    return done.exit_code, done.output


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.proof),)


def test_a_file_becomes_a_model_file(tmp_path: Path, save: Save, state: State):
    out = tmp_path / "model.safetensors"
    code, said = zoo("weights", "convert", save(state), *AS, "--out", out)
    assert code == 0, said
    assert "10 tensors (layout listed)" in said
    assert "note: its positions are those of the pads" in said
    code, said = zoo("info", out, "--json")
    assert json.loads(said)["lineage"]["converted_from"]["layout"] == "listed"


def test_facts_of_data_and_settings(tmp_path: Path, save: Save, state: State):
    held = {f"track.{name}": tensor for name, tensor in state.items()}
    words = ("weights", "convert", save(held), *AS, "--out", tmp_path / "m", "--prefix", "track.")
    data = ("--data", "tracks", "--set", "data.options.noise=3.0", "--set", "model.gain=0.2")
    code, said = zoo(*words, *data, "--json")
    assert code == 0, said
    told = json.loads(said)
    assert told["config"] == {"width": 3, "gain": 0.2}
    assert json.loads(zoo("info", told["file"], "--json")[1])["facts"]["noise"] == 3.0


def test_exit_codes(tmp_path: Path, save: Save, state: State):
    out = ("--out", tmp_path / "m.safetensors")
    proof = tmp_path / "ran"
    trap = save({"state_dict": state, "x": Trap(proof)}, "trap.ckpt")
    code, said = zoo("weights", "convert", trap, *AS, *out)
    assert (code, proof.exists()) == (5, False), said
    assert "nothing of it was run" in said
    assert zoo("weights", "convert", tmp_path / "none.pth", *AS, *out)[0] == 5
    (tmp_path / "x.npz").write_bytes(b"")
    assert zoo("weights", "convert", tmp_path / "x.npz", *AS, *out)[0] == 2
    path = save(state)
    assert zoo("weights", "convert", path, "--as", "mini-track/centroid", *out)[0] == 2
    code, said = zoo("weights", "convert", path, *AS, *out, "--set", "training.steps=3")
    assert code == 2
    assert "no such setting" in said
    code, said = zoo("weights", "convert", path, "--as", "mini-track/padnet", *out)
    assert code == 3
    assert "did you mean" in said
    assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_wrappers_are_cut_off(tmp_path: Path, save: Save, state: State, prefix: str):
    path = save({f"{prefix}{name}": tensor for name, tensor in state.items()})
    code, said = zoo("weights", "convert", path, *AS, "--out", tmp_path / "m")
    assert code == 0, said
