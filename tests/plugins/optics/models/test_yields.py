"""Yields that are learnt: their gauge, and that they are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Batch
from zoo_optics.config import SirenPriorConfig, SirenVectorConfig
from zoo_optics.learner import OpticsLearner
from zoo_optics.models.siren_pair import prior_networks
from zoo_optics.models.vector import vector_networks
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

CONTEXT: Any = None  # the learner asks nothing of it


def box(**faults: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate({"rows": 3, "columns": 5, "faults": faults}))


def test_without_the_option_there_are_none() -> None:
    """Weights of before are weights of now."""
    facts = box().facts
    for build, config in (
        (prior_networks, SirenPriorConfig()),
        (vector_networks, SirenVectorConfig()),
    ):
        assert not [n for n in build(config, facts)["net"].state_dict() if "yield" in n]  # type: ignore[operator]
        found = build(type(config)(yields=True), facts)["net"].state_dict()  # type: ignore[operator]
        assert found["log_yield"].shape == (15,)


def test_yields_are_factors_with_no_mean_over_those_alive() -> None:
    facts = box(dead=0.2).facts
    alive = torch.from_numpy(facts["alive"])
    torch.manual_seed(1)
    net: Any = prior_networks(SirenPriorConfig(yields=True), facts)["net"]
    point = torch.tensor([[80.0, 10, 200], [150, -100, 20]])
    before = net(point).detach()
    with torch.no_grad():
        net.log_yield += torch.randn(15) + 0.7
    logs = net.log_yields().detach()
    assert float(logs[alive].mean()) == pytest.approx(0, abs=1e-6)
    assert not logs[~alive].any()
    torch.testing.assert_close(net(point).detach() - before, logs.expand(2, 15))
    net(point).sum().backward()
    # What all have in common changes nothing: no gradient along it.
    assert float(net.log_yield.grad.sum()) == pytest.approx(0, abs=1e-5)


def test_training_finds_the_yields_of_a_box() -> None:
    """Those of 30 %, by a small network that is trained for a short time.

    What it has not learnt of the visibility of a sensor goes into its yield: a few percent.
    """
    source = box(yield_rms=0.3, dead=0.2)
    table = source.simulate(
        np.arange(400, dtype=np.uint64), frozenset({"position", "charge", "photons", "alive"})
    )
    config = SirenPriorConfig(yields=True, layers=0, hidden=16)
    torch.manual_seed(2)
    net: Any = prior_networks(config, source.facts)["net"]
    learner = OpticsLearner(config, source.facts)
    batch = Batch(
        {"position": torch.from_numpy(table["position"])},
        {name: torch.from_numpy(table[name]) for name in ("charge", "photons", "alive")},
        table.ids,
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(300):
        optimizer.zero_grad()
        (term,) = learner.loss({"net": net}, batch, CONTEXT).terms.values()
        (term.total / term.count).backward()
        optimizer.step()
    alive = source.facts["alive"]
    found, true = net.log_yields().detach().numpy()[alive], np.log(source.facts["yields"][alive])
    assert true.std() > 0.15
    assert (found - true).std() < 0.5 * true.std()
    assert np.corrcoef(found, true)[0, 1] > 0.9
