"""Losses against closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import poisson
from torch import Tensor, nn

from zoo.api import Batch, PluginError
from zoo_optics.config import SirenPairConfig, SirenVectorConfig
from zoo_optics.learner import OpticsLearner

CONTEXT: Any = None  # this learner asks nothing of it


class Fixed(nn.Module):
    """Answers with logarithms of visibilities, whatever the point."""

    def __init__(self, visibility: list[list[float]]) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor(visibility, dtype=torch.float64).log())

    def forward(self, position: Tensor, sensors: Tensor | None = None) -> Tensor:
        return self.logarithm if sensors is None else self.logarithm.gather(1, sensors)


def batch(charge: list[list[float]], photons: list[float]) -> Batch:
    count = len(charge)
    inputs = {"position": torch.zeros(count, 3)}
    targets = {
        "charge": torch.tensor(charge, dtype=torch.float64),
        "photons": torch.tensor(photons, dtype=torch.float64),
    }
    return Batch(inputs, targets, np.arange(count, dtype=np.uint64))


def learner(loss: str, **settings: Any) -> OpticsLearner:
    return OpticsLearner(SirenVectorConfig.model_validate({"loss": loss, **settings}), {})


def loss_of(kind: str, given: Batch, visibility: list[list[float]], **settings: Any) -> Any:
    (term,) = (
        learner(kind, **settings).loss({"net": Fixed(visibility)}, given, CONTEXT).terms.values()
    )
    return term


CHARGE, PHOTONS = [[3.0, 0.0], [1.0, 10.0]], [100.0, 1000.0]
VISIBILITY = [[0.02, 0.01], [0.002, 0.008]]  # expected charges 2, 1 and 2, 8


def test_poisson_is_the_likelihood_without_its_constant() -> None:
    """-log P(q; mu) = mu - q log mu + log q!: scipy knows the whole."""
    term = loss_of("poisson", batch(CHARGE, PHOTONS), VISIBILITY)
    mean = np.array([[2.0, 1], [2, 8]])
    constant = sum(math.lgamma(q + 1) for row in CHARGE for q in row)
    whole = -poisson.logpmf(np.array(CHARGE), mean).sum()
    assert term.total.item() == pytest.approx(whole - constant, rel=1e-12)
    assert term.count == 4


def test_mse_is_that_of_charges() -> None:
    term = loss_of("mse", batch(CHARGE, PHOTONS), VISIBILITY)
    assert term.total.item() == pytest.approx((3 - 2) ** 2 + 1 + (1 - 2) ** 2 + (10 - 8) ** 2)
    assert term.count == 4


def test_log_l2_weighs_each_sensor_by_its_variance() -> None:
    floor, error = 1e-4, 0.05
    term = loss_of("log-l2", batch(CHARGE, PHOTONS), VISIBILITY, floor=floor, model_error=error)
    total = 0.0
    for charges, photons, seen in zip(CHARGE, PHOTONS, VISIBILITY, strict=True):
        for charge, v in zip(charges, seen, strict=True):
            lack = math.log((v + floor) / (charge / photons + floor))
            total += lack**2 / (1 / (charge + 1) + error**2)
    assert term.total.item() == pytest.approx(total, rel=1e-12)


class Draws:
    """A context that draws what it is told, in [0, 1)."""

    def __init__(self, values: list[list[float]]) -> None:
        self.values = torch.tensor(values)

    def uniform(self, *shape: int, tag: int = 0) -> Tensor:
        assert (*self.values.shape,) == (2, *shape)
        return self.values


@pytest.mark.parametrize("alive", [None, [True, False]])
@pytest.mark.parametrize("kind", ["poisson", "mse", "log-l2"])
def test_drawn_sensors_have_the_terms_that_they_have_among_all(
    kind: str, alive: list[bool] | None
) -> None:
    """Each sensor once: the loss of all, whatever the order. One of them: its own term."""
    given = batch(CHARGE, PHOTONS)
    if alive:
        given.targets["alive"] = torch.tensor([alive, alive])
    nets: Any = {"net": Fixed(VISIBILITY)}

    def term(count: int, draws: list[list[float]] | None) -> Any:
        config = SirenPairConfig.model_validate({"loss": kind, "sensors_per_step": count})
        context: Any = draws and Draws(draws)
        (found,) = OpticsLearner(config, {}).loss(nets, given, context).terms.values()
        return found

    whole, each = term(0, None), term(2, [[0.99, 0.0], [0.49, 0.51]])
    assert each.total.item() == pytest.approx(whole.total.item(), rel=1e-12)
    assert each.count == whole.count
    parts = [term(1, [[place], [place]]) for place in (0.2, 0.7)]
    assert sum(part.total.item() for part in parts) == pytest.approx(whole.total.item(), rel=1e-12)


def test_times_are_not_learnt_from_drawn_sensors() -> None:
    for other in ("time", "uncertainty"):
        with pytest.raises(ValidationError, match="sensors_per_step = 0"):
            SirenPairConfig.model_validate({other: True, "sensors_per_step": 5})


@pytest.mark.parametrize("kind", ["poisson", "mse", "log-l2"])
def test_the_truth_is_the_minimum(kind: str) -> None:
    """With charges that are exactly those expected no gradient is left."""
    charge = [[2.0, 1.0], [2.0, 8.0]]
    net = Fixed(VISIBILITY)
    loss = learner(kind).loss({"net": net}, batch(charge, PHOTONS), CONTEXT)
    (term,) = loss.terms.values()
    term.total.backward()
    torch.testing.assert_close(net.logarithm.grad, torch.zeros(2, 2, dtype=torch.float64))
    other = [[0.021, 0.01], [0.002, 0.008]]
    assert loss_of(kind, batch(charge, PHOTONS), other).total.item() > term.total.item()


def test_the_gradient_of_poisson_is_expected_less_seen() -> None:
    net = Fixed(VISIBILITY)
    (term,) = learner("poisson").loss({"net": net}, batch(CHARGE, PHOTONS), CONTEXT).terms.values()
    term.total.backward()
    expected = torch.tensor([[2.0 - 3, 1 - 0], [2 - 1, 8 - 10]], dtype=torch.float64)
    torch.testing.assert_close(net.logarithm.grad, expected)


def test_parts_add_up_to_the_whole() -> None:
    """A sum and a count: batches accumulated over an epoch have its gradient, ragged or not."""
    whole = loss_of("poisson", batch(CHARGE, PHOTONS), VISIBILITY)
    parts = [
        loss_of("poisson", batch(CHARGE[k : k + 1], PHOTONS[k : k + 1]), VISIBILITY[k : k + 1])
        for k in (0, 1)
    ]
    assert sum(part.total.item() for part in parts) == pytest.approx(whole.total.item())
    assert sum(part.count for part in parts) == whole.count


def test_an_answer_of_another_shape_is_refused() -> None:
    """The broadcast that cost gigabytes: one column against a row."""
    with pytest.raises(PluginError, match=r"shape \(2, 1\) for charges of shape \(2, 2\)"):
        loss_of("poisson", batch(CHARGE, PHOTONS), [[0.1], [0.2]])


def test_predictions_are_visibilities() -> None:
    net = Fixed(VISIBILITY)
    found = learner("poisson").predict({"net": net}, batch(CHARGE, PHOTONS), CONTEXT)
    torch.testing.assert_close(found["visibility"], torch.tensor(VISIBILITY, dtype=torch.float64))
