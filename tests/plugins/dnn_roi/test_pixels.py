"""Counts of pixels and ROIs against loops over every pixel."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from zoo_dnn_roi.pixels import PixelCounts, count_pixels

BoolArray = NDArray[np.bool_]
masks = st.tuples(st.integers(1, 4), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape))
)


def on_ticks(true: BoolArray, found: BoolArray) -> PixelCounts:
    """The counts of pixels drawn on ten ticks each."""
    truth = np.repeat(true, 10, axis=1).astype(np.float32) * 500
    return count_pixels(truth, np.repeat(found, 10, axis=1))


def rois(pixels: BoolArray) -> list[set[tuple[int, int]]]:
    """Every run of pixels along a channel as the set of its (channel, pixel)."""
    return [
        {(channel, place) for place, _ in run}
        for channel, row in enumerate(pixels.tolist())
        for inside, run in groupby(enumerate(row), key=lambda pixel: pixel[1])
        if inside
    ]


@given(masks)
def test_counts_are_those_of_loops(drawn: tuple[BoolArray, BoolArray]) -> None:
    true, found = drawn
    where = [{(c, p) for c, p in np.argwhere(mask).tolist()} for mask in drawn]
    runs = [rois(mask) for mask in drawn]
    counts = on_ticks(true, found)
    assert counts.true_pixels == sum(true.ravel().tolist())
    assert counts.found_pixels == sum(found.ravel().tolist())
    assert counts.right_pixels == len(where[0] & where[1])
    assert counts.true_rois == len(runs[0])
    assert counts.found_rois == len(runs[1])
    assert counts.seen_rois == sum(bool(run & where[1]) for run in runs[0])
    assert counts.right_rois == sum(bool(run & where[0]) for run in runs[1])


@given(masks)
def test_truth_and_mask_are_symmetric(drawn: tuple[BoolArray, BoolArray]) -> None:
    one, other = on_ticks(*drawn), on_ticks(*drawn[::-1])
    assert (one.seen_rois, one.right_rois) == (other.right_rois, other.seen_rois)
    assert one.right_pixels == other.right_pixels


def test_a_run_of_one_pixel_at_the_last_tick_counts() -> None:
    last = np.zeros((2, 6), np.bool_)
    last[0, 5] = True
    first = np.zeros((2, 6), np.bool_)
    first[1, 0] = True  # the next pixel in memory, but of another channel
    assert on_ticks(last, last)[3:] == (1, 1, 1, 1)
    assert on_ticks(last, first)[3:] == (1, 0, 1, 0)


def test_ticks_left_over_make_no_pixel() -> None:
    truth = np.full((1, 19), 500, np.float32)
    assert count_pixels(truth, truth > 0) == (1, 1, 1, 1, 1, 1, 1)
    assert count_pixels(truth[:, :9], truth[:, :9] > 0) == (0,) * 7
    assert count_pixels(truth[:0], truth[:0] > 0) == (0,) * 7  # all channels are dead
