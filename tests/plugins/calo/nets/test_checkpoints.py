"""Checkpoints of Getting High: the converted generator against its layers in plain torch calls.

The layout is that of ``DCGAN_G`` in https://github.com/FLC-QU-hep/getting_high
(``WGAN/models/dcgan3D.py``), here with 1 in place of its 32 channels and 5 latent numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from zoo.artifacts.model_file import read_header
from zoo.contract.table import Table
from zoo.conversion import convert
from zoo.errors import WeightsError
from zoo.prediction import load

WIDTH, LATENT = 1, 5
SIZES = (8, 16, 32)


def state() -> dict[str, Tensor]:
    """A state dict with the names and shapes of ``DCGAN_G(ngf=1, nz=5)``."""
    draw = torch.Generator().manual_seed(2)

    def weight(*shape: int, scale: float = 0.3) -> Tensor:
        return scale * torch.randn(shape, generator=draw)

    held = {
        "conv1_1.weight": weight(1, 4 * WIDTH, 4, 4, 4),
        "conv1_100.weight": weight(LATENT, 4 * WIDTH, 4, 4, 4),
    }
    channels = (8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH)
    for number, size in enumerate(SIZES):
        name = f"main_conv.{3 * number}.weight"
        held[name] = weight(channels[number], channels[number + 1], 4, 4, 4)
        held[f"main_conv.{3 * number + 1}.weight"] = 1 + weight(size, size, size)
        held[f"main_conv.{3 * number + 1}.bias"] = weight(size, size, size)
    held["main_conv.9.weight"] = weight(WIDTH, 1, 3, 3, 3)
    return held


def showers(held: dict[str, Tensor], latent: Tensor, energy: Tensor) -> Tensor:
    """``DCGAN_G.forward``: (N, 30, 30, 30) of latent (N, 5, 1, 1, 1) and energy (N, 1, 1, 1, 1)."""
    x = torch.cat(
        [
            functional.conv_transpose3d(energy, held["conv1_1.weight"]),
            functional.conv_transpose3d(latent, held["conv1_100.weight"]),
        ],
        1,
    )
    for number, size in enumerate(SIZES):
        x = functional.conv_transpose3d(x, held[f"main_conv.{3 * number}.weight"], None, 2, 1)
        norm = [held[f"main_conv.{3 * number + 1}.{kind}"] for kind in ("weight", "bias")]
        x = functional.layer_norm(x, [size] * 3, *norm).relu()
    return functional.conv_transpose3d(x, held["main_conv.9.weight"], None, 1, 2).relu()[:, 0]


def saved(tmp_path: Path, held: object) -> Path:
    path = tmp_path / "netG_itrs_1.pth"
    torch.save(held, path)
    return path


@pytest.mark.usefixtures("plugin")
def test_it_makes_their_showers(tmp_path: Path):
    held = state()
    wrapped = {f"module.{name}": tensor for name, tensor in held.items()}  # of wGAN_DDP.py
    out = tmp_path / "model.safetensors"
    told = convert(saved(tmp_path, wrapped), "calo/wgan", out)
    assert told.built == ("constrainer", "critic")
    assert read_header(out)["facts"]["grid"]["name"] == "ild-ecal"
    predictor: Any = load(out)
    samples = Table(
        {"id": np.arange(3, dtype=np.uint64), "energy": np.array([10, 50, 99.0], np.float32)}
    )
    batch = predictor.codec.encode(samples)
    expected = showers(held, *(torch.from_numpy(batch.inputs[n]) for n in ("latent", "energy")))
    assert 0.1 < (expected > 0).float().mean() < 0.9
    found = predictor.outputs(batch)["deposits"].reshape(3, 30, 30, 30)  # layer, x, y
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"main_conv.4.bias": None}, "tensor 'main_conv.4.bias' is missing"),
        ({"main_conv.12.weight": torch.zeros(2)}, "tensor 'main_conv.12.weight' is unknown"),
        (
            {"main_conv.1.weight": torch.ones(8, 8, 7)},
            r"'main_conv.1.weight' has shape \[8, 8, 7\], not \[8, 8, 8\]",
        ),
        ({"conv1_100.weight": None}, "tensor 'conv1_100.weight' is missing"),
        ({"conv1_100.weight": torch.ones(5)}, r"'conv1_100.weight' has shape \[5\], not 5 dims"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict[str, Any], said: str):
    held = {name: tensor for name, tensor in {**state(), **change}.items() if tensor is not None}
    with pytest.raises(WeightsError, match=said):
        convert(saved(tmp_path, held), "calo/wgan", tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()
