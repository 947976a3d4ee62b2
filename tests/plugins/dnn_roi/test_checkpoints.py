"""Checkpoints of the Pytorch-UNet family: converted networks against plain torch calls.

The layouts are those of https://github.com/lastgeorge/Pytorch-UNet: ``unet`` (see
``zoo_dnn_roi.models.unet`` for what is known of its names), ``transformer``, ``mobilenetv2`` and
``mobilenetv3``. Encoders of the last two are torchvision's there and here.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2, mobilenet_v3_large

from zoo.conversion import convert
from zoo.errors import WeightsError
from zoo.prediction import load

WIRES, BINS = 32, 48
State = dict[str, Tensor]


class Drawing:
    """Tensors of a state dict, drawn so that no layer dies."""

    def __init__(self) -> None:
        self.draw = torch.Generator().manual_seed(5)
        self.state: State = {}

    def weight(self, name: str, *shape: int) -> None:
        fan = math.prod(shape[1:])
        self.state[name] = torch.randn(shape, generator=self.draw) * (2 / fan) ** 0.5

    def vector(self, name: str, size: int, middle: float = 0.0) -> None:
        self.state[name] = middle + 0.2 * torch.rand(size, generator=self.draw)

    def double(self, name: str, inputs: int, outputs: int) -> None:
        """``double_conv``: convolution, normalisation, ReLU, twice."""
        for at, width in ((0, inputs), (3, outputs)):
            self.weight(f"{name}.{at}.weight", outputs, width, 3, 3)
            self.vector(f"{name}.{at}.bias", outputs)
            for kind, middle in (("weight", 1), ("bias", 0), ("running_mean", 0)):
                self.vector(f"{name}.{at + 1}.{kind}", outputs, middle)
            self.vector(f"{name}.{at + 1}.running_var", outputs, 1)
            self.state[f"{name}.{at + 1}.num_batches_tracked"] = torch.tensor(9)


def unet_state(first: str = "inc.conv.conv") -> Drawing:
    made = Drawing()
    made.double(first, 3, 64)
    for number, widths in enumerate(((64, 128), (128, 256), (256, 512), (512, 512)), 1):
        made.double(f"down{number}.mpconv.1.conv", *widths)
    for number, widths in enumerate(((1024, 256), (512, 128), (256, 64), (128, 64)), 1):
        made.double(f"up{number}.conv.conv", *widths)
    made.weight("outc.conv.weight", 1, 64, 1, 1)
    made.vector("outc.conv.bias", 1)
    return made


def double(state: State, name: str, x: Tensor) -> Tensor:
    for at in (0, 3):
        x = functional.conv2d(
            x, state[f"{name}.{at}.weight"], state[f"{name}.{at}.bias"], padding=1
        )
        norm = f"{name}.{at + 1}"
        running = (state[f"{norm}.running_mean"], state[f"{norm}.running_var"])
        x = functional.batch_norm(
            x, *running, state[f"{norm}.weight"], state[f"{norm}.bias"]
        ).relu()
    return x


def unet(state: State, image: Tensor, first: str = "inc.conv.conv", deepest: Any = None) -> Tensor:
    skips = [double(state, first, image)]
    for number in range(1, 5):
        pooled = functional.max_pool2d(skips[-1], 2)
        skips.append(double(state, f"down{number}.mpconv.1.conv", pooled))
    x = skips.pop()
    x = deepest(x) if deepest else x
    for number in range(1, 5):
        wider = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = double(state, f"up{number}.conv.conv", torch.cat([skips.pop(), wider], 1))
    return functional.conv2d(x, state["outc.conv.weight"], state["outc.conv.bias"]).sigmoid()


def transformer_state() -> Drawing:
    made = unet_state("inc.conv")
    for number in range(4):
        name = f"blocks.{number}"
        for norm in ("norm1", "norm2"):
            made.vector(f"{name}.{norm}.weight", 512, 1)
            made.vector(f"{name}.{norm}.bias", 512)
        shapes = {"attn.in_proj_": (1536, 512), "attn.out_proj.": (512, 512)}
        shapes |= {"mlp.fc1.": (2048, 512), "mlp.fc2.": (512, 2048)}
        for layer, shape in shapes.items():
            made.weight(f"{name}.{layer}weight", *shape)
            made.vector(f"{name}.{layer}bias", shape[0])
    return made


def transformer_unet(state: State, image: Tensor) -> Tensor:
    return unet(state, image, "inc.conv", lambda x: _blocks(state, x))


def _blocks(state: State, x: Tensor) -> Tensor:
    """``PositionalEncoding2D`` and four ``TransformerBlock``."""
    channels, (wires, bins) = x.shape[1], x.shape[2:]
    quarter = channels // 4
    frequency = torch.exp(torch.arange(quarter) * (-math.log(10000.0) / quarter))
    along, across = (torch.arange(n)[:, None] * frequency for n in (wires, bins))  # (n, quarter)
    code = torch.zeros_like(x)
    for part, (phase, wave) in enumerate(
        ((along, torch.sin), (along, torch.cos), (across, torch.sin), (across, torch.cos))
    ):
        values = wave(phase).T
        place = values[:, :, None] if part < 2 else values[:, None]
        code[:, part * quarter : (part + 1) * quarter] = place
    tokens = (x + code).flatten(2).transpose(1, 2)
    for number in range(4):
        held = {n.removeprefix(f"blocks.{number}."): t for n, t in state.items()}
        attention = nn.MultiheadAttention(512, 8, batch_first=True).eval()
        attention.load_state_dict(
            {n.removeprefix("attn."): t for n, t in held.items() if n.startswith("attn.")}
        )
        seen = functional.layer_norm(tokens, (512,), held["norm1.weight"], held["norm1.bias"])
        tokens = tokens + attention(seen, seen, seen, need_weights=False)[0]
        seen = functional.layer_norm(tokens, (512,), held["norm2.weight"], held["norm2.bias"])
        hidden = functional.linear(seen, held["mlp.fc1.weight"], held["mlp.fc1.bias"])
        hidden = functional.gelu(hidden)
        tokens = tokens + functional.linear(hidden, held["mlp.fc2.weight"], held["mlp.fc2.bias"])
    return tokens.transpose(1, 2).reshape(x.shape)


def _encoder(made: Drawing, encoder: nn.Module) -> None:
    """torchvision's features under ``encoder.``, drawn anew."""
    for name, tensor in encoder.state_dict().items():
        if tensor.ndim > 1:
            made.weight(f"encoder.{name}", *tensor.shape)
        elif tensor.ndim == 1:
            one = name.endswith(("running_var", ".1.weight", ".weight"))
            made.vector(f"encoder.{name}", len(tensor), 0.9 if one else -0.1)
        else:
            made.state[f"encoder.{name}"] = torch.tensor(9)


