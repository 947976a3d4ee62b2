"""The likelihood that trains, against scipy's densities, integrals and known truths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import exponnorm, norm
from torch import Tensor, nn

from zoo.api import Batch, PluginError, Table
from zoo.engine.tensors import to_tensors
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenPairConfig
from zoo_optics.learner import OpticsLearner
from zoo_optics.models.siren_pair import pair_networks
from zoo_optics.times.head import ShapeTensors, times_of
from zoo_optics.times.likelihood import log_density, log_hits
from zoo_optics.times.shapes import flat_share

CONTEXT: Any = None  # this learner asks nothing of it
Drawn = Callable[..., Table]
Facts = Callable[..., dict[str, Any]]


def shape(*numbers: float, dtype: torch.dtype = torch.float64) -> ShapeTensors:
    return ShapeTensors(*(torch.tensor([x], dtype=dtype) for x in numbers))


@pytest.mark.parametrize(
    "numbers", [(0.7, 0.1, 0.6, 8.0), (0.05, -0.4, 1.5, 0.3), (0.99, 0.0, 0.05, 40.0)]
)
@pytest.mark.parametrize(("dtype", "precision"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_the_density_is_that_of_scipy(
    numbers: tuple[float, ...], dtype: torch.dtype, precision: float
) -> None:
    prompt, shift, width, decay = numbers
    late = np.concatenate([np.linspace(-5, 5, 41) * width, np.linspace(1, 9, 20) * decay]) + shift
    core = norm.logpdf(late, shift, width)
    tail = exponnorm.logpdf(late, decay / width, loc=shift, scale=width)
    expected = np.logaddexp(np.log(prompt) + core, np.log1p(-prompt) + tail)
    found = log_density(torch.tensor(late, dtype=dtype), shape(*numbers, dtype=dtype))
    np.testing.assert_allclose(found.numpy(), expected, rtol=precision, atol=10 * precision)


def test_gradients_are_those_of_differences_and_finite_far_away() -> None:
    late = torch.tensor([-3.0, -0.5, 0.0, 0.7, 4.0, 60.0], dtype=torch.float64)
    raw = torch.tensor([0.6, 0.1, 0.7, 5.0], dtype=torch.float64, requires_grad=True)

    def of(numbers: Tensor) -> Tensor:
        return log_density(late, ShapeTensors(*numbers.unbind()))

    assert torch.autograd.gradcheck(of, (raw,))
    far = torch.tensor([-900.0, -20.0, 250.0, 900.0])
    for numbers in ([0.6, 0.1, 0.02, 40.0], [1.0, 0.0, 0.6, 1e-3], [0.0, 0.0, 30.0, 0.05]):
        leaf = torch.tensor(numbers, requires_grad=True)
        value = log_density(far, ShapeTensors(*leaf.unbind()))
        value.sum().backward()
        assert torch.isfinite(value).all()
        assert leaf.grad is not None
        assert torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize("dark", [0.0, 0.4])
def test_hits_are_normalised_over_light_and_dark(dark: float) -> None:
    """Of a sensor that expects 1.6 hits: a sum over fine steps, far beyond the window too."""
    step, window, straight = 0.01, 250.0, 7.0
    time = torch.arange(-60, 400, step, dtype=torch.float64) + step / 2
    flat = torch.where((time >= 0) & (time <= window), 1 / window, 0.0)
    mean = torch.tensor([1.6], dtype=torch.float64)
    found = log_hits(time - straight, shape(0.8, 0.1, 0.6, 5.0), flat, mean, dark)
    assert float(found.exp().sum() * step) == pytest.approx(1, abs=1e-6)
    # Late in the window there is nothing but what is spread evenly, with the share of numpy's.
    share = float(flat_share(np.array([1.6]), dark)[0])
    late = found[(time > 200) & (time < 249)].exp()
    np.testing.assert_allclose(late.numpy(), share / window, rtol=1e-6)
    assert torch.isfinite(found).all()


def made(
    table: Table, facts: dict[str, Any], **settings: Any
) -> tuple[dict[str, nn.Module], OpticsLearner, Batch]:
    torch.manual_seed(1)
    config = SirenPairConfig.model_validate({"time": True, "hidden": 16, "layers": 1, **settings})
    batch = to_tensors(OpticsCodec(config, facts, {}).encode(table), torch.device("cpu"))
    return pair_networks(config, facts), OpticsLearner(config, facts), batch


def test_the_loss_is_the_mean_over_hits_beside_that_of_charges(drawn: Drawn, facts: Facts) -> None:
    table = drawn(4)
    nets, learner, batch = made(table, facts(), time_weight=0.3)
    terms = learner.loss(nets, batch, CONTEXT).terms
    assert list(terms) == ["poisson", "hit_time"]
    assert (terms["poisson"].count, terms["hit_time"].count) == (4 * 34, 4 * 60)
    assert (terms["poisson"].weight, terms["hit_time"].weight) == (1, 0.3)
    # By hand: the head's shape at each hit, scipy's densities, 1 per mille astray.
    head = times_of(nets).everywhere(batch.inputs["position"])
    flash = np.repeat(np.arange(4), 60)
    at = (flash, table["hit_sensor"].values)
    prompt, shift, width, decay = (part.detach().double().numpy()[at] for part in head)
    hits = batch.targets
    late = hits["hit_late"].double().numpy()
    light = prompt * norm.pdf(late, shift, width)
    light += (1 - prompt) * exponnorm.pdf(late, decay / width, loc=shift, scale=width)
    total = -np.log(0.999 * light + 0.001 * hits["hit_flat"].numpy()).sum()
    assert terms["hit_time"].total.item() == pytest.approx(total, rel=1e-4)


def test_parts_add_up_to_the_whole(drawn: Drawn, facts: Facts) -> None:
    """A sum and a count: accumulated batches have the gradient of one."""
    table = drawn(5)
    totals: list[tuple[float, float]] = []
    gradients = []
    for parts in ([slice(0, 5)], [slice(0, 2), slice(2, 5)]):
        total, count, nets = 0.0, 0.0, {}
        for part in parts:
            fresh, learner, batch = made(table.take(part), facts())
            nets = nets or fresh
            term = learner.loss(nets, batch, CONTEXT).terms["hit_time"]
            term.total.backward()
            total, count = total + term.total.item(), count + term.count
        totals.append((total, count))
        gradients.append(torch.cat([p.grad.flatten() for p in times_of(nets).parameters()]))  # type: ignore[union-attr]
    assert totals[0] == pytest.approx(totals[1], rel=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_flashes_without_hits_train_no_times(drawn: Drawn, facts: Facts) -> None:
    nets, learner, batch = made(drawn(3, hits=0), facts())
    term = learner.loss(nets, batch, CONTEXT).terms["hit_time"]
    assert (term.total.item(), term.count) == (0, 0)
    term.total.backward()
    assert all(p.grad is None or not p.grad.any() for p in times_of(nets).parameters())


def test_charges_are_learnt_as_without_times(drawn: Drawn, facts: Facts) -> None:
    """The same start and the same gradient of all parameters of the visibilities."""
    table, found = drawn(4), []
    for time in (False, True):
        nets, learner, batch = made(table, facts(), time=time)
        loss = learner.loss(nets, batch, CONTEXT)
        sum(term.total for term in loss.terms.values()).backward()  # type: ignore[union-attr]
        kept = {n: p for n, p in nets["net"].named_parameters() if not n.startswith("times.")}
        found.append({name: (p.detach(), p.grad) for name, p in kept.items()})
    assert found[0].keys() == found[1].keys()
    for name, pair in found[0].items():
        torch.testing.assert_close(pair, found[1][name], rtol=0, atol=0)


@pytest.mark.parametrize("dark", [0, 30])
def test_a_training_finds_what_hits_were_drawn_from(
    drawn: Drawn, facts: Facts, truth: tuple[float, ...], dark: int
) -> None:
    """30 of 330 hits are dark: the facts tell the rate, and the light's shape stays as it is."""
    sensors, window = 34, 250.0
    told = facts(dark_khz=1e6 * dark / sensors / window)
    table = drawn(40, hits=300, dark=dark)
    nets, learner, batch = made(table, told, time_hidden=6)
    with torch.no_grad():  # visibilities as they are: every sensor sees the same of 1e4 photons
        nets["net"].stack[-1].weight.zero_()  # type: ignore[index, union-attr]
        share = np.log((300 + dark) / sensors / 1e4) - nets["net"].mean_log  # type: ignore[operator]
        nets["net"].stack[-1].bias.fill_(share / nets["net"].scale)  # type: ignore[index, operator, union-attr]
    rule = torch.optim.Adam(times_of(nets).parameters(), 1e-2)
    for _ in range(120):
        rule.zero_grad()
        term = learner.loss(nets, batch, CONTEXT).terms["hit_time"]
        (term.total / term.count).backward()
        rule.step()
    every = times_of(nets).everywhere(batch.inputs["position"])
    found = [float(part.detach().mean()) for part in every]
    # 12 000 hits: of one shape for all, the share is known to 0.006 and the tail to 2 %.
    assert found[0] == pytest.approx(truth[0], abs=0.05)
    assert found[1] == pytest.approx(truth[1], abs=0.1)
    assert found[2] == pytest.approx(truth[2], abs=0.1)
    assert found[3] == pytest.approx(truth[3], rel=0.2)


def test_a_network_without_a_head_is_no_timed_one(drawn: Drawn, facts: Facts) -> None:
    nets, _, _ = made(drawn(1), facts(), time=False)
    with pytest.raises(PluginError, match="no head for times"):
        times_of(nets)
