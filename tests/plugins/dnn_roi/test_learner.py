from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch
from zoo.config.layers import recipe_layer, resolve
from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.learner import RoiLearner
from zoo_dnn_roi.models.lite_unet import networks
from zoo_dnn_roi.plugin import zoo_tasks


class Context:
    step = 0
    phase = "net"


class Fixed(nn.Module):
    """Returns the logits it was given, whatever the image."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, image: Tensor) -> Tensor:
        return self.logits


def terms(logits: Tensor, mask: Tensor, **settings: Any) -> dict[str, tuple[float, float, float]]:
    learner = RoiLearner(LiteUNetConfig.model_validate(settings), {})
    batch = Batch({"image": logits}, {"mask": mask}, np.arange(len(mask), dtype=np.uint64))
    loss = learner.loss({"net": Fixed(logits)}, batch, Context())  # type: ignore[arg-type]  # enough
    return {name: (float(t.total), t.count, t.weight) for name, t in loss.terms.items()}


def test_cross_entropy_of_even_odds_is_ln_2_a_pixel() -> None:
    mask = torch.zeros(2, 1, 3, 5, dtype=torch.bool)
    mask[0, 0, 0] = True
    found = terms(torch.zeros(2, 1, 3, 5), mask)["bce"]
    assert found == pytest.approx((30 * math.log(2), 30, 1.0))


def test_mask_pixels_may_weigh_more() -> None:
    mask = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    mask[0, 0, 0, 0] = True
    total, count, _ = terms(torch.zeros(1, 1, 2, 2), mask, positive_weight=3.0)["bce"]
    assert (total, count) == pytest.approx((6 * math.log(2), 4))


def test_dice_of_even_odds() -> None:
    # Four pixels, one true, p = 1/2: 1 - (2 * 0.5 + 1) / (2 + 1 + 1) = 1/2, for each plane.
    mask = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    mask[:, 0, 0, 0] = True
    assert terms(torch.zeros(2, 1, 2, 2), mask, dice=0.5)["dice"] == pytest.approx((1, 2, 0.5))
    assert terms(torch.zeros(2, 1, 2, 2), mask)["dice"][2] == 0  # recorded only


def test_a_perfect_answer_costs_nothing_and_the_opposite_much() -> None:
    mask = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.3
    logits = torch.where(mask, 40.0, -40.0)
    assert terms(logits, mask)["bce"][0] == pytest.approx(0, abs=1e-6)
    assert terms(logits, mask)["dice"][0] == pytest.approx(0, abs=1e-6)
    assert terms(-logits, mask)["bce"][0] == pytest.approx(64 * 40)


def test_totals_do_not_depend_on_the_batching() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 1, 6, 7, generator=generator)
    mask = torch.rand(4, 1, 6, 7, generator=generator) < 0.2
    whole = terms(logits, mask, dice=1.0)
    parts = [terms(logits[i : i + 1], mask[i : i + 1], dice=1.0) for i in range(4)]
    for name, (total, count, _) in whole.items():
        assert total == pytest.approx(sum(part[name][0] for part in parts), rel=1e-6)
        assert count == sum(part[name][1] for part in parts)


def test_predict_gives_probabilities_by_name() -> None:
    learner = RoiLearner(LiteUNetConfig(), {})
    batch = Batch({"image": torch.zeros(1)}, {}, np.zeros(1, np.uint64))
    logits = torch.tensor([0.0, math.log(3)])
    found = learner.predict({"net": Fixed(logits)}, batch, Context())  # type: ignore[arg-type]
    torch.testing.assert_close(found["probability"], torch.tensor([0.5, 0.75]))


def test_the_recipe_paper_is_the_published_training() -> None:
    # Yu et al., arXiv:2007.12743, and the authors' train4.py: SGD 0.1, 0.9, 5e-4, batch 1.
    layer = recipe_layer(zoo_tasks()[0].recipes, "paper")
    config: Any = resolve(LiteUNetConfig, [layer]).config
    optimizer, model = config.optimizers["net"], config.model
    assert (optimizer.kind, optimizer.lr, optimizer.momentum) == ("sgd", 0.1, 0.9)
    assert (optimizer.weight_decay, optimizer.schedule.kind) == (5e-4, "constant")
    assert (config.training.batch, config.training.epochs, config.data.validation) == (1, 50, 0.1)
    assert (model.rebin, model.scale, model.truth_threshold) == (10, 4000, 100)
    assert (model.dice, model.crop, model.positive_weight) == (0, None, 1)


def test_the_recipe_better_is_valid() -> None:
    layer = recipe_layer(zoo_tasks()[0].recipes, "better")
    config: Any = resolve(LiteUNetConfig, [layer]).config
    assert config.training.ema == 0.99
    assert config.model.threshold is None  # tuned


def test_a_small_network_learns_to_find_stripes() -> None:
    torch.manual_seed(0)
    config = LiteUNetConfig.model_validate({"widths": (8, 8, 8), "dice": 0.5})
    learner, nets = RoiLearner(config, {}), networks(config, {})
    optimizer = torch.optim.AdamW(nets["net"].parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(3)
    entropies = []
    for _ in range(80):
        mask = (torch.rand(4, 1, 1, 33, generator=generator) < 0.2).expand(4, 1, 16, 33)
        noise = torch.randn(4, 3, 16, 33, generator=generator)
        batch = Batch({"image": mask + 0.5 * noise}, {"mask": mask}, np.arange(4, dtype=np.uint64))
        loss = learner.loss(nets, batch, Context())  # type: ignore[arg-type]
        total = sum(term.weight * term.total / term.count for term in loss.terms.values())
        optimizer.zero_grad()
        torch.as_tensor(total).backward()  # type: ignore[no-untyped-call]  # untyped there
        optimizer.step()
        entropies.append(float(loss.terms["bce"].total.detach()) / mask.numel())
    # Always saying 20 % costs 0.50 a pixel.
    assert sum(entropies[-5:]) / 5 < 0.25
