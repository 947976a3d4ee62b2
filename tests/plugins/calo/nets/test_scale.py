"""Whether critic and constrainer see how much energy a shower has, or its shape alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from zoo_calo.config import WganConfig, WganLiteConfig
from zoo_calo.models import lite, wgan
from zoo_calo.physics.grid import Grid

MAKERS = {
    "published": (wgan.networks, WganConfig(generator_width=4, critic_width=4), False),
    "unit": (wgan.networks, WganConfig(critic_width=4, critic_unit=100.0), True),
    "lite": (lite.networks, WganLiteConfig(critic_width=8), True),
}


@pytest.mark.parametrize("name", MAKERS)
def test_twice_the_energy_in_every_cell(name: str, grids: Callable[..., Grid]) -> None:
    """Behind a convolution without bias a channel is normalised over all cells: factors drop out.

    They stay where its variance is below the 1e-5 that is added to it. What they do is compared
    with what the same shower from back to front does.
    """
    torch.manual_seed(1)
    make, config, sees = MAKERS[name]
    nets = make(config, grids(12, 10).facts())  # type: ignore[operator]  # each has its config
    cells, energy = 20 * torch.rand(6, 12, 10, 10) ** 10, torch.full((6, 1), 0.5)
    judges = {
        "critic": lambda showers: nets["critic"](showers, energy),
        "constrainer": nets["constrainer"],
    }
    for judge in judges.values():
        with torch.no_grad():
            one, two, other = judge(cells), judge(2 * cells), judge(cells.flip(1))
        share = float((two - one).abs().max() / (other - one).abs().max())
        assert share > 0.02 if sees else share < 1e-3
