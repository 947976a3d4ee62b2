from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.models.lite_unet import LiteUNet, networks


def small(channels: int = 2, widths: tuple[int, ...] = (4, 8, 8, 8, 8)) -> LiteUNet:
    torch.manual_seed(1)
    return LiteUNet(channels, widths).eval()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 64), (81, 61), (100, 90), (32, 33)])
def test_any_size_goes_in_and_comes_out(size: tuple[int, int]) -> None:
    net = small()
    with torch.no_grad():
        assert net(torch.randn(2, 2, *size)).shape == (2, 1, *size)


def test_parameters_are_those_counted_by_hand() -> None:
    # Widths 4 and 8, 3 channels. Normalisation has 2 per channel, only the head has a bias.
    stem = 3 * 4 * 4 + 8
    dense = 2 * (4 * 4 * 9 + 8)  # two 3 x 3 on 4 channels
    separable = 4 * 15 + 8 + 4 * 4 + 8  # 3 x 5 depthwise on 4 channels, then 4 to 4
    # 3 x 5 depthwise, then to as many channels as below; there again
    down = (4 * 15 + 8 + 4 * 8 + 16) + (8 * 15 + 16 + 8 * 8 + 16)
    up = (8 * 4 + 8) + (4 * 4 + 8)  # from below, from the skip
    head = 4 * 4 + 4
    for levels, mixing in ((0, separable), (1, dense), (2, dense)):
        net = LiteUNet(3, (4, 8), levels)  # mixed before going down, and after their sum
        assert sum(p.numel() for p in net.parameters()) == stem + down + up + head + 2 * mixing


@pytest.mark.parametrize("channels", [3, 6])
def test_the_default_network_is_small_and_cheap(channels: int) -> None:
    names = ("loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss")[:channels]
    config = LiteUNetConfig.model_validate({"inputs": names})
    with torch.device("meta"):
        net = networks(config, {})["net"].eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.empty(1, channels, 800, 600))
    # The U-Net of the talk has 13.4 M and 229.5 GMAC (reference, section 3): 1 / 25 of each.
    assert 0.4e6 < sum(p.numel() for p in net.parameters()) < 0.6e6
    assert counter.get_total_flops() / 2 < 229.5e9 / 25


def test_no_kernel_but_a_point_runs_at_full_resolution() -> None:
    net = small()
    seen = []

    def record(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1):
            seen.append(output.shape[2:].numel())

    for module in net.modules():
        module.register_forward_hook(record)
    with torch.no_grad():
        net(torch.randn(1, 2, 64, 64))
    assert len(seen) == 17  # the stem, 6 dense and 10 depthwise convolutions
    assert max(seen) <= 33 * 33  # (64 + 2) / 2


@pytest.mark.parametrize(("axis", "distance"), [(2, 60), (3, 120)])
def test_it_sees_far_and_farther_in_time(axis: int, distance: int) -> None:
    net = small().double()
    for parameter in net.parameters():  # all paths open: no negative weight can close a ReLU
        parameter.data.abs_()
    image = torch.ones(1, 2, 301, 301, dtype=torch.float64, requires_grad=True)
    net(image)[0, 0, 150, 150].backward()
    assert image.grad is not None
    reach = image.grad.abs().sum(dim=(0, 1, 5 - axis)).nonzero().flatten()
    assert reach.min() < 150 - distance
    assert reach.max() > 150 + distance


def test_a_chunk_of_wires_gives_what_the_whole_plane_gives() -> None:
    # Wire-Cell's nchunks; normalisation by plane (GroupNorm) would fail here.
    net = small(widths=(4, 4, 4))
    image = torch.randn(1, 2, 160, 64)
    with torch.no_grad():
        whole, chunk = net(image), net(image[:, :, :128])
    torch.testing.assert_close(chunk[:, :, :64], whole[:, :, :64])


def test_inputs_of_the_config_set_the_channels() -> None:
    config = LiteUNetConfig.model_validate({"inputs": ("loose_lf", "gauss"), "widths": (4, 4)})
    nets = networks(config, {})
    assert list(nets) == ["net"]
    assert nets["net"](torch.zeros(2, 2, 8, 8)).shape == (2, 1, 8, 8)
