"""Observables of small showers, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_calo.observables.cores import core_cells, core_shares, core_widths, cut_to_core
from zoo_calo.observables.hits import hits_of
from zoo_calo.observables.numbers import (
    CORRELATED,
    centre_of_gravity,
    contained,
    correlated,
    last_share,
    moments,
    occupancy,
    thirds,
    visible,
)
from zoo_calo.observables.observed import observed
from zoo_calo.observables.profiles import (
    from_axis,
    longitudinal,
    radial,
    radial_edges,
    spectrum,
    spectrum_edges,
)
from zoo_calo.physics.grid import Box, Grid, Rings

GRID = Grid(
    name="by hand",
    depth_mm=(10.0, 20.0, 30.0),
    layer_weight=(1.0, 1.0, 2.0),
    threshold_mev=0.1,
    mip_mev=0.2,
    box=Box(nx=4, ny=4, cell_mm=10.0, low_x_mm=-20.0, low_y_mm=-20.0),
)


def number(layer: int, x: int, y: int) -> int:
    return (layer * 4 + x) * 4 + y


def showers() -> Table:
    """One with four cells, one of which is too faint; an empty one; one with a single cell."""
    cells = [
        [number(0, 1, 1), number(1, 1, 2), number(2, 3, 2), number(2, 0, 0)],
        [],
        [number(1, 2, 2)],
    ]
    deposits = [[1.0, 0.5, 0.25, 0.099], [], [0.1]]
    return Table(
        {
            "id": np.arange(3, dtype=np.uint64),
            "energy": np.array([1, 1, 2], np.float32),
            "cell": Ragged.of([np.array(c, np.int32) for c in cells]),
            "deposit": Ragged.of([np.array(d, np.float32) for d in deposits]),
        }
    )


@pytest.fixture
def hits() -> Any:
    return hits_of(showers(), GRID).above(GRID.threshold_mev)


def test_sums_and_counts(hits: Any) -> None:
    # The last layer counts twice: 1 + 0.5 + 2 * 0.25. A cell at the threshold counts.
    np.testing.assert_allclose(visible(hits), [2.0, 0, 0.1], rtol=1e-6)
    assert hits.total().tolist() == [3, 0, 1]
    np.testing.assert_allclose(occupancy(hits), [3 / 48, 0, 1 / 48])


def test_centre_of_gravity_and_moments(hits: Any) -> None:
    # Energies 1, 0.5, 0.5 in layers 0, 1, 2; x 1, 1, 3; y 1, 2, 2.
    np.testing.assert_allclose(centre_of_gravity(hits), [0.75, np.nan, 1.0])
    by_hand = [
        *(1.5, 1.5, 0.75),
        *((0.25 * 1.5 + 0.25 * 2.25), 0.25, (0.5 * 0.5625 + 0.25 * 0.0625 + 0.25 * 1.5625)),
    ]
    by_hand[3] = 0.5 * 0.25 + 0.25 * 0.25 + 0.25 * 2.25
    np.testing.assert_allclose(moments(hits)[0], by_hand)
    assert np.isnan(moments(hits)[1]).all()
    np.testing.assert_allclose(moments(hits)[2], [2, 2, 1, 0, 0, 0], atol=1e-12)


def test_profiles(hits: Any) -> None:
    profile = longitudinal(hits)
    np.testing.assert_allclose(profile, [[1, 0.5, 0.5], [0, 0, 0], [0, 0.1, 0]], rtol=1e-6)
    np.testing.assert_allclose(thirds(profile)[0], [0.5, 0.25, 0.25])
    np.testing.assert_allclose(last_share(profile, 2)[[0, 2]], [0.5, 1])
    # Middles of cells lie at +-5 and +-15 mm.
    np.testing.assert_allclose(from_axis(hits), np.hypot([5, 5, 15, 5], [5, 5, 5, 5]))
    edges = radial_edges(GRID)
    assert len(edges) == 3  # of 1.06 cells
    bins = radial(hits)
    near, far = (int(np.searchsorted(edges, np.hypot(x, 5)) - 1) for x in (5, 15))
    assert (bins[0, near], bins[0, far]) == (1.5, 0.5)
    assert bins.sum() == pytest.approx(2.1)


@pytest.mark.parametrize(("cells", "bins"), [(30, 24), (48, 24), (13, 9), (10, 7), (1, 1)])
def test_no_radial_bin_is_empty_by_construction(cells: int, bins: int) -> None:
    half = cells / 2
    box = Box(nx=cells, ny=cells, cell_mm=1.0, low_x_mm=-half, low_y_mm=-half)
    grid = Grid(
        name="disc", depth_mm=(1.0,), layer_weight=(1.0,), threshold_mev=0, mip_mev=1, box=box
    )
    edges = radial_edges(grid)
    assert len(edges) == bins + 1  # 24 on 30 x 30, as in Buhmann et al.
    assert np.histogram(np.hypot(grid.x_mm, grid.y_mm), edges)[0].all()


def test_distance_from_a_tilted_axis(hits: Any) -> None:
    # A line at 45 degrees is at y = z: cell (0, 1, 1) has y - z = -5 - 10, over sqrt(2).
    found = from_axis(hits, np.full(3, np.pi / 4))
    assert found[0] == pytest.approx(np.hypot(5, 15 / np.sqrt(2)))
    np.testing.assert_allclose(from_axis(hits, np.full(3, np.pi / 2)), from_axis(hits))


def test_spectrum_is_uncut() -> None:
    edges = spectrum_edges(GRID)
    assert (len(edges), edges[0], edges[-1]) == (101, pytest.approx(0.01), pytest.approx(1000))
    found = spectrum(hits_of(showers(), GRID))
    assert found.sum(1).tolist() == [4, 0, 1]  # the faint cell too
    assert found[0, np.searchsorted(edges, 0.099) - 1] == 1
    # Exactly on an edge counts upwards.
    assert found[2, int(np.searchsorted(edges, np.float32(0.1), side="right")) - 1] == 1


def test_cores() -> None:
    box = Box(nx=11, ny=12, cell_mm=1.0, low_x_mm=0, low_y_mm=0)
    grid = Grid(
        name="core", depth_mm=(1.0,), layer_weight=(1.0,), threshold_mev=0, mip_mev=1, box=box
    )
    assert core_widths(grid) == (9,)
    inside = core_cells(grid, 9).reshape(11, 12)
    assert np.flatnonzero(inside.any(1)).tolist() == list(range(1, 10))
    assert np.flatnonzero(inside.any(0)).tolist() == list(range(1, 10))  # two left above
    cell = Ragged.of([np.array([0, 5 * 12 + 5, 5 * 12 + 10], np.int32)])
    table = Table(
        {
            "id": np.zeros(1, np.uint64),
            "cell": cell,
            "deposit": Ragged(np.array([1, 6, 1], np.float32), cell.offsets),
        }
    )
    by_energy, by_hits = core_shares(hits_of(table, grid))
    assert (by_energy.item(), by_hits.item()) == (pytest.approx(6 / 8), pytest.approx(1 / 3))
    cut = cut_to_core(table, grid, 9)
    assert (cut["cell"].values.tolist(), cut["deposit"].offsets.tolist()) == ([65], [0, 1])


def test_containment(hits: Any) -> None:
    found = contained(hits_of(showers(), GRID), np.array([0.151, 0, 0.3]))
    np.testing.assert_allclose(found, [1.849 / 2.0, np.nan, 0.25], rtol=1e-6)


def test_correlated_variables_keep_their_order(hits: Any) -> None:
    found = observed(showers(), GRID)
    matrix = correlated(
        found["moments"], found["visible"], np.array([1, 1, 2.0]), found["hits"], found["thirds"]
    )
    first = dict(zip(CORRELATED, matrix[0], strict=True))
    assert (first["m1x"], first["m2y"], first["visible"]) == (1.5, 0.25, 2.0)
    assert (first["energy"], first["hits"], first["third3"]) == (1, 3, 0.25)


def test_rings_have_places_too() -> None:
    rings = Rings(r_mm=(0.0, 2.0, 6.0), alphas=4)
    grid = Grid(
        name="rings",
        depth_mm=(1.0,),
        layer_weight=(1.0,),
        threshold_mev=0,
        mip_mev=1,
        rings=(rings,),
    )
    cell = Ragged.of([np.array([0, 1], np.int32)])
    deposit = Ragged(np.array([3, 1], np.float32), cell.offsets)
    found = observed({"cell": cell, "deposit": deposit}, grid)
    assert found["radial"].tolist() == [[3, 1]]
    assert "core_energy" not in found
    assert found["moments"][0, 0] == pytest.approx((3 * 1 + 4) / 4 / np.sqrt(2))


@pytest.mark.parametrize(
    ("cell", "deposit", "message"),
    [([48], [1.0], "grid has 48"), ([3], [float("nan")], "not finite")],
)
def test_bad_showers_are_refused(cell: list[int], deposit: list[float], message: str) -> None:
    cells = Ragged.of([np.array(cell, np.int32)])
    bad = {"cell": cells, "deposit": Ragged(np.array(deposit, np.float32), cells.offsets)}
    with pytest.raises(DataError, match=message):
        hits_of(bad, GRID)
