"""Pads under points, against the map of the plane."""

from __future__ import annotations

import numpy as np

from zoo_ha_tpc.physics.eram import PADS, first_pad
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import read_plane

PLANE = read_plane("ha-tpc")
MODULES = Modules(PLANE)


def test_every_centre_lies_on_its_pad() -> None:
    row, column = (one.ravel() for one in np.indices(PLANE.shape))
    landing = MODULES.under(PLANE.z_mm[column], PLANE.y_mm[row])
    assert landing.on_pad.all()
    np.testing.assert_allclose([landing.z_part, landing.y_part], 0.5, atol=1e-9)
    near = MODULES.first_cells(landing) + MODULES.near[..., None]
    assert near.shape == (PADS, PADS, len(row))
    at = -first_pad(landing.z_part), -first_pad(landing.y_part)
    own = near[at[0], at[1], np.arange(len(row))]
    module, rows, columns, there = MODULES.pads(own)
    assert there.all()
    np.testing.assert_array_equal(rows, row)
    np.testing.assert_array_equal(columns, column)
    np.testing.assert_array_equal(module, row // 32 * 4 + column // 36)
    assert MODULES.count == 8
    assert near.max() < MODULES.cells


def test_gaps_and_the_outside_have_no_pads() -> None:
    edge = 36 * 11.28
    z = np.array([edge - 0.1, edge + 0.1, edge + 13.9, edge + 14.1, -0.1, PLANE.z.length_mm + 0.1])
    assert MODULES.under(z, np.full(6, 100.0)).on_pad.tolist() == [1, 0, 0, 1, 0, 0]
    y = np.array([-7.1, -6.9, 6.9, 7.1, 400.0, -400.0])
    assert MODULES.under(np.full(6, 100.0), y).on_pad.tolist() == [1, 0, 0, 1, 0, 0]


def test_neighbours_beyond_a_module_are_no_pads() -> None:
    """In the corner of a module: half of the pads along either axis lie beyond it."""
    landing = MODULES.under(np.array([0.5]), np.array([-PLANE.y.length_mm / 2 + 0.5]))
    there = MODULES.pads((MODULES.first_cells(landing) + MODULES.near).ravel())[3]
    assert there.sum() == 4
    beside = MODULES.under(np.array([36 * 11.28 - 0.5]), np.array([100.0]))
    near = MODULES.first_cells(beside) + MODULES.near
    module, _, column, there = MODULES.pads(near.ravel())
    assert there.sum() == 8
    assert column[there].max() == 35
    assert set(module[there]) == {4}
