"""Phases and losses of the game, each against the sum that it says it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch, Context, Loss, Table
from zoo.engine.context import step_context
from zoo.engine.tensors import to_tensors
from zoo_calo.codec import ShowerCodec
from zoo_calo.config import CaloConfig, PostProcessor
from zoo_calo.learner import ShowerLearner
from zoo_calo.losses.spectrum import discrepancy, sorted_discrepancy
from zoo_calo.models.common import conditions
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]
Showers = Callable[..., Table]
CPU = torch.device("cpu")


class Scaled(nn.Module):
    """A generator of flat showers, a critic and a constrainer of sums, a post-processor: scaled."""

    def __init__(self, role: str, cells: tuple[int, int, int]) -> None:
        super().__init__()
        self.role, self.cells = role, cells
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, first: Tensor, given: Tensor | None = None) -> Tensor:
        if self.role == "post":
            return self.factor * first
        if self.role == "generator":
            assert given is not None
            flat = self.factor * given[:, 0] * (1 + 0.1 * first.flatten(1)[:, 0])
            return flat[:, None, None, None].expand(-1, *self.cells)
        return self.factor * first.flatten(1).sum(1)


Case = tuple[ShowerLearner, dict[str, nn.Module], Batch, Callable[[str], Context]]


@pytest.fixture
def case(grids: Grids, showers: Showers) -> Callable[..., Case]:
    def make(**settings: Any) -> Case:
        grid = grids(4, 3)
        config = CaloConfig.model_validate(settings)
        batch = ShowerCodec(config, grid.facts(), {}).encode(showers(grid, 6))
        names = ("generator", "critic", "constrainer", "post")
        nets: dict[str, nn.Module] = {name: Scaled(name, (4, 3, 3)) for name in names}
        if config.post.begin is None:
            del nets["post"]
        learner = ShowerLearner(config, grid.facts())
        return (
            learner,
            nets,
            to_tensors(batch, CPU),
            lambda phase: step_context(1, 5, phase, batch.ids, CPU),
        )

    return make


def means(loss: Loss) -> dict[str, float]:
    return {name: float(t.total.detach()) / t.count for name, t in loss.terms.items()}


def test_the_published_cycle() -> None:
    config = CaloConfig()
    facts = {"grid": {"name": "x", "depth_mm": [1], "layer_weight": [1], "threshold_mev": 0.1}}
    facts["grid"] |= {"mip_mev": 0.2, "rings": [{"r_mm": [0, 1], "alphas": 1}]}
    learner = ShowerLearner(config, facts)
    cycle = ["critic"] * 5 + ["constrainer"] * 5 + ["generator"]
    assert [learner.phase(step) for step in range(22)] == cycle * 2
    early = config.model_copy(
        update={"constrainer_first": 2, "constrainer_updates": 0, "critic_updates": 2}
    )
    late = early.model_copy(update={"post": PostProcessor(begin=6)})
    phases = [ShowerLearner(late, facts).phase(step) for step in range(8)]
    assert phases == ["constrainer"] * 2 + ["critic"] * 2 + ["generator", "critic", "post", "post"]


def test_the_critic_learns_the_difference(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(penalty=5.0)
    loss = learner.loss(nets, batch, context("critic"))
    start = 2 * context("critic").uniform(100, 1, 1, 1, tag=1) - 1
    energy = batch.inputs["energy"].ravel()
    made = 0.5 * 36 * 0.5 * energy * (1 + 0.1 * start[:, 0].ravel())
    true = 0.5 * batch.targets["cells"].flatten(1).sum(1)
    found = means(loss)
    assert found["critic"] == pytest.approx(float((made - true).mean()), rel=1e-5)
    assert found["wasserstein"] == pytest.approx(-found["critic"], rel=1e-6)
    # The critic's gradient is 0.5 for each of 36 cells: its length is 3.
    assert found["penalty"] == pytest.approx(4.0, rel=1e-5)
    assert {n: t.weight for n, t in loss.terms.items()} == {
        "critic": 1.0,
        "penalty": 5.0,
        "wasserstein": 0.0,
    }
    assert all(term.count == 6 for term in loss.terms.values())
    assert torch.autograd.grad(
        loss.terms["critic"].total, nets["generator"].factor, allow_unused=True
    ) == (None,)


def test_the_generator_is_held_to_the_energy(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(kappa=0.01)
    loss = learner.loss(nets, batch, context("generator"))
    start = 2 * context("generator").uniform(100, 1, 1, 1, tag=1) - 1
    energy = batch.inputs["energy"].ravel()
    made = 0.5 * 36 * 0.5 * energy * (1 + 0.1 * start[:, 0].ravel())
    true = 0.5 * batch.targets["cells"].flatten(1).sum(1)
    off = ((made - energy) ** 2 - (true - energy) ** 2).abs()
    assert means(loss) == pytest.approx(
        {"generator": -float(made.mean()), "constraint": float(off.mean())}, rel=1e-4
    )
    assert loss.terms["constraint"].weight == 0.01
    assert set(learner.loss(case(kappa=0)[1], batch, context("generator")).terms) >= {"generator"}


def test_the_constrainer_learns_the_energy(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(energy_unit=10.0)
    found = means(learner.loss(nets, batch, context("constrainer")))
    seen = 0.5 * batch.targets["cells"].flatten(1).sum(1)
    energy = batch.inputs["energy"].ravel() / 10
    assert found == pytest.approx({"energy": float((seen - energy).abs().mean())}, rel=1e-5)


def test_latent_steps_cost_and_are_told(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(latent_step={"kind": "natural", "cost": 0.3})
    assert means(learner.loss(nets, batch, context("critic")))["moved"] == 0
    learner.after(0, {"squared_gradient": 0.8})
    assert float(learner.mean_square) == pytest.approx(0.8)  # the first is taken whole
    learner.after(1, {"squared_gradient": 1.8})
    assert float(learner.mean_square) == pytest.approx(0.9 * 0.8 + 0.1 * 1.8)
    learner.after(2, {"energy": 3.0})
    assert float(learner.mean_square) == pytest.approx(0.9)
    for phase in ("critic", "generator"):
        loss = learner.loss(nets, batch, context(phase))
        assert loss.terms["cost"].weight == 0.3
        assert means(loss)["moved"] > 0
    # D(G(z)) = 0.25 E 36 (1 + 0.1 z_0): its gradient is 0.9 E.
    squared = (0.9 * batch.inputs["energy"]).square().mean()
    assert means(loss)["squared_gradient"] == pytest.approx(float(squared), rel=1e-4)
    assert list(learner.state_dict()) == ["mean_square"]


def test_no_two_showers_share_their_noise(case: Callable[..., Case]) -> None:
    """Published, every process drew the same mixtures; here they are of the sample and the step."""
    batch = case()[2]
    first, again = (step_context(1, 5, "critic", batch.ids[part], CPU) for part in ([0, 1], [1]))
    mixtures = first.uniform(tag=2)
    assert mixtures[0] != mixtures[1]
    assert mixtures[1] == again.uniform(tag=2)[0]
    assert mixtures[1] != step_context(1, 6, "critic", batch.ids[[1]], CPU).uniform(tag=2)[0]


def test_predictions_are_in_mev(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(cell_unit="MIP", layer_weights=True)
    with torch.no_grad():
        found = learner.predict(nets, batch, context("predict"))["deposits"]
        cells = nets["generator"](
            batch.inputs["latent"], conditions(learner.config, batch.inputs)
        ).numpy()
    expected = cells * 0.17
    expected[:, 2:] /= 2  # the last two of four layers count twice
    np.testing.assert_allclose(found.numpy(), expected.reshape(6, 36), rtol=1e-6)


def test_discrepancy_by_hand() -> None:
    # Kernels of {0, 1} with itself: (1 + 1 + 2 e^-a) / 4; with {2}: (e^-4a + e^-a) / 2.
    first, second = torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0]])
    a = 0.7
    own, cross = (2 + 2 * np.exp(-a)) / 4, (np.exp(-4 * a) + np.exp(-a)) / 2
    expected = own + 1 - 2 * cross
    assert discrepancy(first, second, a).item() == pytest.approx(expected, rel=1e-6)
    assert discrepancy(first, first, a).item() == pytest.approx(0, abs=1e-7)


def test_sorted_cells_are_compared_window_by_window() -> None:
    made, real = torch.tensor([[1.0, 3.0, 0.0, 2.0]]), torch.tensor([[0.0, 0.0, 4.0, 1.0]])
    config = PostProcessor(window=2, cells=3, sharpness=0.5)
    windows = [([3.0, 2.0], [4.0, 1.0]), ([2.0, 1.0], [1.0, 0.0]), ([1.0], [0.0])]
    parts = [discrepancy(torch.tensor([x]), torch.tensor([y]), 0.5).item() for x, y in windows]
    found = sorted_discrepancy(made, real, config).item()
    assert found == pytest.approx(float(np.mean(parts)), rel=1e-6)


def test_the_post_processor_alone_is_trained(case: Callable[..., Case]) -> None:
    learner, nets, batch, context = case(post={"begin": 1, "window": 4, "cells": 8})
    loss = learner.loss(nets, batch, context("post"))
    assert set(loss.terms) == {"spectrum", "change"}
    total = sum(term.total for term in loss.terms.values())
    assert torch.autograd.grad(total, nets["generator"].factor, allow_unused=True) == (None,)
