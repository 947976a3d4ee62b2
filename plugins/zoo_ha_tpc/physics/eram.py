"""Charge on a resistive layer over pads, and the pulses that it makes.

A point charge on a layer of resistance and capacitance RC per area spreads by two-dimensional
diffusion: its variance along each axis is 2t / RC (telegraph equation; tristandaret/ModelHATPC,
``Charge0D``), on top of that of the drift. The charge over a rectangular pad is a product of two
error functions, one per axis, and the pulse of the pad is that charge, over time, folded with the
electronics' answer to a current.

So that no pulse has to be folded one by one, the charge of a pad is evaluated at a few spreads, the
*nodes*. The pulse is linear in the charges at the nodes; the matrix is a least-squares fit to
pulses of the whole formula (:func:`pulse_basis`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_ha_tpc.physics.electronics import shaped

__all__ = [
    "NODES_NS",
    "PADS",
    "TAIL_NS",
    "first_pad",
    "node_spreads",
    "pad_shares",
    "pulse_basis",
    "pulses",
]

Array = NDArray[np.float64]

PADS = 4
"""Pads along one axis, the nearest ones, that see a charge."""

TAIL_NS = 2400.0
"""How long after the charge pulses are followed."""

NODES_NS = (20.0, 120.0, 320.0, 700.0, 1300.0, 2400.0)
"""Times whose spreads, at the nominal RC, are the nodes."""

_FINE = 4  # parts of a sample in which charge and electronics are folded


def first_pad(part: Array) -> NDArray[np.intp]:
    """The first of the ``PADS`` nearest pads, from the pad under a charge.

    Args:
        part: How far into that pad it lies, 0 to 1.
    """
    return np.asarray(part >= 0.5, np.intp) - PADS // 2


def pad_shares(part: Array, pitch_mm: float, sigma_mm: Array) -> Array:
    """Shares of a charge over the nearest pads along one axis.

    Args:
        part: How far into the pad under it it lies, 0 to 1; any shape.
        pitch_mm: Of the pads.
        sigma_mm: RMS width, of a shape that broadcasts with it.

    Returns:
        float64 (..., PADS), from :func:`first_pad` on.
    """
    edges = (first_pad(part) - part)[..., None] + np.arange(PADS + 1)
    width = np.maximum(sigma_mm, 1e-6)[..., None]
    return np.asarray(np.diff(ndtr(edges * pitch_mm / width)))


def node_spreads(rc_ns_mm2: float) -> Array:
    """Variances of the nodes, float64 (nodes,), mm^2."""
    return 2 * np.array(NODES_NS) / rc_ns_mm2


def pulses(charge: Array, step_ns: float, peaking_ns: float) -> Array:
    """Answer of the electronics to charges that change with time.

    Args:
        charge: (N, T), in the middle of each step from 0 on.
        step_ns: Of a step.
        peaking_ns: Of the electronics.

    Returns:
        (N, T), at the end of each step.
    """
    step = np.arange(1, charge.shape[1] + 1)
    since = np.maximum(step[None] - step[:, None] + 1, 0) * step_ns
    answer = shaped(since, peaking_ns) - shaped(since - step_ns, peaking_ns)
    return np.asarray(charge @ answer)


@lru_cache(maxsize=64)
def pulse_basis(
    *,
    rc_ns_mm2: float,
    nominal_rc_ns_mm2: float,
    pitches_mm: tuple[float, float],
    widths_mm: tuple[float, ...],
    peaking_ns: float,
    sampling_ns: float,
) -> Array:
    """Pulses as a linear function of charges at the nodes.

    Args:
        rc_ns_mm2: Of the layer.
        nominal_rc_ns_mm2: That of the nodes.
        pitches_mm: Of columns and rows.
        widths_mm: Widths of arriving charge, from the drift, that must be described.
        peaking_ns: Of the electronics.
        sampling_ns: Between samples.

    Returns:
        float64 (3, nodes, samples): pulse, its first derivative with a minus and half of its second
        one, per sample and per sample squared, for a Taylor series in the time of arrival. Sample k
        lies k - 2 samples after it.
    """
    step = sampling_ns / _FINE
    count = round(TAIL_NS / step)
    middle = np.asarray((np.arange(count) + 0.5) * step, np.float64)
    shares = _examples(pitches_mm, widths_mm, 2 * middle / rc_ns_mm2)
    nodes = _examples(pitches_mm, widths_mm, node_spreads(nominal_rc_ns_mm2))
    fine = np.linalg.lstsq(nodes, pulses(shares, step, peaking_ns), rcond=None)[0]
    before = np.zeros((len(fine), 2 * _FINE + 1))
    fine = np.concatenate([before, fine], axis=1)
    first = np.gradient(fine, axis=1) * _FINE
    second = np.gradient(first, axis=1) * _FINE
    return np.stack([fine, -first, second / 2])[:, :, ::_FINE]


def _examples(
    pitches_mm: tuple[float, float], widths_mm: tuple[float, ...], spread: Array
) -> Array:
    """Charges of pads about charges of several places and widths, (examples, spreads)."""
    sigma = np.sqrt(np.square(widths_mm)[:, None] + spread)
    inner = (np.arange(4) + 0.5) / 4
    z, y = (
        pad_shares(inner[:, None, None], pitch, sigma[None]) for pitch in pitches_mm
    )  # (offset, width, spread, pad)
    both = np.einsum("awsp,bwsq->abwpqs", z, y)
    return np.asarray(both.reshape(-1, len(spread)), np.float64)