def mobilenetv2_state() -> Drawing:
    made = Drawing()
    _encoder(made, mobilenet_v2(weights=None).features)
    for name, shape in {
        "input_proj": (3, 3, 1, 1),
        "conv1.0": (256, 512, 3, 3),
        "conv1.2": (256, 256, 3, 3),
        "conv2.0": (64, 128, 3, 3),
        "conv2.2": (64, 64, 3, 3),
        "final": (1, 64, 1, 1),
    }.items():
        made.weight(f"{name}.weight", *shape)
        made.vector(f"{name}.bias", shape[0])
    for name, inputs, outputs in (("up1", 1280, 512), ("up2", 256, 128)):
        made.weight(f"{name}.weight", inputs, outputs, 2, 2)
        made.vector(f"{name}.bias", outputs)
    return made


def mobilenetv2_unet(state: State, image: Tensor) -> Tensor:
    encoder = mobilenet_v2(weights=None).features.eval()
    encoder.load_state_dict(_below(state, "encoder."))

    def layer(call: Any, name: str, x: Tensor, **how: int) -> Tensor:
        return call(x, state[f"{name}.weight"], state[f"{name}.bias"], **how)  # type: ignore[no-any-return]  # functional

    x = encoder(layer(functional.conv2d, "input_proj", image))
    for number in (1, 2):
        x = layer(functional.conv_transpose2d, f"up{number}", x, stride=2)
        for at in (0, 2):
            x = layer(functional.conv2d, f"conv{number}.{at}", x, padding=1).relu()
    x = functional.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False)
    return layer(functional.conv2d, "final", x).sigmoid()


