"""mini-gan: shower physics against the literature, losses against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch, Table
from zoo.engine.context import StepContext, step_context
from zoo.engine.tensors import to_tensors
from zoo_miniatures.gan.baselines import MeanShower, Simulation
from zoo_miniatures.gan.codec import ShowerCodec
from zoo_miniatures.gan.config import BaselineConfig, GanConfig, ShowersConfig
from zoo_miniatures.gan.learner import WganLatentOptimisation
from zoo_miniatures.gan.metrics import ShowerMetrics
from zoo_miniatures.gan.models import networks
from zoo_miniatures.gan.physics import facts_of, fluctuated, mean_profile, profile
from zoo_miniatures.gan.sources import Showers

FIELDS = frozenset({"energy", "layers"})
CPU = torch.device("cpu")


def keys(count: int, start: int = 0) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.arange(start, start + count, dtype=np.uint64)


def context(phase: str, count: int) -> StepContext:
    return step_context(3, 7, phase, keys(count), CPU)


def test_shower_maximum_and_containment_of_gflash():
    # hep-ex/0001020: T = ln(30 GeV / 7.4 MeV) - 0.858 = 7.449 X0, the mode of the profile.
    facts = facts_of(layers=6000, thickness=0.02, sampling=0.0)
    energy = np.array([30.0])
    layers = profile(energy, *mean_profile(energy, facts), facts)[0]
    assert (np.argmax(layers) + 0.5) * 0.02 == pytest.approx(7.449, abs=0.02)
    assert layers.sum() == pytest.approx(30.0, rel=1e-6)


def test_fluctuations_have_the_published_widths_and_correlation():
    # hep-ex/0001020 at ln y = 8.3075: widths 0.1103 and 0.1524, correlation 0.514.
    facts = facts_of(layers=24, thickness=1.0, sampling=0.1)
    log_t, log_alpha = fluctuated(np.full(20000, 30.0), keys(20000), facts)
    assert np.std(log_t) == pytest.approx(0.1103, rel=0.02)
    assert np.std(log_alpha) == pytest.approx(0.1524, rel=0.02)
    assert np.corrcoef(log_t, log_alpha)[0, 1] == pytest.approx(0.514, abs=0.02)


def test_sampling_resolution_of_contained_showers():
    # Independent layers with sigma = s sqrt(E_i): sigma(E)/E = s / sqrt(E), here 10 %/sqrt(50).
    config = ShowersConfig(minimum=50.0, maximum=50.0001, layers=30, thickness=2.0, sampling=0.1)
    samples = Showers(config).simulate(keys(4000), FIELDS)
    visible = samples["layers"].sum(1)
    assert visible.std() / visible.mean() == pytest.approx(0.1 / 50**0.5, rel=0.05)


def test_fields_and_rows_do_not_depend_on_what_else_is_asked():
    simulator = Showers(ShowersConfig())
    whole = simulator.simulate(keys(5), FIELDS)
    one = simulator.simulate(keys(1, 3), frozenset({"layers"}))
    assert set(one) == {"id", "layers"}
    np.testing.assert_array_equal(one["layers"][0], whole["layers"][3])
    assert one.ids[0] == whole.ids[3]


def test_the_phases_cycle():
    learner = WganLatentOptimisation(GanConfig(critic_updates=2), {})
    cycle = ["critic", "critic", "constrainer", "generator"]
    assert [learner.phase(step) for step in range(8)] == cycle * 2


class LinearCritic(nn.Module):
    """x -> w x, whose gradient is w everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor, energy: Tensor) -> Tensor:
        return (x @ self.weight)[:, None]


