"""Charge under a mask: two ROIs by hand, a plain loop, and the repetition of coarse bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.api import DataError
from zoo_dnn_roi.physics.masking import apply_mask, repeat_bins


def test_two_rois_by_hand() -> None:
    charge = np.array([[5, 10, 30, 10, 40, 99, 99, 7, 1, 7]], dtype=np.float32)
    mask = np.array([[0, 1, 1, 1, 1, 0, 1, 0, 1, 1]], dtype=np.bool_)
    # Ticks 1-4: the line is 10, 20, 30, 40, so 0, 10, -20, 0 remain; tick 6 is alone;
    # ticks 8 and 9 lie on their line.
    line = apply_mask(charge, mask, baseline=True)
    assert line.tolist() == [[0, 0, 10, 0, 0, 0, 0, 0, 0, 0]]
    signed = apply_mask(charge, mask, baseline=True, keep_negative=True)
    assert signed.tolist() == [[0, 0, 10, -20, 0, 0, 0, 0, 0, 0]]
    collected = apply_mask(charge, mask, baseline=False)
    assert collected.tolist() == [[0, 10, 30, 10, 40, 0, 0, 0, 1, 7]]
    assert line.dtype == np.float32


@given(st.integers(0, 10_000), st.booleans())
def test_against_a_loop(seed: int, baseline: bool) -> None:
    rng = np.random.default_rng(seed)
    charge = rng.normal(100, 300, (4, 25)).astype(np.float32)
    mask = rng.random((4, 25)) < 0.7
    expected = np.zeros(charge.shape)
    for wire in range(4):
        edges = np.flatnonzero(np.diff(np.r_[0, mask[wire].astype(int), 0]))
        for start, stop in edges.reshape(-1, 2):
            if stop - start > 1:
                piece = charge[wire, start:stop].astype(float)
                line = np.linspace(piece[0], piece[-1], len(piece)) if baseline else 0
                expected[wire, start:stop] = np.clip(piece - line, 0, None)
    assert apply_mask(charge, mask, baseline=baseline) == pytest.approx(expected, abs=1e-3)


def test_a_pulse_on_a_sloping_pedestal_keeps_its_charge() -> None:
    # A Gaussian of 20000 e- (closed form: its sum) on a pedestal that the line must remove.
    tick = np.arange(200)
    pulse = 20000 / (4 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((tick - 90) / 4) ** 2)
    charge = (pulse + 50 + 3.0 * tick)[None].astype(np.float32)
    mask = np.zeros((1, 200), dtype=np.bool_)
    mask[0, 60:121] = True
    assert apply_mask(charge, mask, baseline=True).sum() == pytest.approx(20000, rel=1e-5)


def test_bins_are_repeated_up_to_the_end_of_the_readout() -> None:
    mask = np.array([[True, False, True]])
    assert repeat_bins(mask, 2, 5).tolist() == [[True, True, False, False, True]]
    with pytest.raises(DataError, match="3 bins of 2 ticks do not cover 7"):
        repeat_bins(mask, 2, 7)


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="shape"):
        apply_mask(np.zeros((2, 5), np.float32), np.zeros((2, 4), np.bool_), baseline=True)
