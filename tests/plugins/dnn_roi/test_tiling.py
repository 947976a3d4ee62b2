"""A plane in parts gives the same answer, in less memory."""

from __future__ import annotations

import pytest
import torch

from zoo.api import UsageError
from zoo_dnn_roi.models.lite_unet import LiteUNet
from zoo_dnn_roi.tiling import Tiled


def open_net(widths: tuple[int, ...]) -> LiteUNet:
    """In float64 and without negative weights, so that every path from input to answer counts."""
    torch.manual_seed(2)
    net = LiteUNet(2, widths).double().eval()
    for parameter in net.parameters():
        parameter.data.abs_()
    return net


@pytest.mark.parametrize("widths", [(4, 4), (4, 4, 4), (4, 8, 8, 8, 8)])
def test_the_declared_reach_is_the_true_one(widths: tuple[int, ...]) -> None:
    net = open_net(widths)
    centre = 320
    image = torch.ones(1, 2, 2 * centre + 1, 4, dtype=torch.float64, requires_grad=True)
    seen = []
    for wire in range(centre, centre + net.stride):
        (gradient,) = torch.autograd.grad(net(image)[0, 0, wire, 2], image)
        read = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
        seen += [int(wire - read.min()), int(read.max() - wire)]
    assert max(seen) <= net.reach <= max(seen) + 2


@pytest.mark.parametrize("tiles", [2, 3, 5])
@pytest.mark.parametrize("wires", [800, 476, 333, 81, 32, 31, 1])
def test_parts_give_the_answer_of_the_whole(tiles: int, wires: int) -> None:
    net = open_net((4, 4, 4))
    image = torch.randn(2, 2, wires, 11, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(Tiled(net, tiles)(image), net(image), rtol=1e-12, atol=0)


def test_a_halo_that_is_too_small_would_show() -> None:
    net = open_net((4, 4, 4))
    tiled = Tiled(net, 2)
    tiled.halo = net.stride
    image = torch.randn(1, 2, 333, 11, dtype=torch.float64)
    with torch.no_grad():
        assert (tiled(image) - net(image)).abs().max() > 1e-6


def test_torch_export_is_refused_with_a_remedy() -> None:
    tiled = Tiled(LiteUNet(2, (4, 4)).eval(), 2)
    with pytest.raises(UsageError, match="TorchScript"):
        torch.export.export(tiled, (torch.randn(1, 2, 64, 32),), strict=False)