class LinearGenerator(nn.Module):
    """z -> A z."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, latent: Tensor, energy: Tensor) -> Tensor:
        return latent @ self.matrix.T


def linear_case(
    squared_gradient: float = 0.5,
) -> tuple[WganLatentOptimisation, dict[str, nn.Module], Batch]:
    torch.manual_seed(0)
    nets = {
        "critic": LinearCritic(torch.tensor([3.0, 4.0])),
        "generator": LinearGenerator(torch.tensor([[0.01, 0.0], [0.0, 0.02]])),
        "constrainer": LinearCritic(torch.tensor([1.0, 1.0])),
    }
    learner = WganLatentOptimisation(GanConfig(latent=2), {})
    learner.squared_gradient.fill_(squared_gradient)
    batch = Batch({"log_energy": torch.zeros(6, 1)}, {"fractions": torch.rand(6, 2)}, keys(6))
    return learner, nets, batch


def test_penalty_of_a_linear_critic():
    # Its slope is |(3, 4)| = 5 everywhere: the penalty is (5 - 1)^2 for each of six showers.
    learner, nets, batch = linear_case()
    penalty = learner.loss(nets, batch, context("critic", 6)).terms["penalty"]
    assert penalty.total.item() == pytest.approx(6 * 16.0, rel=1e-5)
    assert penalty.count == 6
    assert penalty.weight == 5.0
    # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|: the second derivative reaches the critic.
    (gradient,) = torch.autograd.grad(penalty.total, [nets["critic"].weight])
    assert gradient.tolist() == pytest.approx([6 * 8 * 0.6, 6 * 8 * 0.8], rel=1e-5)


def test_latent_move_of_a_linear_pair():
    # LOGAN eq. 9: z + alpha h / (beta + |h|^2), h = g / sqrt(0.5), g = A^T w = (0.03, 0.08);
    # where nothing is clipped the moved distance is known.
    learner, nets, batch = linear_case()
    loss = learner.loss(nets, batch, context("generator", 6))
    squared = 0.0073 / 0.5
    move = 0.9 * squared**0.5 / (5 + squared)
    assert loss.terms["move"].total.item() <= 6 * move**2 * (1 + 1e-4)
    assert loss.terms["move"].total.item() >= 4 * move**2  # at most two are clipped at +-1
    assert loss.terms["squared_gradient"].total.item() == pytest.approx(6 * 0.0073, rel=1e-4)
    assert loss.terms["squared_gradient"].weight == 0.0


def test_the_running_mean_changes_in_after_alone():
    learner, nets, batch = linear_case()
    learner.loss(nets, batch, context("critic", 6))
    assert float(learner.squared_gradient) == 0.5
    learner.after(0, {"squared_gradient": 1.5})
    assert float(learner.squared_gradient) == pytest.approx(0.9 * 0.5 + 0.1 * 1.5)
    learner.after(1, {"constrainer": 1.0})
    assert float(learner.squared_gradient) == pytest.approx(0.6)
    assert "squared_gradient" in learner.state_dict()


def test_metrics_see_a_shift_and_the_oracle_stays_below_the_mean_shower():
    simulator = Showers(ShowersConfig())
    samples = simulator.simulate(keys(1500), FIELDS)
    metrics = ShowerMetrics(simulator.facts)
    shifted = Table({"id": samples.ids, "layers": samples["layers"] * np.float32(1.02)})
    numbers = {n.name: n.value for n in metrics.summarise(metrics.measure(samples, shifted))}
    assert numbers["visible bias"] == pytest.approx(2.0, abs=1e-3)
    assert numbers["depth W1"] == pytest.approx(0.0, abs=1e-5)

    def depth(predictor: MeanShower) -> float:
        rows = metrics.measure(samples, predictor.predict(samples, None))
        return next(n.value for n in metrics.summarise(rows) if n.name == "depth W1")

    oracle, mean = (cls(BaselineConfig(), simulator.facts) for cls in (Simulation, MeanShower))
    assert depth(oracle) < 0.1
    assert depth(mean) > 0.3


def test_networks_predict_through_the_codec():
    simulator = Showers(ShowersConfig(layers=10))
    config = GanConfig()
    codec = ShowerCodec(config, simulator.facts, {})
    samples = simulator.simulate(keys(4), frozenset({"energy"}))
    batch = codec.encode(samples)
    assert not batch.targets
    learner = WganLatentOptimisation(config, simulator.facts)
    nets = networks(config, simulator.facts)
    outputs = learner.predict(nets, to_tensors(batch, CPU), context("predict", 4))
    made = codec.decode({n: v.detach().numpy() for n, v in outputs.items()}, samples)
    assert made["layers"].shape == (4, 10)
    assert (made["layers"] > 0).all()
