"""What the fast networks promise: energies that follow, numbers that are independent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo_calo.config import WganLiteConfig
from zoo_calo.models import lite
from zoo_calo.models.lite_generator import Texture
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]


def test_a_texture_is_as_good_as_independent_numbers() -> None:
    """sin of a uniform phase: mean 0, variance 1/2; 40 numbers of 4,000 vectors, uncorrelated.

    Of 780 correlations of independent numbers the largest is expected at 3.4 / sqrt(4000) = 0.054.
    """
    torch.manual_seed(4)
    latent = 2 * torch.rand(4000, 100) - 1
    numbers = Texture(100, (4, 5, 2))(latent).flatten(1).numpy()
    assert np.abs(numbers.mean(0)).max() < 0.05
    assert numbers.var(0) == pytest.approx(np.full(40, 0.5), rel=0.06)
    correlation = np.corrcoef(numbers.T) - np.eye(40)
    assert np.abs(correlation).max() < 0.07


@pytest.mark.parametrize("unit", ["MeV", "MIP"])
def test_it_begins_with_the_response(unit: str, grids: Grids) -> None:
    """30 MeV for each GeV, within what the head's random parameters allow; all layers share it."""
    torch.manual_seed(5)
    grid = grids(10, 9)
    config = WganLiteConfig.model_validate(
        {"energy_unit": 10.0, "cell_unit": unit, "width": 8, "response": 30.0}
    )
    generator = lite.networks(config, grid.facts())["generator"]
    given = torch.tensor([[0.1], [0.5], [1.0]]).repeat(50, 1)  # 1, 5 and 10 GeV
    latent = 2 * torch.rand(150, 100, 1, 1, 1) - 1
    with torch.no_grad():
        cells = generator(latent, given) * (grid.mip_mev if unit == "MIP" else 1.0)
    seen = cells.sum((1, 2, 3)).reshape(50, 3).mean(0) / torch.tensor([1.0, 5.0, 10.0])
    assert seen.numpy() == pytest.approx(np.full(3, 30.0), rel=0.25)
