"""The hash grid: places, weights, hashes and gradients against ones computed by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from zoo_optics.config import HashGridConfig
from zoo_optics.models.hash_grid import HashGrid, hash_grid_networks, resolutions
from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.physics.symmetry import mirror, partners
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox


def grid(sizes: list[int], entries: int, table: Any = None, features: int = 1) -> HashGrid:
    torch.manual_seed(1)
    made = HashGrid(sizes, entries, features).double()
    if table is not None:
        with torch.no_grad():
            made.table.copy_(torch.as_tensor(table, dtype=torch.float64).reshape(-1, features))
    return made


def point(*place: float) -> Tensor:
    return torch.tensor([place], dtype=torch.float64, requires_grad=True)


def test_weights_of_the_corners_by_hand() -> None:
    """One cell; only the corner (1, 0, 1) has a feature: its weight is x (1 - y) z."""
    table = torch.zeros(2, 2, 2)  # stored with x fastest: z, y, x
    table[1, 0, 1] = 1
    place = point(0.25, 0.5, 0.75)
    value = grid([1], 8, table.flatten())(place)
    assert value.item() == pytest.approx(0.25 * 0.5 * 0.75, abs=1e-15)
    value.backward()
    by_hand = [0.5 * 0.75, -0.25 * 0.75, 0.25 * 0.5]
    assert place.grad is not None
    assert place.grad[0].tolist() == pytest.approx(by_hand, abs=1e-15)
    each = torch.eye(3, dtype=torch.float64)[None]
    carried = grid([1], 8, table.flatten()).with_slope(place.detach(), each)[1]
    assert carried[0, :, 0].tolist() == pytest.approx(by_hand, abs=1e-15)


def test_the_gradient_of_a_feature_is_the_weight_of_its_corner() -> None:
    made = grid([2], 27)
    made(point(0.625, 0.5, 1.0)).backward()
    # In cells: 1.25, 1 and 2: corners x = 1, 2 with 3/4 and 1/4, y = 1 and z = 2 alone.
    weights = torch.zeros(3, 3, 3, dtype=torch.float64)
    weights[2, 1, 1], weights[2, 1, 2] = 0.75, 0.25
    torch.testing.assert_close(made.table.grad, weights.reshape(-1, 1))


def test_what_is_linear_stays_linear() -> None:
    """Trilinear interpolation is exact for 2 + 3 x - 5 y + 7 z, at every level."""
    made = grid([3, 5], 512)
    rows = []
    for cells in (3, 5):
        steps = torch.arange(cells + 1, dtype=torch.float64) / cells
        z, y, x = torch.meshgrid(steps, steps, steps, indexing="ij")
        rows.append((2 + 3 * x - 5 * y + 7 * z).flatten())
    with torch.no_grad():
        made.table.copy_(torch.cat(rows)[:, None])
    place = torch.rand(50, 3, dtype=torch.float64).requires_grad_()
    expected = 2 + place @ torch.tensor([3.0, -5, 7], dtype=torch.float64)
    found = made(place)
    torch.testing.assert_close(found, expected[:, None].expand(50, 2))
    (slope,) = torch.autograd.grad(found[:, 1].sum(), place)
    torch.testing.assert_close(slope, torch.tensor([[3.0, -5, 7]] * 50, dtype=torch.float64))


def test_a_fine_grid_is_hashed_as_in_the_paper() -> None:
    """Equation (4) of arXiv:2201.05989 in unsigned 32 bits, worked out by hand.

    Corner (3, 5, 7): 5 * 2654435761 = 13272178805 = 387276917 modulo 2^32, and
    7 * 805459861 = 5638219027 = 1343251731.
    """
    made = grid([16], 4096)
    entry = made._entry(torch.tensor([[[3, 5, 7]]]))[0, 0]
    assert entry[0].item() == (3 ^ 387_276_917 ^ 1_343_251_731) % 4096
    assert entry.unique().numel() == 8  # the primes keep neighbours apart
    assert made.table.shape == (4096, 1)


def test_a_grid_that_fits_its_table_is_not_hashed() -> None:
    """16^3 corners of 15 cells are 4096 entries: each corner has its own."""
    made = grid([15, 4], 4096)
    assert made.table.shape == (4096 + 5**3, 1)
    last = made._entry(torch.tensor([[[14, 14, 14], [3, 3, 3]]]))[0, :, -1]
    assert last.tolist() == [4095, 4096 + 124]
    cells = torch.cartesian_prod(*[torch.arange(15)] * 3)[:, None].expand(-1, 2, 3).clamp_max(3)
    assert made._entry(cells)[:, 1].unique().tolist() == list(range(4096, 4096 + 125))


def test_resolutions_are_those_of_the_paper() -> None:
    """Its table 1: from 16 to 512 in 16 levels the growth is 1.26, here 2^(1/3) exactly."""
    found = resolutions(16, 512, 16)
    assert found[::3] == [16, 32, 64, 128, 256, 512]
    assert found[1::3] == [20, 40, 80, 161, 322]  # 20.16 and its doubles
    assert found[2::3] == [25, 50, 101, 203, 406]  # 25.40 and its doubles
    assert resolutions(7, 90, 1) == [7]


@pytest.mark.parametrize("entries", [64, 512])
def test_gradients_are_those_of_finite_differences(entries: int) -> None:
    made = grid([2, 7], entries, features=2)
    nn.init.normal_(made.table)
    place = (torch.rand(6, 3, dtype=torch.float64) * 0.999).requires_grad_()
    assert torch.autograd.gradcheck(made, (place,), eps=1e-7, atol=1e-5)
    assert torch.autograd.gradcheck(
        lambda table: torch.func.functional_call(made, {"table": table}, (place.detach(),)),
        (made.table.detach().clone().requires_grad_(),),
    )


def test_a_carried_derivative_is_that_of_automatic_differentiation_and_of_small_steps() -> None:
    """Of levels with hashes and without, inside and outside, of points that move askew."""
    made = grid([2, 7], 64, features=2)
    nn.init.normal_(made.table)
    place = 1.3 * torch.rand(20, 3, dtype=torch.float64) - 0.15
    turn = torch.randn(3, 3, dtype=torch.float64)
    value, slope = made.with_slope(place, turn.expand(20, 3, 3))
    torch.testing.assert_close(value, made(place))
    assert slope.shape == (20, 3, 4)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: made(one[None])[0]))(place)
    torch.testing.assert_close(slope, turn @ jacobian.transpose(1, 2))
    step = 1e-7
    for axis in range(3):
        finite = (made(place + step * turn[axis]) - made(place - step * turn[axis])) / (2 * step)
        torch.testing.assert_close(slope[:, axis], finite, rtol=1e-5, atol=1e-5)
    outside = ((place < 0) | (place > 1)).all(1)
    assert not outside.all()
    assert not slope[outside].any()


def test_the_network_carries_it_through_its_layers() -> None:
    wall = np.array([[9.0, 1, 1], [9, 5, 2], [9, 7, 8]])
    sensors = Sensors(wall, np.tile([-1.0, 0, 0], (3, 1)), 0.5)
    facts = Detector(sensors, Box((0.0, 0, 0), (9.0, 9, 9))).facts()
    torch.manual_seed(1)
    for direction in (False, True):
        config = HashGridConfig(levels=3, table_log2=6, hidden=8, direction=direction)
        net: Any = hash_grid_networks(config, facts)["net"].double()
        nn.init.normal_(net.grid.table)
        place = 9 * torch.rand(5, 3, dtype=torch.float64)
        more = (torch.tensor([[0.6, 0.0, 0.8]], dtype=torch.float64),) if direction else ()
        for one in place:
            of = partial(lambda at, net, more: net(at[None], *more)[0], net=net, more=more)
            expected = torch.func.jacrev(of)(one)
            value, slope = net.with_slope(one[None], *more)
            torch.testing.assert_close(value, net(one[None], *more))
            torch.testing.assert_close(slope[0], expected)
            assert float(slope.detach().abs().max()) > 1e-3


def test_it_is_continuous_and_held_outside() -> None:
    made = grid([4, 9], 128)
    nn.init.normal_(made.table)
    step = 1e-9
    for edge in (0.25, 1 / 9):
        low, high = made(point(edge - step, 0.3, 0.6)), made(point(edge + step, 0.3, 0.6))
        torch.testing.assert_close(low, high, rtol=0, atol=1e-6)
    torch.testing.assert_close(made(point(-0.2, 0.3, 1.7)), made(point(0, 0.3, 1)))


def test_it_learns_what_a_coarse_grid_cannot_say() -> None:
    """Stripes of eight to the cube: far below the error of the mean, 1/2, only with fine levels."""
    place = torch.rand(4000, 3, generator=torch.Generator().manual_seed(2))
    target = torch.sin(8 * torch.pi * place[:, 0])
    errors = []
    for sizes in ([2, 4], [2, 4, 32]):
        torch.manual_seed(3)
        made, last = HashGrid(sizes, 4096, 2), nn.Linear(2 * len(sizes), 1)
        optimizer = torch.optim.Adam([*made.parameters(), *last.parameters()], lr=0.02)
        for _ in range(120):
            loss = (last(made(place))[:, 0] - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        errors.append(loss.item())
    assert errors[0] > 0.3
    assert errors[1] < 0.1


def test_the_network_has_the_parameters_of_its_settings() -> None:
    wall = np.array([[9.0, 1, 1], [9, 5, 2], [9, 7, 8]])
    sensors = Sensors(wall, np.tile([-1.0, 0, 0], (3, 1)), 0.5)
    facts = Detector(sensors, Box((0.0, 0, 0), (9.0, 9, 9))).facts()
    config = HashGridConfig(levels=3, table_log2=9, features=2, base=4, finest=16, hidden=8)
    net = hash_grid_networks(config, facts)["net"]
    table = 2 * (5**3 + 512 + 512)  # 4 cells fit into 512 entries; 8 and 16 do not
    layers = (6 * 8 + 8) + (8 * 8 + 8) + (8 * 3 + 3)
    assert sum(p.numel() for p in net.parameters()) == table + layers


def test_it_is_folded_where_that_is_wanted() -> None:
    """Mirrored in y: the sensors at the mirror images see the same, and the slope is right."""
    source = LarBox(LarBoxConfig(rows=3, columns=4))
    torch.manual_seed(2)
    config = HashGridConfig(levels=3, hidden=8, symmetry=("y",))
    net: Any = hash_grid_networks(config, source.facts)["net"].double()
    nn.init.normal_(net.grid.table)
    place = torch.tensor([[50.0, 33, 101], [120, -61, 403]], dtype=torch.float64)
    mirrored = place * torch.tensor([1.0, -1, 1])
    image = torch.from_numpy(partners(source.detector, mirror(1)))
    seen = net(place).detach()
    torch.testing.assert_close(net(mirrored).detach()[:, image], seen)
    assert float((seen[:, image] - seen).abs().max()) > 0.1
    for one in place:
        exact = torch.func.jacrev(lambda at: net(at[None])[0])(one)
        torch.testing.assert_close(net.with_slope(one[None])[1][0], exact)


def test_a_finest_grid_below_the_coarsest_is_refused() -> None:
    with pytest.raises(ValidationError, match="finest must not lie below base, 3 < 4"):
        HashGridConfig(base=4, finest=3)
