"""The gradient penalty against numbers worked out by hand in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo_calo.losses.penalty import gradient_penalty

RNG = np.random.default_rng(5)


class Quadratic(torch.nn.Module):
    """x -> w x + x S x / 2 with a symmetric S: its gradient is w + S x."""

    def __init__(self, linear: NDArray[np.float64], square: NDArray[np.float64]) -> None:
        super().__init__()
        self.linear = torch.nn.Parameter(torch.from_numpy(linear))
        self.square = torch.nn.Parameter(torch.from_numpy(square))

    def forward(self, cells: Tensor) -> Tensor:
        x = cells.flatten(1)
        return x @ self.linear + ((x @ self.square) * x).sum(1) / 2


def numbers() -> tuple[NDArray[np.float64], ...]:
    square = RNG.normal(size=(6, 6))
    cells = RNG.normal(size=(2, 4, 6))
    return RNG.normal(size=6), square + square.T, cells[0], cells[1], RNG.uniform(size=4)


def test_of_a_quadratic_critic() -> None:
    w, s, real, fake, mixture = numbers()
    critic = Quadratic(w, s)
    shaped = [torch.from_numpy(one).reshape(4, 1, 2, 3) for one in (real, fake)]
    found = gradient_penalty(critic, *shaped, torch.from_numpy(mixture))
    point = mixture[:, None] * real + (1 - mixture[:, None]) * fake
    slope = w + point @ s
    length = np.sqrt((slope**2).sum(1))
    np.testing.assert_allclose(found.detach().numpy(), (length - 1) ** 2, rtol=1e-10)
    # By the critic's parameters, so through a second derivative: d/dw of (|g| - 1)^2, g = w + S x,
    # is 2 (1 - 1 / |g|) g; of S it is that times x.
    by_w, by_s = torch.autograd.grad(found.sum(), [critic.linear, critic.square])
    outer = 2 * (1 - 1 / length)[:, None] * slope
    np.testing.assert_allclose(by_w.numpy(), outer.sum(0), rtol=1e-9)
    # S enters the gradient as (S + S^T) / 2.
    whole = (outer[:, :, None] * point[:, None, :]).sum(0)
    np.testing.assert_allclose(by_s.numpy(), (whole + whole.T) / 2, rtol=1e-8)


def test_a_flat_critic_has_a_finite_derivative() -> None:
    critic = Quadratic(np.zeros(6), np.zeros((6, 6)))
    cells = torch.rand(4, 6, dtype=torch.float64)
    penalty = gradient_penalty(critic, cells, cells, torch.rand(4, dtype=torch.float64))
    assert penalty.sum().item() == pytest.approx(4, rel=1e-5)
    (slope,) = torch.autograd.grad(penalty.sum(), critic.linear)
    assert torch.isfinite(slope).all()


def test_made_showers_are_taken_as_they_are() -> None:
    """The penalty trains the critic alone, whatever the fake depends on."""
    w, s, real, fake, mixture = numbers()
    critic = Quadratic(w, s)
    made = torch.from_numpy(fake).requires_grad_()
    penalty = gradient_penalty(critic, torch.from_numpy(real), made, torch.from_numpy(mixture))
    assert torch.autograd.grad(penalty.sum(), made, allow_unused=True) == (None,)
