"""Drift of electrons to the response plane: attenuation, diffusion, arrival time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.geometry import NOMINAL_LIFETIME_MS, Detector

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
    gets the standard deviations sqrt(2 D t) along and across the drift. What the generator draws
    next does not depend on the lifetime: events of two lifetimes differ in charge alone.

    Args:
        depos: The depositions; those at negative x are on the wires' side and do not drift.
        detector: Gives drift speed, diffusion constants and lifetime.
        rng: Draws the survivors; None keeps the expected number instead.

    Returns:
        The clouds of the depositions with x >= 0, in order.
    """
    depos = depos.take(depos.x >= 0)
    drift_us = depos.x / detector.drift_speed_mm_us
    if rng is None:
        electrons = depos.electrons * np.exp(-drift_us * 1e-3 / detector.lifetime_ms)
    else:
        electrons = _survivors(depos, drift_us * 1e-3, detector.lifetime_ms, rng)
    longitudinal = np.sqrt(2 * detector.longitudinal_cm2_s * _CM2_PER_S * drift_us)
    return Drifted(
        tick=(depos.time * 1e-3 + drift_us) * 1e3 / detector.tick_ns,
        y=depos.y,
        z=depos.z,
        electrons=electrons,
        sigma_ticks=longitudinal / detector.mm_per_tick,
        sigma_mm=np.sqrt(2 * detector.transverse_cm2_s * _CM2_PER_S * drift_us),
    )


def _survivors(
    depos: Depos, drift_ms: Float64Array, lifetime_ms: float, rng: np.random.Generator
) -> Float64Array:
    """Electrons of each deposition that arrive, binomial, float64 (depositions,).

    A binomial draw takes as many random numbers as its probability makes it take. So the draw is
    that of the nominal lifetime; a shorter one thins its survivors out, a longer one brings some of
    its lost electrons back, with a generator far ahead of the given one. Either is binomial again.
    """
    whole = np.rint(depos.electrons).astype(np.int64)
    nominal = rng.binomial(whole, np.exp(-drift_ms / NOMINAL_LIFETIME_MS))
    if lifetime_ms == NOMINAL_LIFETIME_MS:
        return nominal.astype(np.float64)
    apart = np.random.Generator(cast("np.random.Philox", rng.bit_generator).jumped())
    if lifetime_ms < NOMINAL_LIFETIME_MS:
        kept = np.exp(-drift_ms * (1 / lifetime_ms - 1 / NOMINAL_LIFETIME_MS))
        return apart.binomial(nominal, kept).astype(np.float64)
    lost, still_lost = (-np.expm1(-drift_ms / tau) for tau in (NOMINAL_LIFETIME_MS, lifetime_ms))
    back = 1 - np.divide(still_lost, lost, out=np.ones_like(lost), where=lost > 0)
    return (nominal + apart.binomial(whole - nominal, back)).astype(np.float64)
