"""Foreign files: what is read of them, and that nothing of them runs."""

from __future__ import annotations

import os
import pickle  # noqa: TID251  # to make what must not be read
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from zoo.conversion import read_checkpoint
from zoo.errors import UsageError, WeightsError

Save = Callable[..., Path]
State = dict[str, torch.Tensor]


class Trap:
    """Unpickling it makes a file: a proof that code ran."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("name", ["x.pth", "x.pt", "x.ckpt"])
@pytest.mark.parametrize("place", ["alone", "beside", "raw"])
def test_a_pickle_with_code_is_refused_and_runs_nothing(
    tmp_path: Path, save: Save, state: State, name: str, place: str
):
    proof = tmp_path / "ran"
    trap = Trap(proof)
    if place == "raw":  # no archive of torch at all
        path = tmp_path / name
        path.write_bytes(pickle.dumps(trap))
    else:
        path = save(trap if place == "alone" else {"state_dict": state, "x": trap}, name)
    with pytest.raises(WeightsError, match=r"nothing of it was run|cannot be read") as caught:
        read_checkpoint(path)
    assert caught.value.exit_code == 5
    assert caught.value.remedy
    assert not proof.exists()
    with path.open("rb") as stream:  # the trap works: plain unpickling springs it
        if place == "raw":
            pickle.load(stream)
        else:
            torch.load(stream, weights_only=False)  # noqa: TID251  # our own file
    assert proof.exists()


def test_a_pickle_named_safetensors_is_refused(tmp_path: Path, save: Save, state: State):
    proof = tmp_path / "ran"
    path = save({"state_dict": state, "x": Trap(proof)}, "x.safetensors")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "content",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3, "lr": 0.1},
        lambda state: {"model_state_dict": state, "optimizer": {"state": {0: torch.ones(2)}}},
        lambda state: {"state_dict": {f"module.{name}": t for name, t in state.items()}},
        lambda state: {f"_orig_mod.module.{name}": t for name, t in state.items()},
    ],
)
def test_a_state_dict_is_found_and_unwrapped(save: Save, state: State, content: Any):
    found = read_checkpoint(save(content(state)))
    assert found.tensors.keys() == state.keys()
    for name, array in found.tensors.items():
        np.testing.assert_array_equal(array, state[name].numpy())
    assert "optimizer" not in found.extras


def test_what_stands_beside_it_is_kept(save: Save, state: State):
    box = torch.tensor([[0.0, 1.0]])
    held = {"state_dict": state, "box": box, "about": {"sizes": (3, 4)}, "epoch": 3}
    extras = read_checkpoint(save(held)).extras
    np.testing.assert_array_equal(extras.pop("box"), box.numpy())
    assert extras == {"about": {"sizes": [3, 4]}, "epoch": 3}


def test_a_prefix_is_cut_off_and_the_rest_left_out(save: Save, state: State):
    held = {f"model.{name}": tensor for name, tensor in state.items()}
    held["loss.weight"] = torch.ones(1)
    found = read_checkpoint(save({"state_dict": held}), prefix="model.")
    assert found.tensors.keys() == state.keys()
    with pytest.raises(UsageError, match=r"no tensor begins with 'net\.'"):
        read_checkpoint(save(held), prefix="net.")


def test_safetensors_and_bfloat16(tmp_path: Path):
    state = {"a": torch.tensor([1.5, -2.0], dtype=torch.bfloat16), "b": torch.tensor([3])}
    save_file(state, tmp_path / "x.safetensors")
    found = read_checkpoint(tmp_path / "x.safetensors").tensors
    assert found["a"].dtype == np.float32
    assert found["a"].tolist() == [1.5, -2.0]
    assert found["b"].tolist() == [3]


def test_torchscript_only_with_trust(tmp_path: Path):
    jit: Any = torch.jit
    net = torch.nn.Linear(2, 1)
    for name in ("x.ts", "x.pt"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated
            jit.trace(net, torch.ones(1, 2)).save(str(tmp_path / name))
    with pytest.raises(UsageError, match="holds code") as caught:
        read_checkpoint(tmp_path / "x.ts")
    assert "--trust" in caught.value.remedy
    with pytest.raises(UsageError, match="TorchScript"):  # not by another name either
        read_checkpoint(tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.ts", trust=True).tensors
    np.testing.assert_array_equal(found["weight"], net.weight.detach().numpy())


@pytest.mark.parametrize("name", ["x.npz", "x.pkl", "x.h5", "x"])
def test_other_kinds_are_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(UsageError, match="are not read"):
        read_checkpoint(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_what_is_damaged_or_no_state_dict_is_told(tmp_path: Path, save: Save, state: State):
    with pytest.raises(WeightsError, match="no such file"):
        read_checkpoint(tmp_path / "none.pth")
    whole = save(state).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(tmp_path / "cut.pth")
    (tmp_path / "noise.pth").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(WeightsError, match=r"cannot be read|nothing of it was run"):
        read_checkpoint(tmp_path / "noise.pth")
    for content, said in (
        (torch.ones(3), "holds one Tensor"),
        ({"epoch": 3}, "it holds epoch"),
        ({"a": torch.tensor([float("nan")])}, "not finite"),
        ({"a": torch.ones(1), "b": 3}, "no tensor but a int"),
        ({"a": torch.ones(2, 2).to_sparse()}, "sparse"),
    ):
        with pytest.raises(WeightsError, match=said):
            read_checkpoint(save(content))


def test_an_archive_without_a_pickle(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/version", "3")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(tmp_path / "x.pt")
