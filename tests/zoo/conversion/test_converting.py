"""Foreign checkpoints as model files; everything that does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.artifacts.model_file import read_model
from zoo.contract.checkpoint import Conversion
from zoo.conversion import convert
from zoo.errors import ConfigError, PluginError, UsageError, WeightsError
from zoo.files import file_digest
from zoo.prediction import load
from zoo_miniatures.track import checkpoints

Save = Callable[..., Path]
State = dict[str, torch.Tensor]
ID = "mini-track/pad-net"


def test_the_model_file_holds_the_foreign_network(tmp_path: Path, save: Save, state: State):
    out = tmp_path / "model.safetensors"
    path = save({"state_dict": state, "scaling": {"mean": 2.0, "std": 0.5}})
    told = convert(path, ID, out)
    assert (told.layout, told.taken, told.config) == ("listed", 10, {"width": 3})
    assert told.notes == ("its positions are those of the pads",)
    record = read_model(out)
    assert record.constants == {"mean": 2.0, "std": 0.5}
    assert record.lineage["converted_from"] == {
        "layout": "listed",
        "file": "foreign.pth",
        "sha256": file_digest(path),
    }
    found: Any = load(out).networks["net"].eval()  # type: ignore[attr-defined]  # networks
    pads = torch.rand(5, 1, *_size(state))
    torch.testing.assert_close(found(pads)[0], _mean(state, pads))


def _size(state: dict[str, torch.Tensor]) -> tuple[int, int]:
    rows = state["layers.2.weight"].shape[2]
    return rows, state["layers.3.weight"].shape[1] // 3


def _mean(state: dict[str, torch.Tensor], pads: torch.Tensor) -> torch.Tensor:
    """The other program's forward pass."""
    functional = torch.nn.functional
    norm = [state[f"layers.1.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
    x = functional.conv2d(pads, state["layers.0.weight"], padding=1)
    x = functional.batch_norm(x, *norm).relu()
    x = functional.conv2d(x, state["layers.2.weight"], state["layers.2.bias"], padding=(0, 1))
    x = functional.linear(x.relu().flatten(1), state["layers.3.weight"], state["layers.3.bias"])
    return x[:, 0]


def test_equal_files_give_equal_bytes(tmp_path: Path, save: Save, state: State):
    path = save(state)
    for name in ("a", "b"):
        convert(path, ID, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("layers.3.bias", None, r"tensor 'layers\.3\.bias' is missing"),
        ("layers.9.bias", torch.ones(1), r"tensor 'layers\.9\.bias' is unknown"),
        ("layers.3.bias", torch.ones(5), r"'layers\.3\.bias' has shape \[5\], not \[2\]"),
        ("layers.3.bias", torch.ones(2).long(), r"'layers\.3\.bias' is of type int64"),
        ("layers.0.weight", None, r"tensor 'layers\.0\.weight' is missing"),
    ],
)
def test_every_tensor_that_does_not_fit_is_named(
    tmp_path: Path, save: Save, state: State, *, name: str, value: torch.Tensor | None, said: str
):
    held = {k: t for k, t in {**state, name: value}.items() if t is not None}
    with pytest.raises(WeightsError, match=said) as caught:
        convert(save(held), ID, tmp_path / "model.safetensors")
    assert "--prefix" in caught.value.remedy
    assert not (tmp_path / "model.safetensors").exists()


def test_several_problems_are_one_error(tmp_path: Path, save: Save, state: State):
    state["a"] = torch.ones(1)
    del state["layers.3.bias"]
    with pytest.raises(WeightsError, match="is missing; tensor 'a' is unknown"):
        convert(save(state), ID, tmp_path / "model.safetensors")


def test_settings_go_before_what_the_file_fixes(tmp_path: Path, save: Save, state: State):
    path = save(state)
    with pytest.raises(WeightsError, match=r"has shape \[3, 1, 3, 3\], not \[4, 1, 3, 3\]"):
        convert(path, ID, tmp_path / "m", settings={"width": 4})
    with pytest.raises(ConfigError, match="widht"):
        convert(path, ID, tmp_path / "m", settings={"widht": 4})


def test_who_knows_no_foreign_files(tmp_path: Path, save: Save, state: State):
    path = save(state)
    with pytest.raises(UsageError, match="knows no foreign checkpoints") as caught:
        convert(path, "mini-gan/wgan-lo", tmp_path / "m")
    assert ID in caught.value.remedy
    with pytest.raises(UsageError, match="no such layout: 'lsted'") as caught:
        convert(path, ID, tmp_path / "m", layout="lsted")
    assert "did you mean 'listed'" in caught.value.remedy
    with pytest.raises(UsageError, match="nothing to train"):
        convert(path, "mini-track/centroid", tmp_path / "m")


def test_a_layout_that_errs_is_the_plugins_fault(
    tmp_path: Path, save: Save, state: State, monkeypatch: pytest.MonkeyPatch
):
    path = save(state)
    monkeypatch.setattr(checkpoints, "listed", lambda *_: {}["nothing"])
    with pytest.raises(PluginError, match="KeyError"):
        convert(path, ID, tmp_path / "m")
    wrong = Conversion(
        names={"net/other": "layers.3.bias"}, made={"net/body.6.bias": np.zeros(2, np.float32)}
    )
    monkeypatch.setattr(checkpoints, "listed", lambda *_: wrong)
    with pytest.raises(WeightsError, match="the network has no 'net/other'"):
        convert(path, ID, tmp_path / "m")
