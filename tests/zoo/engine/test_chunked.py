"""``chunked`` against plain autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.engine.chunked import chunked
from zoo.errors import PluginError


def network(width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))


def coupled(output: Tensor) -> Tensor:
    """A loss in which every row depends on every other."""
    return -(output[:, 0].log_softmax(0) * output[:, 1].sigmoid()).sum()


@pytest.mark.parametrize("chunk", [1, 3, 10, 64])
def test_gradients_of_a_coupled_loss(chunk: int) -> None:
    net = network().double()
    rows = torch.randn(10, 3, dtype=torch.float64, requires_grad=True)
    wanted = [rows, *net.parameters()]
    plain = torch.autograd.grad(coupled(net(rows)), wanted)
    ours = torch.autograd.grad(coupled(chunked(net, net, rows, chunk)), wanted)
    for mine, reference in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_chunk_has_the_gradients_of_no_chunk_to_the_last_bit(dtype: torch.dtype) -> None:
    net, rows = network().to(dtype), torch.randn(10, 3).to(dtype).requires_grad_()
    wanted, arriving = [rows, *net.parameters()], torch.randn(10, 2).to(dtype)
    plain = torch.autograd.grad(net(rows), wanted, arriving)
    ours = torch.autograd.grad(chunked(net, net, rows, 10), wanted, arriving)
    assert all(torch.equal(mine, reference) for mine, reference in zip(ours, plain, strict=True))


def test_gradcheck_in_float64() -> None:
    net = network(4).double()
    rows = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)

    def function(rows: Tensor, *parameters: Tensor) -> Tensor:
        return coupled(chunked(net, net, rows, 2))

    assert torch.autograd.gradcheck(function, (rows, *net.parameters()))


def test_the_memory_of_the_graph_is_that_of_one_chunk() -> None:
    net, rows = network(64), torch.randn(1000, 3)

    def kept(make: Callable[[], Tensor]) -> tuple[int, int]:
        """Bytes saved for the backward by the forward, and at most at once in the backward."""
        held, peak = 0, 0

        class Saved:
            def __init__(self, tensor: Tensor) -> None:
                nonlocal held, peak
                self.tensor = tensor
                held += tensor.nbytes
                peak = max(peak, held)

            def __del__(self) -> None:
                nonlocal held
                held -= self.tensor.nbytes

        with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
            output = make()
            forward, peak = held, 0
            output.sum().backward()  # type: ignore[no-untyped-call]  # torch's own lack
        return forward, peak

    plain, _ = kept(lambda: net(rows))
    forward, backward = kept(lambda: chunked(net, net, rows, 50))
    # Plain: at least the 1000 x 64 activations. Chunked: rows and parameters, 50 rows at a time.
    assert plain >= 1000 * 64 * 4
    assert forward <= rows.nbytes + 4 * (3 * 64 + 64 + 64 * 2 + 2)
    assert backward <= plain / 8


def test_rows_that_need_no_gradient_and_none_at_all() -> None:
    net = network()
    index = torch.arange(6)
    table = nn.Embedding(6, 3)
    whole = nn.ModuleDict({"table": table, "net": net})
    output = chunked(lambda rows: net(table(rows)), whole, index, 4)
    output.sum().backward()  # type: ignore[no-untyped-call]  # torch's own lack
    assert table.weight.grad is not None
    torch.testing.assert_close(output, net(table(index)))
    empty = chunked(net, net, torch.zeros(0, 3), 4)
    assert empty.shape == (0, 2)


def test_frozen_and_unused_parameters() -> None:
    net = nn.ModuleDict({"used": network(), "idle": nn.Linear(2, 2)})
    first = next(iter(net["used"].parameters())).requires_grad_(False)
    output = chunked(net["used"], net, torch.randn(4, 3), 2)
    output.sum().backward()  # type: ignore[no-untyped-call]  # torch's own lack
    assert first.grad is None
    idle = net["idle"].weight
    assert isinstance(idle, Tensor)
    assert idle.grad is not None
    assert not idle.grad.any()


def test_without_gradients_it_is_the_function() -> None:
    net, rows = network(), torch.randn(7, 3)
    with torch.no_grad():
        assert torch.equal(chunked(net, net, rows, 7), net(rows))


def test_autocast_of_the_forward_holds_in_the_backward() -> None:
    net, rows = network(16), torch.randn(6, 3)
    wanted = list(net.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        plain = torch.autograd.grad(net(rows).float().pow(2).sum(), wanted)
        output = chunked(net, net, rows, 6)
        after = net(rows)  # weights cast without a graph must not have been cached
        assert output.dtype == torch.bfloat16
    ours = torch.autograd.grad(output.float().pow(2).sum(), wanted)
    for mine, reference in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, reference, rtol=2e-2, atol=2e-2)
    assert torch.autograd.grad(after.float().sum(), wanted)[0].any()


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (normalised, "BatchNorm1d couples"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.1)), "Dropout differs"),
    ],
)
def test_what_needs_all_rows_or_luck_is_refused(
    make: Callable[[], nn.Module], message: str
) -> None:
    net = make()
    with pytest.raises(PluginError, match=message):
        chunked(net, net, torch.randn(4, 3), 2)
    net.eval()  # now it is row-wise
    assert chunked(net, net, torch.randn(4, 3), 2).shape == (4, 4)


def refused(function: Callable[[Any], Tensor], module: nn.Module, chunk: int = 2) -> None:
    output = chunked(function, module, torch.randn(4, 3), chunk)
    output.sum().backward()  # type: ignore[no-untyped-call]  # torch's own lack


def test_hidden_random_numbers_are_refused() -> None:
    net = network()
    with pytest.raises(PluginError, match="random"):
        refused(lambda rows: net(rows + torch.randn_like(rows)), net)


def test_parameters_of_another_module_are_refused() -> None:
    net, stranger = network(), nn.Linear(3, 3)
    with pytest.raises(PluginError, match=r"shape \(3, 3\)|shape \(3,\)"):
        refused(lambda rows: net(stranger(rows)), net)


def test_no_rows_at_a_time_is_refused() -> None:
    with pytest.raises(PluginError, match="at least 1"):
        refused(network(), network(), chunk=0)


def test_a_second_derivative_is_refused() -> None:
    net = network()
    rows = torch.randn(4, 3, requires_grad=True)
    output = chunked(net, net, rows, 2).sum()
    with pytest.raises(PluginError, match="differentiated twice"):
        torch.autograd.grad(output, rows, create_graph=True)
