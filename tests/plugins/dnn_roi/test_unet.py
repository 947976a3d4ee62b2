"""The U-Nets of the talk: published layouts load and answer as they did; parts change nothing."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Codec, UsageError
from zoo.engine.counting import multiply_adds
from zoo_dnn_roi import tiling
from zoo_dnn_roi.config import RoiConfig, TransformerUNetConfig, UNetConfig
from zoo_dnn_roi.deploy import RoiDeploy
from zoo_dnn_roi.models import transformer_unet, unet
from zoo_dnn_roi.models.transformer_unet import TransformerUNet, position_code
from zoo_dnn_roi.models.unet import UNet


class Double(nn.Module):
    """Two convolutions, under the published names; so are all modules here.

    Names and layers are those of the description of the public code and of the code it descends
    from (module docstrings of the networks).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]  # Sequential


class Under(nn.Module):
    """One module as ``conv`` or ``mpconv`` of another."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        ((self.name, part),) = parts.items()
        self.add_module(self.name, part)

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, self.name)(x)  # type: ignore[no-any-return]  # a module


class Published(nn.Module):
    """The U-Net at full size in one piece, with or without blocks at the deepest level."""

    def __init__(self, channels: int, *, blocks: bool) -> None:
        super().__init__()
        first = Double(channels, 64)
        self.inc: nn.Module = first if blocks else Under(conv=first)
        widths = (64, 128, 256, 512, 512)
        for level in range(1, 5):
            down = nn.Sequential(nn.MaxPool2d(2), Double(widths[level - 1], widths[level]))
            self.add_module(f"down{level}", Under(mpconv=down))
        for level, (inputs, outputs) in enumerate(
            [(1024, 256), (512, 128), (256, 64), (128, 64)], start=1
        ):
            self.add_module(f"up{level}", Under(conv=Double(inputs, outputs)))
        self.outc = Under(conv=nn.Conv2d(64, 1, 1))
        if blocks:
            self.blocks = nn.ModuleList(Block() for _ in range(4))

    def forward(self, image: Tensor) -> Tensor:
        """Probability."""
        levels = [self.inc(image)]
        for level in range(1, 5):
            levels.append(getattr(self, f"down{level}")(levels[-1]))
        x = levels.pop()
        if hasattr(self, "blocks"):
            x = self.mixed(x)
        for level in range(1, 5):
            skip = levels.pop()
            x = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(x)
            rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            x = functional.pad(x, (0, columns, 0, rows))
            x = getattr(self, f"up{level}")(torch.cat([skip, x], 1))
        return torch.sigmoid(self.outc(x))

    def mixed(self, x: Tensor) -> Tensor:
        """Position code number by number, then the blocks."""
        x = x.clone()
        for channel in range(512):
            axis, kind, index = channel // 256, channel // 128 % 2, channel % 128
            position = np.arange(x.shape[2 + axis]) * 10_000 ** (-index / 128)
            wave = torch.from_numpy((np.cos if kind else np.sin)(position)).float()
            x[:, channel] += wave if axis else wave[:, None]
        tokens = x.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.transpose(1, 2).reshape(x.shape)


class Block(nn.Module):
    """The transformer block, with torch's own attention."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(512), nn.LayerNorm(512)
        self.attn = nn.MultiheadAttention(512, 8, batch_first=True)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(512, 2048), "fc2": nn.Linear(2048, 512)})

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn(y, y, y)[0]  # with the matrix of all pairs
        hidden = functional.gelu(self.mlp["fc1"](self.norm2(x)))
        return x + self.mlp["fc2"](hidden)  # type: ignore[no-any-return]  # a module


BOTH = [(UNet, False), (TransformerUNet, True)]


