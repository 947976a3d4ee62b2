"""What autograd keeps, against counts by hand."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor, nn

from zoo.api import chunked
from zoo.bench.kept import kept_for_backward


def test_a_plain_network_keeps_its_activations() -> None:
    """Rows, and input and output of each activation; a sigmoid keeps its output alone."""
    net = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid(), nn.Linear(64, 2))
    rows = torch.randn(1000, 3)
    _, most = kept_for_backward(lambda: net(rows).sum().backward(), [net])
    assert most == 4 * 1000 * (3 + 64)


def test_chunks_keep_little_and_rows_alike() -> None:
    net = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 2))
    rows = torch.randn(1000, 3)
    _, most = kept_for_backward(lambda: chunked(net, net, rows, 50).sum().backward(), [net])
    # All rows once, and the activations of 50 in the backward; their rows share a storage.
    assert 4 * (1000 * 3 + 50 * 64) <= most <= 4 * (1000 * 3 + 50 * (3 + 64 + 64))


def test_what_is_kept_twice_counts_once() -> None:
    values = torch.randn(100, requires_grad=True)
    _, most = kept_for_backward(lambda: (values * values).sum().backward(), [])
    assert most == 400


def test_a_gradient_of_a_gradient_is_right_and_frees_its_memory() -> None:
    values = torch.tensor([2.0, 3.0], requires_grad=True)

    def penalty() -> Tensor:
        (slope,) = torch.autograd.grad((values**3).sum(), values, create_graph=True)
        slope.square().sum().backward()
        assert values.grad is not None
        return values.grad

    gradient, most = kept_for_backward(penalty, [])
    # d/dx (3 x^2)^2 = 36 x^3
    torch.testing.assert_close(gradient, torch.tensor([288.0, 972.0]))
    assert most > 0


def test_what_is_kept_is_let_go_without_the_collector() -> None:
    """An operator that saves its own output must not keep itself alive."""
    values = torch.zeros(10, requires_grad=True)

    def twice() -> None:
        for _ in range(2):
            values.exp().sum().backward()

    gc.disable()
    try:
        _, most = kept_for_backward(twice, [])
    finally:
        gc.enable()
    assert most == 40


@pytest.mark.parametrize("rows", [10, 1000])
def test_parameters_do_not_count(rows: int) -> None:
    net = nn.Linear(50, 1)
    _, most = kept_for_backward(lambda: net(torch.zeros(rows, 50)).sum().backward(), [net])
    assert most == 4 * rows * 50
