"""The network of the times: pairs and all sensors, chunks, export-ready shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from zoo.api import DataError
from zoo.engine.chunked import chunk_size
from zoo_optics.config import (
    FourierConfig,
    HashGridConfig,
    SirenFactorConfig,
    SirenPairConfig,
    SirenPriorConfig,
    SirenVectorConfig,
)
from zoo_optics.models.hash_grid import hash_grid_networks
from zoo_optics.models.siren_factor import factor_networks
from zoo_optics.models.siren_pair import pair_networks, prior_networks
from zoo_optics.models.vector import fourier_networks, vector_networks
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.times.head import HitTimes, times_of

NETWORKS: dict[str, Any] = {
    "siren-pair": (pair_networks, SirenPairConfig),
    "siren-prior": (prior_networks, SirenPriorConfig),
    "siren-factor": (factor_networks, SirenFactorConfig),
    "siren-vector": (vector_networks, SirenVectorConfig),
    "fourier": (fourier_networks, FourierConfig),
    "hash-grid": (hash_grid_networks, HashGridConfig),
}
Facts = Callable[..., dict[str, Any]]


def points(count: int) -> torch.Tensor:
    return 120 * torch.rand(count, 3, generator=torch.Generator().manual_seed(3)) - 60


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("direction", [False, True])
def test_pairs_are_a_part_of_all(name: str, direction: bool, facts: Facts) -> None:
    torch.manual_seed(1)
    build, config = NETWORKS[name]
    head = times_of(build(config(time=True, direction=direction), facts()))
    place = points(5)
    way = nn.functional.normalize(torch.randn(5, 3), dim=1) if direction else None
    every = head.everywhere(place, way)
    flash, sensor = torch.tensor([0, 4, 2, 2]), torch.tensor([33, 0, 7, 8])
    some = head(place, way, flash, sensor)
    for whole, part in zip(every, some, strict=True):
        assert whole.shape == (5, 34)
        torch.testing.assert_close(whole[flash, sensor], part, rtol=1e-4, atol=1e-5)


def test_an_untrained_head_has_the_sizes_of_its_detector(facts: Facts) -> None:
    """Core as wide as the transit times, a tenth of the way across: 0.1 x 640 cm x 1.38 / c."""
    torch.manual_seed(1)
    head = HitTimes(SirenPairConfig(time=True), facts(transit_spread_ns=0.6))
    prompt, shift, width, tail = (x.detach() for x in head.everywhere(points(200)))
    assert ((prompt > 0.3) & (prompt < 1)).all()
    assert shift.abs().max() < 1
    assert float(width.mean()) == pytest.approx(0.6, rel=0.25)
    across = (400**2 + 400**2 + 300**2) ** 0.5 * 1.38 / 29.9792458
    assert float(tail.mean()) == pytest.approx(0.1 * across, rel=0.5)


def test_chunks_change_neither_values_nor_gradients(facts: Facts) -> None:
    values, gradients = [], []
    for chunk in (None, 37):
        torch.manual_seed(1)
        head = HitTimes(SirenPairConfig(time=True), facts())
        with chunk_size(chunk):
            found = torch.stack(head.everywhere(points(6)))
            found.square().sum().backward()
        values.append(found.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in head.parameters()]))  # type: ignore[union-attr]
    torch.testing.assert_close(*values, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-2)


def test_no_pair_is_no_row_in_chunks_too(facts: Facts) -> None:
    head = HitTimes(SirenPairConfig(time=True), facts())
    none = torch.zeros(0, dtype=torch.int64)
    for chunk in (None, 16):
        with chunk_size(chunk):
            assert head(points(2), None, none, none).tail.shape == (0,)


def test_weights_of_a_model_without_times_are_as_before(facts: Facts) -> None:
    plain = pair_networks(SirenPairConfig(), facts())["net"].state_dict()
    timed = pair_networks(SirenPairConfig(time=True), facts())["net"].state_dict()
    assert not any(name.startswith("times") for name in plain)
    added = {name for name in timed if name not in plain}
    assert {name.split(".")[1] for name in added} == {"stack"}  # no second copy of the sensors
    assert plain.keys() < timed.keys()


def test_it_can_be_described_without_memory(facts: Facts) -> None:
    """On the device ``meta``, as `zoo info` and `zoo train --dry-run` build it."""
    with torch.device("meta"):
        head = HitTimes(SirenPairConfig(time=True), facts())
    # 11 x 32 + 32, twice 32 x 32 + 32, 32 x 4 + 4.
    assert sum(p.numel() for p in head.parameters()) == 12 * 32 + 2 * 33 * 32 + 33 * 4
    assert all(p.is_meta for p in head.parameters())


def test_light_of_argon_has_no_times() -> None:
    argon = LarBox(LarBoxConfig()).facts
    with pytest.raises(DataError, match="the data tell no hit times") as told:
        pair_networks(SirenPairConfig(time=True), argon)
    assert told.value.remedy.startswith("set model.time = false")
