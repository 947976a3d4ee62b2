"""Drift of electrons to the response plane: attenuation, diffusion, arrival time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.geometry import Detector

__all__ = ["Drifted", "drift"]

Float64Array = NDArray[np.float64]

_CM2_PER_S = 1e-4  # in mm2/us: 1e2 mm2 / 1e6 us


@dataclass(frozen=True, eq=False, slots=True)
class Drifted:
    """Electron clouds on the response plane, all arrays float64 (depositions,).

    Attributes:
        tick: Arrival time of the middle of the cloud, ticks from the start of the readout.
        y: Vertical position, mm.
        z: Position along the beam, mm.
        electrons: Electrons that arrived.
        sigma_ticks: Longitudinal standard deviation, ticks.
        sigma_mm: Transverse standard deviation, mm.
    """

    tick: Float64Array
    y: Float64Array
    z: Float64Array
    electrons: Float64Array
    sigma_ticks: Float64Array
    sigma_mm: Float64Array


def drift(depos: Depos, detector: Detector, rng: np.random.Generator | None = None) -> Drifted:
    """Drift depositions to the response plane.

    A cloud that drifts for a time t keeps exp(-t / lifetime) of its electrons (a binomial draw) and
    gets the standard deviations sqrt(2 D t) along and across the drift.

    Args:
        depos: The depositions; those at negative x are on the wires' side and do not drift.
        detector: Gives drift speed, diffusion constants and lifetime.
        rng: Draws the survivors; None keeps the expected number instead.

    Returns:
        The clouds of the depositions with x >= 0, in order.
    """
    depos = depos.take(depos.x >= 0)
    drift_us = depos.x / detector.drift_speed_mm_us
    survival = np.exp(-drift_us * 1e-3 / detector.lifetime_ms)
    if rng is None:
        electrons = depos.electrons * survival
    else:
        whole = np.rint(depos.electrons).astype(np.int64)
        electrons = rng.binomial(whole, survival).astype(np.float64)
    longitudinal = np.sqrt(2 * detector.longitudinal_cm2_s * _CM2_PER_S * drift_us)
    return Drifted(
        tick=(depos.time * 1e-3 + drift_us) * 1e3 / detector.tick_ns,
        y=depos.y,
        z=depos.z,
        electrons=electrons,
        sigma_ticks=longitudinal / detector.mm_per_tick,
        sigma_mm=np.sqrt(2 * detector.transverse_cm2_s * _CM2_PER_S * drift_us),
    )
