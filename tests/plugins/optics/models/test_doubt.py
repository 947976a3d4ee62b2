"""Errors that networks learn of themselves: their likelihood, and that it finds the right one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.special import gammaln
from scipy.stats import nbinom
from torch import Tensor, nn

from zoo.api import Batch, ConfigError, Table
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import (
    FourierConfig,
    HashGridConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
)
from zoo_optics.learner import OpticsLearner
from zoo_optics.metrics import OpticsMetrics
from zoo_optics.models.doubt import LEAST_ERROR, negative_binomial, relative_error
from zoo_optics.models.hash_grid import hash_grid_networks
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

NETWORKS: dict[str, Any] = {
    "siren-pair": (pair_networks, SirenPairConfig),
    "siren-prior": (prior_networks, SirenPriorConfig),
    "siren-factor": (factor_networks, SirenFactorConfig),
    "siren-vector": (vector_networks, SirenVectorConfig),
    "fourier": (fourier_networks, FourierConfig),
    "hash-grid": (hash_grid_networks, HashGridConfig),
}
CONTEXT: Any = None  # the learner asks nothing of it
BOX = LarBox(LarBoxConfig(rows=3, columns=4))


@pytest.mark.parametrize("error", [0.02, 0.3, 1.5])
def test_it_is_the_likelihood_of_the_negative_binomial(error: float) -> None:
    """scipy's, of ``r = 1 / s^2`` failures and the probability ``r / (r + mu)``."""
    charge, mean = np.meshgrid([0.0, 1, 7, 400], [0.01, 1, 30, 500])
    size = 1 / error**2
    whole = -nbinom.logpmf(charge, size, size / (size + mean)) - gammaln(charge + 1)
    found = negative_binomial(
        torch.tensor(charge), torch.tensor(np.log(mean)), torch.full((4, 4), error).double()
    )
    np.testing.assert_allclose(found.numpy(), whole, rtol=1e-7, atol=1e-6)
    # Mean and variance are those that the config tells of.
    np.testing.assert_allclose(nbinom.mean(size, size / (size + mean)), mean, rtol=1e-9)
    variance = mean + (error * mean) ** 2
    np.testing.assert_allclose(nbinom.var(size, size / (size + mean)), variance, rtol=1e-9)


def test_without_an_error_it_is_poisson() -> None:
    charge = torch.tensor([0.0, 1, 3, 50, 2.5])
    logarithm = torch.tensor([-3.0, 0.5, 1.0, 3.9, 0.7])
    poisson = logarithm.exp() - charge * logarithm
    found = negative_binomial(charge, logarithm, torch.full((5,), LEAST_ERROR))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, poisson, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_off_by_default_and_changes_no_visibility(name: str) -> None:
    build, config = NETWORKS[name]
    place = torch.tensor(
        BOX.detector.volume.points(np.random.default_rng(1).random((5, 3)))
    ).float()
    nets = []
    for wanted in (False, True):
        torch.manual_seed(3)
        nets.append(build(config(uncertainty=wanted), BOX.facts)["net"])
    assert not [n for n in nets[0].state_dict() if "doubt" in n]
    if name != "fourier":  # its waves are drawn in another order
        torch.testing.assert_close(nets[0](place), nets[1](place))
    error = nets[1].errors(place)
    assert error.shape == (5, 12)
    assert 0.02 < float(error.detach().min()) < float(error.detach().max()) < 0.5
    with pytest.raises(ConfigError, match="knows no error of its own"):
        nets[0].errors(place)


def test_another_loss_has_no_error() -> None:
    with pytest.raises(ValidationError, match="uncertainty needs the loss poisson, not mse"):
        SirenPairConfig(uncertainty=True, loss="mse")


class Truth(nn.Module):
    """Knows the visibility of a sample, and learns one error for all."""

    def __init__(self, visibility: Tensor, start: float = 0.0) -> None:
        super().__init__()
        self.logarithm = visibility.log()
        self.answer = nn.Parameter(torch.tensor(start))

    def forward(self, position: Tensor) -> Tensor:
        assert len(position) == len(self.logarithm)
        return self.logarithm

    def errors(self, position: Tensor) -> Tensor:
        assert len(position) == len(self.logarithm)
        return relative_error(self.answer).expand_as(self.logarithm)


def wrong(error: float, flashes: int = 300) -> tuple[Table, Batch, Tensor]:
    """Charges about expectations that are wrong by a gamma factor of this deviation."""
    fields = frozenset({"position", "photons", "expected"})
    table = BOX.simulate(np.arange(flashes, dtype=np.uint64), fields)
    rng = np.random.default_rng(5)
    factor = rng.gamma(1 / error**2, error**2, table["expected"].shape)
    charge = rng.poisson(table["expected"] * factor).astype(np.float32)
    visibility = torch.from_numpy(table["expected"] / table["photons"][:, None])
    targets = {"charge": torch.from_numpy(charge), "photons": torch.from_numpy(table["photons"])}
    batch = Batch({"position": torch.from_numpy(table["position"])}, targets, table.ids)
    return table.with_columns({"charge": charge}), batch, visibility


def test_the_likelihood_finds_the_error_and_pulls_are_right() -> None:
    true = 0.2
    table, batch, visibility = wrong(true)
    config = SirenVectorConfig(uncertainty=True)
    learner, net = OpticsLearner(config, BOX.facts), Truth(visibility)
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=40)

    def closure() -> Tensor:
        optimizer.zero_grad()
        (term,) = learner.loss({"net": net}, batch, CONTEXT).terms.values()
        loss: Tensor = term.total / term.count
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    outputs = learner.predict({"net": net}, batch, CONTEXT)
    found = OpticsCodec(config, BOX.facts, {}).decode(
        {name: value.detach().numpy() for name, value in outputs.items()}, table
    )
    # 3600 factors, most of which counting hides little.
    np.testing.assert_allclose(found["relative_error"], true, rtol=0.06)
    assert excess(table, found) == pytest.approx(0, abs=4 / np.sqrt(2 * 3600) * 1.5)
    sure = found.with_columns({"relative_error": 0.1 * found["relative_error"]})
    assert excess(table, sure) > 0.5
    assert np.isnan(excess(table, found.select(frozenset({"charge"}))))


def excess(table: Table, found: Table) -> float:
    metrics = OpticsMetrics(BOX.facts)
    numbers = metrics.summarise(metrics.measure(table, found))
    return {number.name: number.value for number in numbers}["pull excess"]
