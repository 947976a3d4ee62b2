"""The order of numbers in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from zoo.engine.audit import require_equal
from zoo.engine.distributed import World
from zoo.engine.layout import are_dense, channels_innermost, laid_out
from zoo.engine.state import joined, separated
from zoo.errors import PluginError


def test_layouts() -> None:
    plain = torch.randn(4, 3, 2, 2)
    image = plain.to(memory_format=torch.channels_last)
    assert laid_out(plain, plain) is plain
    assert laid_out(plain, image).stride() == image.stride()
    assert torch.equal(laid_out(plain, image), plain)
    assert are_dense([plain, image, plain.permute(3, 1, 0, 2), torch.ones(())])
    assert not are_dense([plain, plain[:, ::2]])
    assert not are_dense([torch.ones(1).expand(3)])


def gradients(net: nn.Module, values: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(net(values).square().sum(), list(net.parameters())))


@pytest.mark.parametrize("rank", [2, 3])
def test_images_and_volumes(rank: int) -> None:
    kinds: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d)
    if rank == 3:
        kinds = (nn.Conv3d, nn.BatchNorm3d, nn.ConvTranspose3d)
    convolution, norm, transposed = kinds
    torch.manual_seed(0)
    net = nn.Sequential(
        convolution(2, 6, 3), norm(6), nn.ReLU(), convolution(6, 4, 1), transposed(4, 3, 2)
    )
    values = torch.randn(2, 2, *[6] * rank)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    expected = [net(values), *gradients(net, values)]
    net.load_state_dict(before)
    channels_innermost(net)
    form = torch.channels_last if rank == 2 else torch.channels_last_3d
    for number in (0, 3, 4):
        weight = net[number].weight
        assert weight.is_contiguous(memory_format=form)
        assert weight.stride(1) == 1
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    found = net(values)
    assert found.is_contiguous(memory_format=form)
    for one, other in zip([found, *gradients(net, values)], expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_only_convolutions_over_images_and_volumes_change() -> None:
    table = nn.Parameter(torch.randn(1, 4, 5, 5))  # positions, say
    line, dense = nn.Conv1d(2, 3, 3), nn.Linear(3, 3)
    net = nn.Module()
    net.table, net.line, net.dense = table, line, dense
    channels_innermost(net)
    assert all(parameter.is_contiguous() for parameter in net.parameters())


def test_what_a_weight_is_made_from_changes_too() -> None:
    net = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    before = net.weight.detach().clone()
    channels_innermost(net)
    original = net.get_parameter("parametrizations.weight.original1")
    assert original.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(net.weight.detach(), before)


def test_shared_weights_stay_shared() -> None:
    one, other = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)
    other.weight = one.weight
    channels_innermost(nn.Sequential(one, other))
    assert other.weight is one.weight
    assert one.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_checkpoint_holds_the_plain_order() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv3d(2, 2, 3))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    channels_innermost(net)
    value, tensors = separated(net.state_dict())
    for name, tensor in joined(value, tensors).items():
        assert tensor.is_contiguous()
        assert torch.equal(tensor, before[name])


def test_the_audit_compares_elements_in_whatever_order(ranks: Callable[..., list[int]]) -> None:
    def work(world: World) -> None:
        torch.manual_seed(0)
        values = [torch.randn(shape) for shape in [(4, 3, 2, 2), (4, 3, 1, 1), (1, 1, 1, 1)]]
        if world.rank:
            values = [value.to(memory_format=torch.channels_last) for value in values]
        require_equal(world, dict(zip("abc", values, strict=True)), "parameter")
        if world.rank:  # the same memory, other elements
            values[0] = values[0].permute(0, 2, 3, 1).reshape(4, 3, 2, 2)
        with pytest.raises(PluginError, match="'a'"):
            require_equal(world, dict(zip("abc", values, strict=True)), "parameter")

    assert ranks(2, work) == [0, 0]