def lively(net: nn.Module) -> nn.Module:
    """In evaluation mode, with normalisation that does something and an answer that varies."""
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]  # never None here
            nn.init.uniform_(module.running_var, 0.1, 0.3)  # type: ignore[arg-type]  # likewise
            nn.init.uniform_(module.weight, 0.5, 1.5)
        if name == "outc.conv":
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # a convolution
    return net.eval()


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture(scope="module", params=[UNet, TransformerUNet])
def net(request: pytest.FixtureRequest) -> UNet:
    torch.manual_seed(5)
    made: UNet = request.param(2)
    lively(made)
    return made


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.mark.parametrize(("kind", "blocks"), BOTH)
def test_published_parameters_load_and_answer_alike(kind: type[UNet], blocks: bool) -> None:
    torch.manual_seed(3)
    published = lively(Published(3, blocks=blocks))
    ours = kind(3).eval()
    ours.load_state_dict(published.state_dict())
    for size in [(48, 32), (41, 57), (16, 31)]:
        image = torch.randn(2, 3, *size)
        expected = published(image)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(image).sigmoid(), expected, atol=2e-6, rtol=0)


def test_parameters_are_those_of_the_reference() -> None:
    # By hand: 9 in out weights, out biases and 2 out of the normalisation, twice a level.
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)]
    pairs += [(1024, 256), (512, 128), (256, 64), (128, 64)]
    count = sum(9 * out * (given + out) + 6 * out for given, out in pairs) + 64 + 1
    # A block: attention 4 (512^2 + 512), perceptron, two normalisations of 2 x 512.
    block = 4 * (512**2 + 512) + (512 * 2048 + 2048) + (2048 * 512 + 512) + 4 * 512
    assert parameters(UNet(3)) == count == 13_395_329
    assert parameters(TransformerUNet(3)) == count + 4 * block == 26_004_865
    # Reference, section 3: 13.395 and 26.005 million.
    assert (round(count / 1e6, 3), round((count + 4 * block) / 1e6, 3)) == (13.395, 26.005)
    assert parameters(UNet(6)) == count + 3 * 9 * 64


@pytest.mark.parametrize(
    ("module", "config", "expected"),
    # Reference, section 3, at 800 x 608.
    [(unet, UNetConfig(), 229.5), (transformer_unet, TransformerUNetConfig(), 268.2)],
)
def test_cost_is_that_of_the_reference(module: Any, config: RoiConfig, expected: float) -> None:
    with torch.device("meta"):
        net = module.networks(config, {})["net"].eval()
        counted = multiply_adds(lambda: net(torch.empty(1, 3, 800, 608)))
    assert counted / 1e9 == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("size", [(800, 600), (800, 1500), (476, 640), (1148, 1499)])
@pytest.mark.parametrize("kind", [UNet, TransformerUNet])
def test_planes_of_real_detectors_keep_their_size(kind: type[UNet], size: tuple[int, int]) -> None:
    with torch.device("meta"):
        assert kind(6).eval()(torch.empty(1, 6, *size)).shape == (1, 1, *size)


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (31, 16)])
def test_any_size_goes(net: UNet, size: tuple[int, int]) -> None:
    answer = net(torch.randn(2, 2, *size))
    assert answer.shape == (2, 1, *size)
    assert answer.isfinite().all()


