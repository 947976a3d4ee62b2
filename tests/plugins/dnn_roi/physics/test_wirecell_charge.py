"""The charge inside a mask against a loop, and by hand what Wire-Cell drops."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_dnn_roi.physics.wirecell_charge import wirecell_charge


def loop(
    charge: NDArray[np.float32], mask: NDArray[np.bool_], scale: float, offset: float, keep: bool
) -> NDArray[np.float64]:
    """Sample by sample, from the description of ``DNNROIFinding`` (reference, section 1.3)."""
    out = np.zeros(charge.shape)
    for wire in range(len(charge)):
        for inside, ticks in groupby(range(charge.shape[1]), key=lambda t: bool(mask[wire, t])):
            run = list(ticks)
            if not inside or len(run) == 1 or run[-1] == charge.shape[1] - 1:
                continue
            first, last = float(charge[wire, run[0]]), float(charge[wire, run[-1]])
            for tick in run:
                share = (tick - run[0]) / (run[-1] - run[0])
                out[wire, tick] = charge[wire, tick] - (first + share * (last - first))
    out = out * scale + offset
    return out if keep else np.maximum(out, 0)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1.2, -3.0)])
def test_against_a_loop(keep: bool, scale: float, offset: float) -> None:
    rng = np.random.default_rng(3)
    charge = rng.normal(0, 100, (7, 120)).astype(np.float32)
    mask = np.repeat(rng.random((7, 24)) < 0.4, 5, axis=1)
    mask[0, 3], mask[1, -1] = True, True
    found = wirecell_charge(charge, mask, scale=scale, offset=offset, keep_negative=keep)
    np.testing.assert_allclose(found, loop(charge, mask, scale, offset, keep), atol=1e-3)
    assert found.dtype == np.float32


def test_what_is_dropped() -> None:
    charge = np.array([[0, 5, 9, 5, 0, 7, 0, 0, 8, 4]], np.float32)
    mask = np.array([[0, 1, 1, 1, 0, 1, 0, 1, 1, 1]], np.bool_)
    # Ticks 1 to 3: 9 lies 4 above the line from 5 to 5. Tick 5 is alone; 7 to 9 end the readout.
    assert wirecell_charge(charge, mask).tolist() == [[0, 0, 4, 0, 0, 0, 0, 0, 0, 0]]


def test_an_offset_counts_outside_of_regions_too() -> None:
    charge, mask = np.zeros((1, 3), np.float32), np.zeros((1, 3), np.bool_)
    assert wirecell_charge(charge, mask, offset=2.0).tolist() == [[2, 2, 2]]


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError):
        wirecell_charge(np.zeros((2, 3), np.float32), np.zeros((3, 2), np.bool_))
