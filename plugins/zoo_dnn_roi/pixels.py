"""Pixels and regions of interest that are true, found, or both.

A pixel is ``PIXEL_TICKS`` ticks of a channel; a ROI is a run of pixels along the time of a channel.
All of this follows the evaluation of the DNN-ROI paper (Yu et al., arXiv:2007.12743, and its public
code), but for runs that touch the last tick and runs of one pixel, which that code drops: they
count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.runs import BoolArray, FloatArray, from_mask, overlap_pairs

__all__ = ["PIXEL_CHARGE", "PIXEL_TICKS", "PixelCounts", "count_pixels"]

PIXEL_TICKS = 10
"""Ticks of a pixel."""

PIXEL_CHARGE = 100.0
"""Mean true charge that makes a pixel true, electrons per tick."""


class PixelCounts(NamedTuple):
    """Counts of a plane.

    Attributes:
        true_pixels: Pixels of true charge.
        found_pixels: Pixels of which at least half is in the mask.
        right_pixels: Pixels that are both.
        true_rois: Runs of true pixels.
        seen_rois: True runs with at least one found pixel.
        found_rois: Runs of found pixels.
        right_rois: Found runs with at least one true pixel.
    """

    true_pixels: float
    found_pixels: float
    right_pixels: float
    true_rois: float
    seen_rois: float
    found_rois: float
    right_rois: float


def count_pixels(truth: FloatArray, mask: BoolArray) -> PixelCounts:
    """Count the pixels and ROIs of some channels.

    Args:
        truth: float32 (channels, ticks), electrons per tick. The ticks left over make no pixel.
        mask: Bool (channels, ticks), the found regions.
    """
    true, found = _means(truth) > PIXEL_CHARGE, _means(mask) >= 0.5
    true_runs, found_runs = from_mask(true), from_mask(found)
    seen, right = overlap_pairs(true_runs, found_runs)
    return PixelCounts(
        true_pixels=int(np.count_nonzero(true)),
        found_pixels=int(np.count_nonzero(found)),
        right_pixels=int(np.count_nonzero(true & found)),
        true_rois=len(true_runs),
        seen_rois=len(np.unique(seen)),
        found_rois=len(found_runs),
        right_rois=len(np.unique(right)),
    )


def _means(values: FloatArray | BoolArray) -> NDArray[np.float64]:
    """Mean of each pixel, float64 (channels, pixels)."""
    pixels = values.shape[1] // PIXEL_TICKS
    whole = values[:, : pixels * PIXEL_TICKS].reshape(len(values), pixels, PIXEL_TICKS)
    average: NDArray[np.float64] = whole.mean(axis=2, dtype=np.float64)
    return average