def test_gradients_reach_all_parameters(net: UNet) -> None:
    made = copy.deepcopy(net)  # in evaluation mode, where normalisation hides no bias
    with torch.enable_grad():
        made(torch.randn(1, 2, 32, 33)).square().sum().backward()
    assert [n for n, p in made.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_position_code_is_that_of_attention_is_all_you_need() -> None:
    # Section 3.5: sin and cos of position / 10000^(2 i / d), here with d = 256 for each axis.
    code = position_code(40, 256, torch.device("cpu"))
    assert code.shape == (256, 40)
    for channel, position in [(0, 7), (5, 39), (127, 20)]:
        angle = position / 10_000 ** (2 * channel / 256)
        assert code[channel, position] == pytest.approx(np.sin(angle), abs=1e-5)
        assert code[128 + channel, position] == pytest.approx(np.cos(angle), abs=1e-5)


def test_positions_matter() -> None:
    """Without a code, tokens could change places: upside down would give the same upside down."""
    torch.manual_seed(1)
    made = TransformerUNet(1).eval()
    tokens = torch.randn(1, 512, 4, 3)
    answer = made._deepest(tokens)
    assert (made._deepest(tokens.flip(2)).flip(2) - answer).abs().max() > 0.1


@pytest.mark.parametrize("tiles", [2, 5, 8])
@pytest.mark.parametrize("wires", [96, 81, 33, 3])
def test_parts_give_the_answer_of_the_whole(net: UNet, tiles: int, wires: int) -> None:
    image = torch.randn(2, 2, wires, 19)
    cut = copy.deepcopy(net)
    cut.tiles = tiles
    torch.testing.assert_close(cut(image), net(image), rtol=0, atol=2e-6)


def test_parts_without_a_halo_would_show(net: UNet, monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(1, 2, 96, 19)
    cut = copy.deepcopy(net)
    cut.tiles = 2
    monkeypatch.setattr(tiling, "_HALO", 0)
    wrong = (cut(image) - net(image)).abs().amax((0, 1, 3)) > 1e-4
    assert wrong[46:50].all()  # wire 48 begins the second part, two convolutions reach two wires


def test_each_level_is_cut_half_as_often(net: UNet) -> None:
    cut = copy.deepcopy(net)
    cut.tiles = 8
    heights: dict[str, list[int]] = {}
    for name, module in cut.named_modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(
                lambda _m, _i, y, name=name: heights.setdefault(name, []).append(y.shape[2])
            )
    cut(torch.randn(1, 2, 160, 16))
    # 20 wires and 2 or 4 of the neighbours at every level; the two deepest in one piece.
    parts = {name.split(".")[0]: rows for name, rows in heights.items() if name.endswith(".0")}
    assert parts["up4"] == [22, *[24] * 6, 22]
    assert parts["inc"] == parts["up4"]
    assert parts["up3"] == parts["down1"] == [22, 24, 24, 22]
    assert parts["up2"] == parts["down2"] == [22, 22]
    assert (parts["down3"], parts["up1"], parts["down4"]) == ([20], [20], [10])


def deployed(net: UNet, **settings: Any) -> nn.Module:
    config = UNetConfig.model_validate({"inputs": ("loose_lf", "mp2"), **settings})
    return RoiDeploy(config, {}).module({"net": net}, Codec(config, {}, {}))


@pytest.mark.parametrize("tiles", [1, 4])
def test_a_trace_of_one_size_takes_every_size(net: UNet, tiles: int) -> None:
    whole, module = deployed(net), deployed(net, tiles=tiles)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    trace: Any = torch.jit.trace
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`?torch\.jit\.")
        traced = trace(module, (torch.randn(2, 2, 81, 61),), check_trace=False)
        for size in [(64, 48), (33, 64), (50, 75), (7, 5)]:
            image = torch.randn(1, 2, *size)
            answer = traced(image)
            assert answer.is_contiguous()
            torch.testing.assert_close(answer, net(image).sigmoid(), atol=2e-6, rtol=0)
            torch.testing.assert_close(answer, whole(image), atol=2e-6, rtol=0)


def test_an_exported_program_of_one_size_takes_every_size(net: UNet) -> None:
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    program = torch.export.export(
        deployed(net), (torch.randn(2, 2, 81, 61),), dynamic_shapes=(free,), strict=False
    ).module()
    for size in [(64, 48), (33, 64), (50, 75)]:
        image = torch.randn(1, 2, *size)
        torch.testing.assert_close(program(image), net(image).sigmoid(), atol=2e-6, rtol=0)


MEMORY = """
import sys, torch
from zoo import memory
from zoo_dnn_roi.models.unet import UNet

torch.set_num_threads(1)
torch.backends.mkldnn.enabled = False  # as in the LibTorch of Wire-Cell's releases
net = UNet(3).eval()
net.tiles = int(sys.argv[1])
before = memory.high_water()
with torch.no_grad():
    net(torch.randn(1, 3, 400, 304))
print((memory.high_water() - before) / 2**20)
"""


@pytest.mark.slow
def test_parts_need_less_memory() -> None:
    def added(tiles: int) -> float:
        command = [sys.executable, "-c", MEMORY, str(tiles)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    # In one piece, the copies of the last level's input alone: 128 channels x 9, in MiB.
    whole = 128 * 9 * 400 * 304 * 4 / 2**20
    assert added(1) > whole
    assert added(8) < whole / 2


def test_parts_are_for_torchscript(net: UNet) -> None:
    cut = copy.deepcopy(net)
    cut.tiles = 2
    with pytest.raises(UsageError, match="TorchScript"):
        torch.export.export(cut, (torch.randn(1, 2, 64, 32),), strict=False)
