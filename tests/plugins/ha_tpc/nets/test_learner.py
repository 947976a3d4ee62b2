"""Losses against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm, t
from torch import Tensor, nn

from zoo.api import Batch, PluginError
from zoo_ha_tpc.config import ImageConfig
from zoo_ha_tpc.learner import TrackLearner

CONTEXT: Any = None  # this learner asks nothing of it


class Fixed(nn.Module):
    """Answers with the same numbers, whatever the inputs."""

    def __init__(self, raw: Any) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.as_tensor(raw, dtype=torch.float64))

    def forward(self, **_: Tensor) -> Tensor:
        return self.raw


def batch(truth: Any, period: float = 0.0, **inputs: Any) -> Batch:
    values = torch.as_tensor(truth, dtype=torch.float64)
    tensors = {name: torch.as_tensor(one, dtype=torch.float64) for name, one in inputs.items()}
    targets = {"truth": values, "period": torch.full_like(values, period)}
    return Batch(tensors, targets, np.arange(len(values), dtype=np.uint64))


def learner(loss: str, **settings: Any) -> TrackLearner:
    config = {"loss": loss, "targets": ["phi", "z_ini"], **settings}
    return TrackLearner(ImageConfig.model_validate(config), {})


def terms(loss: str, raw: Any, given: Batch, **settings: Any) -> list[float]:
    found = learner(loss, **settings).loss({"net": Fixed(raw)}, given, CONTEXT).terms
    assert list(found) == ["phi", "z_ini"]
    assert all(term.count == 3 and term.weight == 0.5 for term in found.values())
    return [term.total.item() for term in found.values()]


TRUTH = np.array([[0.5, -1.0], [2.0, 0.0], [-0.5, 0.3]])
VALUE = np.array([[0.0, -1.5], [0.5, 0.1], [-0.5, 0.5]])


def test_squares() -> None:
    expected = ((TRUTH - VALUE) ** 2).sum(0)
    assert terms("mse", VALUE[..., None], batch(TRUTH)) == pytest.approx(expected)


def test_huber() -> None:
    """r^2 / 2 up to d, then d (|r| - d / 2): Huber, Ann. Math. Stat. 35 (1964) 73."""
    size = np.abs(TRUTH - VALUE)
    expected = np.where(size < 0.4, size**2 / 2, 0.4 * (size - 0.2)).sum(0)
    assert terms("huber", VALUE[..., None], batch(TRUTH), huber=0.4) == pytest.approx(expected)


def test_the_likelihood_is_that_of_a_gaussian() -> None:
    """-log N(truth; value, sigma) without log(2 pi) / 2: scipy knows the whole."""
    sigma = np.array([[0.5, 2.0], [1.0, 0.3], [3.0, 1.0]])
    raw = np.stack([VALUE, 2 * np.log(sigma)], 2)
    expected = -norm.logpdf(TRUTH, VALUE, sigma).sum(0) - 3 * np.log(2 * np.pi) / 2
    assert terms("gaussian-nll", raw, batch(TRUTH)) == pytest.approx(expected)


def test_the_likelihood_with_tails_is_that_of_student() -> None:
    """-log t(n) of scipy, less what does not depend on value and width."""
    sigma = np.array([[0.5, 2.0], [1.0, 0.3], [3.0, 1.0]])
    raw = np.stack([VALUE, 2 * np.log(sigma)], 2)
    expected = (-t.logpdf(TRUTH, 3, VALUE, sigma) + t.logpdf(0, 3)).sum(0)
    assert terms("student-nll", raw, batch(TRUTH), freedom=3.0) == pytest.approx(expected)


def test_beta_undoes_the_weight_of_the_variance() -> None:
    """With beta 1 the value has the gradient of half the squared error (arXiv:2203.09168)."""
    net = Fixed(np.stack([VALUE, np.full_like(VALUE, 1.3)], 2))
    found = learner("gaussian-nll", beta=1.0).loss({"net": net}, batch(TRUTH), CONTEXT)
    sum(term.total for term in found.terms.values()).backward()
    np.testing.assert_allclose(net.raw.grad[..., 0], VALUE - TRUTH, rtol=1e-9)


def test_quantiles_of_a_gaussian_are_the_minimum() -> None:
    sample = norm.ppf((np.arange(4000) + 0.5) / 4000)
    truth = np.stack([sample, sample], 1)
    net = Fixed(np.zeros((1, 2, 3)))  # median 0, distances 1
    loss = learner("quantile").loss({"net": _Repeated(net)}, batch(truth), CONTEXT)
    sum(term.total for term in loss.terms.values()).backward()
    np.testing.assert_allclose(net.raw.grad / 4000, 0, atol=5e-4)
    wide = Fixed(np.tile([0, 0.2, 0.2], (4000, 2, 1)))
    worse = learner("quantile").loss({"net": wide}, batch(truth), CONTEXT)
    assert worse.terms["phi"].total > loss.terms["phi"].total


class _Repeated(nn.Module):
    def __init__(self, net: Fixed) -> None:
        super().__init__()
        self.net = net

    def forward(self, **_: Tensor) -> Tensor:
        return self.net().expand(4000, -1, -1)


def test_angles_differ_by_the_short_way_round() -> None:
    raw = np.array([[[3.0], [3.0]]] * 3)
    near = terms("mse", raw, batch(np.full((3, 2), -3.0), period=2 * np.pi))
    assert near == pytest.approx([3 * (2 * np.pi - 6) ** 2] * 2)
    assert terms("mse", raw, batch(np.full((3, 2), -3.0))) == pytest.approx([3 * 36] * 2)


def test_a_correction_is_in_units_of_the_error_of_the_fit() -> None:
    start, scale = np.full((3, 2), 0.25), np.full((3, 2), 0.1)
    raw = np.stack([(TRUTH - start) / scale, np.zeros((3, 2))], 2)
    given = batch(TRUTH, start=start, scale=scale)
    assert terms("gaussian-nll", raw, given) == pytest.approx([0, 0], abs=1e-12)
    found = learner("gaussian-nll").predict({"net": Fixed(raw)}, given, CONTEXT)
    np.testing.assert_allclose(found["value"].detach(), TRUTH)
    np.testing.assert_allclose(found["error"].detach(), scale)


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(PluginError, match=r"shape \(3, 1, 1\) for truth of shape \(3, 2\)"):
        terms("mse", VALUE[:, :1, None], batch(TRUTH))
