"""Charge inside regions of interest, as Wire-Cell takes it, and masks on coarse time bins."""

from __future__ import annotations

import numpy as np

from zoo.api import DataError
from zoo_dnn_roi.physics.runs import BoolArray, FloatArray, Samples, from_mask

__all__ = ["apply_mask", "repeat_bins"]


def repeat_bins(mask: BoolArray, ticks_per_bin: int, ticks: int) -> BoolArray:
    """A mask of time bins on the ticks of the readout.

    Args:
        mask: Bool (..., bins).
        ticks_per_bin: Ticks in a bin.
        ticks: Ticks of the readout; the last bin may be longer than what is left of it.

    Returns:
        Bool (..., ticks).

    Raises:
        DataError: The bins do not cover the readout.
    """
    if mask.shape[-1] * ticks_per_bin < ticks:
        raise DataError(
            f"{mask.shape[-1]} bins of {ticks_per_bin} ticks do not cover {ticks} ticks",
            where="ROI mask",
            remedy="give the ticks per bin with which the mask was made",
        )
    return np.repeat(mask, ticks_per_bin, axis=-1)[..., :ticks]


def apply_mask(
    charge: FloatArray, mask: BoolArray, *, baseline: bool, keep_negative: bool = False
) -> FloatArray:
    """Charge inside the ROIs of a mask, zero outside (``DNNROIFinding`` of Wire-Cell).

    A ROI of one tick holds no charge. Wire-Cell also drops a ROI that touches the last tick, by
    an oversight that is not repeated here.

    Args:
        charge: float32 (wires, ticks), deconvolved charge, electrons per tick.
        mask: Bool (wires, ticks).
        baseline: Subtract in each ROI the line through its first and last sample, as the
            bipolar response of induction planes needs; false for the collection plane.
        keep_negative: Leave negative samples, which are set to zero otherwise.

    Returns:
        float32 (wires, ticks), a new array.

    Raises:
        DataError: The mask is not boolean or not of the shape of the charge.
    """
    runs = from_mask(mask)
    samples = Samples.of(runs.select(runs.length > 1))
    value = samples.gather(charge)
    if baseline:
        value = samples.above_line(value)
    if not keep_negative:
        value = np.maximum(value, np.float32(0))
    out = np.zeros(charge.size, dtype=np.float32)
    out[samples.pixel] = value
    return out.reshape(charge.shape)
