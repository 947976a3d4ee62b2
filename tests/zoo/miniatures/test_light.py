"""mini-light: solid angles, Poisson charges, the chunked gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.engine.chunked import chunk_size
from zoo.engine.context import step_context
from zoo.engine.tensors import to_tensors
from zoo_miniatures.light.baselines import InverseSquare, Optics
from zoo_miniatures.light.codec import LightCodec
from zoo_miniatures.light.config import FlashesConfig, NothingConfig, SirenConfig
from zoo_miniatures.light.learner import ShareLearner
from zoo_miniatures.light.metrics import ShareMetrics
from zoo_miniatures.light.models import Siren, WholeSiren
from zoo_miniatures.light.physics import expected_share
from zoo_miniatures.light.sources import Flashes

FIELDS = frozenset({"position", "charge"})
KEYS = np.arange(200, dtype=np.uint64)


def test_share_is_the_solid_angle_of_a_disc_times_the_attenuation():
    # Exact solid angle over 4 pi on the axis: (1 - d / sqrt(d^2 + r^2)) / 2, r = 100, d = 1000.
    facts = {
        "geometry": {"position": np.array([[0, 0, -1000.0]]), "normal": np.array([[0, 0, 1.0]])},
        "attenuation": 2000.0,
    }
    exact = (1 - 1000 / np.hypot(1000, 100)) / 2 * np.exp(-0.5)
    share = expected_share(np.zeros((1, 3)), facts)[0, 0]
    assert share == pytest.approx(exact, rel=0.01)  # the disc is distant to 0.75 %


def test_charges_are_poisson_and_the_oracle_reaches_its_floor():
    # Poisson charges about the true shares: the deviance per degree of freedom is one.
    simulator = Flashes(FlashesConfig())
    samples = simulator.simulate(KEYS, FIELDS)
    metrics = ShareMetrics(simulator.facts)

    def deviance(predictor: Optics) -> float:
        rows = metrics.measure(samples, predictor.predict(samples, None))
        return metrics.summarise(rows)[0].value

    assert deviance(Optics(NothingConfig(), simulator.facts)) == pytest.approx(1.0, abs=0.06)
    assert deviance(InverseSquare(NothingConfig(), simulator.facts)) > 20


def test_the_chunked_gradient_is_the_whole_one():
    simulator = Flashes(FlashesConfig())
    codec = LightCodec(SirenConfig(), simulator.facts, {})
    samples = simulator.simulate(KEYS[:7], FIELDS)
    batch = to_tensors(codec.encode(samples), torch.device("cpu"))
    torch.manual_seed(1)
    siren = Siren(SirenConfig(), simulator.facts)
    learner = ShareLearner(SirenConfig(), simulator.facts)
    context = step_context(0, 0, "net", samples.ids, torch.device("cpu"))
    gradients = []
    for net in (siren, WholeSiren(siren)):
        with chunk_size(13 if net is siren else None):
            term = learner.loss({"net": net}, batch, context).terms["multinomial"]
        assert term.count == pytest.approx(samples["charge"].sum())
        gradients.append(torch.autograd.grad(term.total, list(siren.parameters())))
    for chunked, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(chunked, whole, rtol=1e-4, atol=1e-5 * term.count)


def test_the_loss_couples_all_photomultipliers():
    # Equal logits are equal shares: -sum(q) ln(1/P) for whatever charges.
    class Equal(torch.nn.Module):
        def forward(self, position: torch.Tensor) -> torch.Tensor:
            return torch.full((len(position), 32), 5.0)

    simulator = Flashes(FlashesConfig())
    samples = simulator.simulate(KEYS[:3], FIELDS)
    batch = to_tensors(LightCodec(None, simulator.facts, {}).encode(samples), torch.device("cpu"))
    context = step_context(0, 0, "net", samples.ids, torch.device("cpu"))
    term = ShareLearner(None, {}).loss({"net": Equal()}, batch, context).terms["multinomial"]
    assert term.total.item() / term.count == pytest.approx(np.log(32), rel=1e-5)