def mobilenetv3_state() -> Drawing:
    made = Drawing()
    _encoder(made, mobilenet_v3_large(weights=None).features)
    made.weight("input_proj.weight", 3, 3, 1, 1)
    made.vector("input_proj.bias", 3)
    widths = ((160, 80, 256), (256, 40, 128), (128, 24, 64), (64, 16, 64))
    for number, (inputs, skip, outputs) in enumerate(widths, 1):
        made.weight(f"up{number}.up.weight", inputs, outputs, 2, 2)
        made.vector(f"up{number}.up.bias", outputs)
        for part, width in ((0, outputs + skip), (1, outputs)):
            name = f"up{number}.conv.{part}"
            made.weight(f"{name}.0.weight", outputs, width, 3, 3)
            for kind, middle in (("weight", 1), ("bias", 0), ("running_mean", 0)):
                made.vector(f"{name}.1.{kind}", outputs, middle)
            made.vector(f"{name}.1.running_var", outputs, 1)
            made.state[f"{name}.1.num_batches_tracked"] = torch.tensor(9)
    made.weight("head.weight", 1, 64, 1, 1)
    made.vector("head.bias", 1)
    return made


def mobilenetv3_unet(state: State, image: Tensor) -> Tensor:
    encoder = mobilenet_v3_large(weights=None).features.eval()
    encoder.load_state_dict(_below(state, "encoder."))
    x = functional.conv2d(image, state["input_proj.weight"], state["input_proj.bias"])
    taps = []
    for block in encoder:
        before, x = x.shape[2], block(x)
        if x.shape[2] != before:  # those at which the size changes
            taps.append(x)
    x = taps.pop()
    for number in range(1, 5):
        held = _below(state, f"up{number}.")
        x = functional.conv_transpose2d(x, held["up.weight"], held["up.bias"], stride=2)
        skip = taps.pop()
        if x.shape[2:] != skip.shape[2:]:
            x = functional.interpolate(x, skip.shape[2:], mode="bilinear", align_corners=False)
        x = torch.cat([skip, x], 1)
        for part in (0, 1):
            conv = _below(held, f"conv.{part}.")
            x = functional.conv2d(x, conv["0.weight"], padding=1)
            running = (conv["1.running_mean"], conv["1.running_var"])
            x = functional.batch_norm(x, *running, conv["1.weight"], conv["1.bias"]).relu()
    x = functional.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False)
    return functional.conv2d(x, state["head.weight"], state["head.bias"]).sigmoid()


def _below(state: State, prefix: str) -> State:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def saved(tmp_path: Path, state: object) -> Path:
    path = tmp_path / "CP50.pth"
    torch.save(state, path)
    return path


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("model", "made", "forward"),
    [
        ("unet", unet_state, unet),
        ("transformer-unet", transformer_state, transformer_unet),
        ("mobilenetv2-unet", mobilenetv2_state, mobilenetv2_unet),
        ("mobilenetv3-unet", mobilenetv3_state, mobilenetv3_unet),
    ],
)
@torch.no_grad()
def test_it_answers_as_theirs(tmp_path: Path, model: str, made: Any, forward: Any):
    state, out = made().state, tmp_path / "model.safetensors"
    told = convert(saved(tmp_path, state), f"dnn-roi/{model}", out)
    assert told.dropped == tuple(
        sorted(n for n in state if model == "mobilenetv3-unet" and _is_unused(n))
    )
    assert told.config["inputs"] == ("loose_lf", "mp2", "mp3")
    net = load(out).networks["net"].eval()  # type: ignore[attr-defined]  # a network predictor
    image = torch.randn(1, 3, WIRES, BINS, generator=torch.Generator().manual_seed(1))
    expected = forward(state, image)
    assert expected.std() > 1e-4
    torch.testing.assert_close(net(image).sigmoid(), expected, rtol=1e-4, atol=1e-5)


def _is_unused(name: str) -> bool:
    return name.startswith(("encoder.14.", "encoder.15.", "encoder.16."))


@pytest.mark.usefixtures("plugin")
def test_another_network_of_the_family_is_refused(tmp_path: Path):
    state = {"input_proj.weight": torch.zeros(3, 6, 1, 1), "encoder.0.0.weight": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"'net/up4\.conv\.\S+' gets nothing|gets nothing"):
        convert(saved(tmp_path, state), "dnn-roi/mobilenetv3-unet", tmp_path / "m.safetensors")


@pytest.mark.usefixtures("plugin")
def test_six_images_are_those_of_the_production(tmp_path: Path):
    made = Drawing()
    made.state = mobilenetv2_state().state
    made.weight("input_proj.weight", 3, 6, 1, 1)
    out = tmp_path / "model.safetensors"
    told = convert(
        saved(tmp_path, made.state), "dnn-roi/mobilenetv2-unet", out, settings={"threshold": 0.3}
    )
    assert told.config["rebin"] == 4
    predictor: Any = load(out)
    assert predictor.codec.threshold == pytest.approx(0.3)
    assert np.isclose(predictor.codec.config.scale, 4000)
