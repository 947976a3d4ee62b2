"""Software filters of the two-dimensional deconvolution, with the constants of ProtoDUNE-HD.

Frequencies are in MHz. The shapes are those of Wire-Cell's ``HfFilter`` and ``LfFilter``
(WireCell/wire-cell-toolkit, sigproc), the constants those of its ProtoDUNE-HD configuration
(cfg/pgrapher/experiment/pdhd, the filters without an APA suffix).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FilterSet", "high_frequency", "low_frequency", "wire_filter"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSet:
    """Constants of the filters; tuples are by plane U, V, W.

    Attributes:
        wiener_tight: Sigma (MHz) and power of the Wiener filter for finding signals.
        gauss_mhz: Sigma of the Gaussian filter for the charge, MHz.
        loose_mhz: Cut-off of the loose low-frequency filter, MHz.
        tight_mhz: Of the tight one.
        tighter_mhz: Of the tighter one.
        wire_induction: Sigma of the wire filter in units of the Nyquist wave number.
        wire_collection: The same on the collection plane.
    """

    wiener_tight: tuple[tuple[float, float], ...] = (
        (0.221933, 6.55413),
        (0.222723, 8.75998),
        (0.225567, 3.47846),
    )
    gauss_mhz: float = 0.12
    loose_mhz: float = 0.003
    tight_mhz: float = 0.016
    tighter_mhz: float = 0.08
    wire_induction: float = 0.75 / np.pi**0.5
    wire_collection: float = 10.0 / np.pi**0.5


def high_frequency(frequency: Float64Array, sigma: float, power: float) -> Float64Array:
    """exp(-(f / sigma)^power / 2), and 0 at f = 0: the mean of a waveform carries no charge."""
    return np.where(frequency == 0, 0.0, np.exp(-0.5 * (frequency / sigma) ** power))


def low_frequency(frequency: Float64Array, tau: float) -> Float64Array:
    """1 - exp(-(f / tau)^2), which removes slow drifts."""
    return -np.expm1(-((frequency / tau) ** 2))


def wire_filter(length: int, sigma: float) -> Float64Array:
    """exp(-(k / sigma)^2 / 2) of the wave numbers of ``length`` wires, k = 1 at Nyquist."""
    wave_number = np.abs(np.fft.fftfreq(length)) * 2
    return np.asarray(np.exp(-0.5 * (wave_number / sigma) ** 2), dtype=np.float64)
