"""The charge that Wire-Cell writes for a mask: the last steps of its ``DNNROIFinding``."""

from __future__ import annotations

import numpy as np

from zoo_dnn_roi.physics.runs import BoolArray, FloatArray, Samples, from_mask

__all__ = ["wirecell_charge"]


def wirecell_charge(
    charge: FloatArray,
    mask: BoolArray,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    keep_negative: bool = False,
) -> FloatArray:
    """What Wire-Cell's ``DNNROIFinding`` makes of a mask, its quirk included.

    In each region of interest the line through its first and last sample is subtracted. A region
    of one tick, and one that touches the last tick of the readout, leave no charge: the second is
    an oversight of the toolkit, which :func:`~zoo_dnn_roi.physics.masking.apply_mask` mends and
    files for a later Wire-Cell stage repeat.

    Args:
        charge: float32 (wires, ticks), deconvolved charge, electrons per tick.
        mask: Bool (wires, ticks).
        scale: Factor on the charge (``output_scale``).
        offset: Added to every sample, outside the regions too (``output_offset``), e-/tick.
        keep_negative: Leave negative samples (``save_negative_charge``).

    Returns:
        float32 (wires, ticks), a new array.

    Raises:
        DataError: The mask is not boolean or not of the shape of the charge.
    """
    runs = from_mask(mask)
    samples = Samples.of(runs.select((runs.length > 1) & (runs.stop < runs.ticks)))
    out = np.zeros(charge.size, dtype=np.float32)
    out[samples.pixel] = samples.above_line(samples.gather(charge)) * np.float32(scale)
    out += np.float32(offset)
    if not keep_negative:
        np.maximum(out, 0, out=out)
    return out.reshape(charge.shape)
