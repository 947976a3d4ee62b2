"""Latent optimisation against numbers worked out by hand, and that it moves and helps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.api import Table
from zoo.engine.context import step_context
from zoo.engine.tensors import to_tensors
from zoo_calo.codec import ShowerCodec
from zoo_calo.config import LatentStep, WganConfig, WganLoConfig
from zoo_calo.learner import ShowerLearner
from zoo_calo.losses.latent import Moved, latent_step
from zoo_calo.models import wgan
from zoo_calo.models.common import conditions
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]
Showers = Callable[..., Table]
RNG = np.random.default_rng(6)
MATRIX, SLOPE = RNG.normal(size=(5, 3)), RNG.normal(size=5)
CPU = torch.device("cpu")


def value_of(matrix: Tensor, slope: Tensor) -> Callable[[Tensor], Tensor]:
    """A critic ``c x + |x|^2 / 2`` of a shower x = A z: its gradient by z is ``A^T (c + A z)``."""

    def value(latent: Tensor) -> Tensor:
        shower = latent.flatten(1) @ matrix.T
        return shower @ slope + shower.square().sum(1) / 2

    return value


def moved(start: np.ndarray, mean_square: float, **settings: object) -> Moved:
    matrix, slope = torch.from_numpy(MATRIX), torch.from_numpy(SLOPE)
    config = LatentStep.model_validate({"kind": "natural", **settings})
    moves = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
    square = torch.tensor(mean_square, dtype=torch.float64)
    given = torch.from_numpy(start).reshape(3, 3, 1, 1, 1)
    return latent_step(value_of(matrix, slope), given, moves, square, config)


START = RNG.uniform(-0.5, 0.5, (3, 3))


def by_hand(start: np.ndarray, kind: str, mean: float, rate: float, damping: float) -> np.ndarray:
    g = (SLOPE + start @ MATRIX.T) @ MATRIX / np.sqrt(mean)
    if kind == "gradient":
        return rate * g
    return rate * g / (damping + (g**2).sum(1, keepdims=True))


@pytest.mark.parametrize("kind", ["natural", "gradient"])
@pytest.mark.parametrize("relative", [True, False])
def test_of_a_quadratic_critic(kind: str, relative: bool) -> None:
    settings = {"kind": kind, "relative": relative, "rate": 0.02, "damping": 0.7}
    found = moved(START, 4.0, **settings)
    expected = by_hand(START, kind, 4.0 if relative else 1.0, 0.02, 0.7)
    expected[2] = 0  # was not drawn to move
    after = (START + expected).clip(-1, 1)
    np.testing.assert_allclose(found.latent.detach().numpy().reshape(3, 3), after, rtol=1e-10)
    np.testing.assert_allclose(found.cost.detach().numpy(), (expected**2).sum(1), rtol=1e-9)
    np.testing.assert_allclose(
        found.length.numpy(), np.sqrt(((after - START) ** 2).sum(1)), rtol=1e-9, atol=1e-15
    )
    squared = (((SLOPE + START @ MATRIX.T) @ MATRIX) ** 2).sum(1)
    np.testing.assert_allclose(found.squared.numpy(), squared, rtol=1e-10)


def test_it_ends_at_the_edge() -> None:
    found = moved(START, 1.0, rate=50.0)
    assert found.latent.abs().max() == 1
    assert (found.length < found.cost.sqrt())[:2].all()


def test_before_the_gradient_is_known_nothing_moves() -> None:
    found = moved(START, 0.0)
    np.testing.assert_array_equal(found.latent.detach().numpy().reshape(3, 3), START)
    assert (found.length == 0).all()
    assert (found.squared > 0).all()


def test_the_step_is_differentiated_where_it_is_wanted() -> None:
    """By the slope c of the critic: central differences of the whole step in double precision."""

    def total(slope: np.ndarray, *, second_order: bool = True) -> tuple[Tensor, Tensor]:
        given = torch.from_numpy(slope).requires_grad_()
        config = LatentStep(kind="natural", rate=0.3, second_order=second_order)
        one, square = torch.ones(3, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
        start = torch.from_numpy(START)
        value = value_of(torch.from_numpy(MATRIX), given)
        return (latent_step(value, start, one, square, config).latent ** 3).sum(), given

    (found,) = torch.autograd.grad(*total(SLOPE))
    step = 1e-5 * np.eye(5)
    differences = [
        (float(total(SLOPE + one)[0].detach()) - float(total(SLOPE - one)[0].detach())) / 2e-5
        for one in step
    ]
    np.testing.assert_allclose(found.numpy(), differences, rtol=1e-6)
    assert not total(SLOPE, second_order=False)[0].requires_grad


SMALL = {"generator_width": 8, "critic_width": 8, "constrainer_width": 4, "cell_unit": "MIP"}


class Game:
    """Small networks, and updates of them by plain Adam."""

    def __init__(self, grid: Grid, samples: Table, **step: object) -> None:
        torch.manual_seed(3)
        self.config = WganLoConfig.model_validate(
            {**SMALL, "energy_unit": 10.0, "latent_step": {"kind": "natural", "share": 1.0, **step}}
        )
        self.nets = wgan.networks(self.config, grid.facts())
        self.learner = ShowerLearner(self.config, grid.facts())
        self.batch = to_tensors(ShowerCodec(self.config, grid.facts(), {}).encode(samples), CPU)
        self.optimizers = {
            name: torch.optim.Adam(net.parameters(), 3e-4, (0.5, 0.9))
            for name, net in self.nets.items()
        }

    def update(self, step: int) -> None:
        phase = self.learner.phase(step)
        context = step_context(1, step, phase, self.batch.ids, CPU)
        loss = self.learner.loss(self.nets, self.batch, context)
        totals = [t.weight * t.total / t.count for t in loss.terms.values() if t.weight]
        optimizer = self.optimizers[phase]
        optimizer.zero_grad()
        torch.stack(totals).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack
        optimizer.step()
        means = {n: float(t.total.detach()) / t.count for n, t in loss.terms.items()}
        self.learner.after(step, means)

    def step(self) -> tuple[float, float]:
        """Share of showers that the critic prefers after a step, and its mean length."""
        given = conditions(self.config, self.batch.inputs)
        start = 2 * step_context(2, 0, "critic", self.batch.ids, CPU).uniform(100, 1, 1, 1) - 1
        done = self.learner._moved(self.nets, start, given, torch.ones(len(given)))
        with torch.no_grad():
            before, after = (
                self.nets["critic"](self.nets["generator"](one, given), given)
                for one in (start, done.latent)
            )
        return float((after > before).float().mean()), float(done.length.mean())


def test_it_moves_and_the_critic_prefers_what_it_gives(grids: Grids, showers: Showers) -> None:
    grid = grids(10, 9)
    game = Game(grid, showers(grid, 48))
    assert game.step()[1] == 0.0  # nothing is known of the gradient yet
    game.update(0)
    for last in (1, 25, 60):
        for step in range(last - 1 if last == 1 else 1, last):
            game.update(step)
        better, length = game.step()
        assert better >= 0.95
        assert length >= 0.01


def test_the_published_damping_moves_nothing_at_the_start(grids: Grids, showers: Showers) -> None:
    """beta = 5 is far above the squared gradient of new networks: the step is no step."""
    grid = grids(10, 9)
    game = Game(grid, showers(grid, 16), relative=False, damping=5.0)
    assert game.step()[1] < 1e-3


def test_a_prediction_may_be_refined(grids: Grids, showers: Showers) -> None:
    grid = grids(10, 9)
    game = Game(grid, showers(grid, 8))
    game.update(0)
    game.learner.config = game.config.model_copy(update={"refine": 2})
    with torch.no_grad():
        context = step_context(1, 0, "predict", game.batch.ids, CPU)
        refined = game.learner.predict(game.nets, game.batch, context)["deposits"]
        game.learner.config = game.config
        plain = game.learner.predict(game.nets, game.batch, context)["deposits"]
    assert refined.shape == plain.shape == (8, grid.cells)
    assert not torch.equal(refined, plain)


def test_refining_needs_a_step() -> None:
    with pytest.raises(ValueError, match="refine needs"):
        WganConfig(refine=1)
