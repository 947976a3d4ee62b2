"""Bias, resolution and inefficiency as Wire-Cell's own test defines them (``ssss-metrics``).

From the description of ``wirecell-test`` (WireCell/wire-cell-python, ``wirecell/test/ssss.py``):
charges of channels are summed over the ticks of the bounding box of the largest piece of true
charge; (Q_true - Q_reco) / Q_true of the channels where both are positive is filled into 50 bins of
one percent around its median, and a Gaussian is fitted: its mean is the bias (of opposite sign to
the published one: positive where charge is lost), its width the resolution. The inefficiency counts
channels of true charge with a Q_reco of zero.

Two details differ. Bins are laid on a fixed grid, so that histograms of events can be added; and
the fit is at the centres of bins, where the original takes their lower edges, half a percent below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from zoo_dnn_roi.physics.runs import BoolArray, FloatArray

__all__ = ["CENTRES", "WireCellCounts", "count_channels", "fit_gaussian"]

Float64Array = NDArray[np.float64]

_WIDTH = 0.01
_WINDOW = 50  # bins of the fit
CENTRES: Float64Array = np.arange(-200, 101, dtype=np.float64) * _WIDTH
"""Middles of the bins of (Q_true - Q_reco) / Q_true; the first one takes all that is below."""

_EDGES = np.append(CENTRES - _WIDTH / 2, CENTRES[-1] + _WIDTH / 2)
_ITERATIONS = 30
_CONVERGED = 1e-5


class WireCellCounts(NamedTuple):
    """Counts of one plane.

    Attributes:
        valid: Channels of true charge in the box.
        empty: Those of them without reconstructed charge.
        histogram: ``(bins,)``, channels by (Q_true - Q_reco) / Q_true.
    """

    valid: float
    empty: float
    histogram: Float64Array


def count_channels(
    truth: FloatArray, charge: FloatArray, alive: BoolArray, threshold: float
) -> WireCellCounts:
    """Compare the charges of channels in the box of the largest piece of true charge.

    Args:
        truth: float32 (wires, ticks), electrons per tick.
        charge: Likewise, reconstructed.
        alive: Bool (wires,), the channels that count.
        threshold: True charge starts here, electrons per tick. Wire-Cell's threshold is three
            times the noise of the frame; truth has none.
    """
    box = _largest_piece(truth, threshold)
    if box is None:
        return WireCellCounts(0, 0, np.zeros(len(CENTRES)))
    true, found = (values[box].sum(axis=1, dtype=np.float64) for values in (truth, charge))
    valid = alive[box[0]] & (true > 0)
    both = valid & (found > 0)
    relative = np.clip((true[both] - found[both]) / true[both], _EDGES[0], None)
    histogram, _ = np.histogram(relative, _EDGES)
    empty = int(np.count_nonzero(valid & (found == 0)))
    return WireCellCounts(int(np.count_nonzero(valid)), empty, histogram.astype(np.float64))


def _largest_piece(truth: FloatArray, threshold: float) -> tuple[slice, slice] | None:
    """Bounding box of the connected piece (by edges) with the most charge."""
    pieces, count = label(truth > threshold)
    if not count:
        return None
    charges = np.bincount(pieces.ravel(), weights=truth.ravel())
    largest = pieces == 1 + int(np.argmax(charges[1:]))  # 0: no piece
    ((wires, ticks),) = find_objects(largest.astype(np.int8))
    return wires, ticks


def fit_gaussian(histogram: Float64Array) -> tuple[float, float]:
    """Mean and width of a Gaussian through 50 bins around the median, by least squares.

    Args:
        histogram: ``(bins,)``, counts at ``CENTRES``.

    Returns:
        NaN for an empty histogram. Where fewer than four bins are filled, or no Gaussian fits, the
        mean and the standard deviation in the window.
    """
    total = histogram.sum()
    if total <= 0:
        return float("nan"), float("nan")
    median = int(np.searchsorted(np.cumsum(histogram), total / 2))
    low = max(median - _WINDOW // 2, 0)
    x, y = CENTRES[low : low + _WINDOW], histogram[low : low + _WINDOW]
    mean = float(x @ y / y.sum())
    width = float(np.sqrt((x - mean) ** 2 @ y / y.sum()))
    if np.count_nonzero(y) < 4:
        return mean, width
    return _least_squares(x, y, mean, width) or (mean, width)


def _least_squares(
    x: Float64Array, y: Float64Array, mean: float, width: float
) -> tuple[float, float] | None:
    """Levenberg and Marquardt's minimum over height, mean and width; None if there is none."""
    height = _height(x, y, mean, width)
    now = np.array([height, mean, width])
    shape, error = _residuals(x, y, now)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        offset = (x - now[1]) / now[2]
        slopes = shape * np.stack([np.ones_like(x), now[0] * offset, now[0] * offset**2])
        slopes[1:] /= now[2]
        matrix = slopes @ slopes.T
        matrix[np.diag_indices(3)] *= 1 + damping
        try:
            step = np.linalg.solve(matrix, slopes @ error)
        except np.linalg.LinAlgError:
            return None
        new = now + step
        if new[2] <= 0:
            damping *= 10
            continue
        new_shape, new_error = _residuals(x, y, new)
        if new_error @ new_error > error @ error:
            damping *= 10
            continue
        now, shape, error, damping = new, new_shape, new_error, damping / 10
        if np.abs(step[1:]).max() < _CONVERGED:
            break
    inside = x[0] <= now[1] <= x[-1] and now[2] < x[-1] - x[0]
    return (float(now[1]), float(now[2])) if inside else None


def _height(x: Float64Array, y: Float64Array, mean: float, width: float) -> float:
    shape = np.exp(-0.5 * ((x - mean) / width) ** 2)
    return float(shape @ y / (shape @ shape))


def _residuals(
    x: Float64Array, y: Float64Array, parameters: Float64Array
) -> tuple[Float64Array, Float64Array]:
    height, mean, width = parameters
    shape: Float64Array = np.exp(-0.5 * ((x - mean) / width) ** 2)
    return shape, y - height * shape
