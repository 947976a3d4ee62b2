"""Where a track passes a stretch, by the charges of all its pads.

The charges of the pads are linear in the electrons of *slices* of the stretch and in where those
arrive. Their covariance is that of

* ionisation: numbers of electrons of slices fluctuate, with tails;
* avalanches: gains fluctuate, half of the number of electrons for Polya's theta = 1;
* diffusion: the mean place of n electrons is off by sigma_T / sqrt(n) in z and in y;
* noise, and what the response is not.

So the parameters of the track follow by generalised least squares. The tails of ionisation are
those of Student's t: a slice that stands out gets a larger variance (expectation and maximisation,
Lange, Little and Taylor, J. Am. Stat. Assoc. 84 (1989) 881), so the charge of a delta electron
moves no pad's weight but its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.course import BEYOND_MM, Course
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.response import REACH, Response
from zoo_ha_tpc.charge_fit.stretches import STRETCH_MM, Stretches
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Readout", "Told", "told_by"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Ints = NDArray[np.intp]

_SLICE_MM = 4.0
_SLICES = int((STRETCH_MM * 1.5 + 2 * 1.5 * REACH * 11.0) // _SLICE_MM)
_FREEDOM = 3.0  # of Student's t
_ABSENT_VARIANCE = 0.15  # thresholds^2: of a charge that is somewhere below the threshold
_SATURATED = 1e8  # ADC^2
_AT_TOP = 0.35  # noise: how far above the pulse's top the largest of its noisy samples is
_NO_PAD = 1e12
_LOOSE = (1e-2, 4.0)  # 1/mm^2, 1: a stretch is not shifted by a cm or turned by half a radian


@dataclass(frozen=True)
class Readout:
    """What sees them.

    Attributes:
        plane: The pads.
        response: What pads show of an electron.
        ionisation: How many there should be.
        charges: Noise and threshold.
    """

    plane: PadPlane
    response: Response
    ionisation: Ionisation
    charges: Charges


@dataclass(frozen=True)
class Told:
    """What the charges of B stretches tell of the parameters of their tracks.

    Attributes:
        information: Of the K parameters, (B, K, K).
        right: Right-hand sides of the normal equations, (B, K).
        deviance: -2 ln L of each stretch about the best straight line through it, (B,).
    """

    information: Array
    right: Array
    deviance: Array


@dataclass(frozen=True)
class _Slices:
    """Slices of stretches, (B, S).

    Place and direction of the course, distance from the middle of the stretch and from the start of
    the track along it, distance of the course from its arc, electrons and their variance, module.
    """

    z: Array
    y: Array
    phi: Array
    along: Array
    path: Array
    off: Array
    electrons: Array
    variance: Array
    module: Ints


def told_by(
    readout: Readout, course: Course, electrons: Electrons, stretches: Stretches, charge: Array
) -> Told:
    """Generalised least squares in every stretch.

    Args:
        readout: What sees the tracks.
        course: Of N tracks, about which all is linear.
        electrons: Of the tracks.
        stretches: B of them.
        charge: Of their pads, ADC, 0 where below the threshold, (B, P).
    """
    response, drift = readout.response, electrons.drift_mm[stretches.track]
    slices = _slices_of(readout, course, electrons.per_mm, stretches)
    seen = _seen(readout.plane, slices, stretches, response, response.drift_bin(drift))
    value, across, wander = _columns(seen, slices, response.spread(drift))
    mean = np.einsum("bs,bsp->bp", slices.electrons, value)
    fixed = wander.transpose(0, 2, 1) @ wander
    index = np.arange(mean.shape[1])
    fixed[:, index, index] += _variance(readout, mean, charge, stretches.present)
    rest = np.where(stretches.present, _charge(charge, readout.charges) - mean, 0.0)
    inverse = _inverse(value, slices.variance + 0.5 * slices.electrons, fixed)
    line = np.stack([slices.electrons, slices.electrons * slices.along], 1) @ across
    left = _without(line, inverse, rest)
    deviance = np.einsum("bp,bpq,bq->b", left, inverse, left) - np.linalg.slogdet(inverse)[1]
    inverse = _inverse(value, _with_tails(value, inverse, left, slices), fixed)
    design = (course.shapes(stretches.track, slices.path) * slices.electrons[:, None]) @ across
    # Parameters count from the arc, charges from the course.
    rest = rest + np.einsum("bs,bsp->bp", slices.electrons * slices.off, across)
    weighted = design @ inverse
    return Told(
        weighted @ design.transpose(0, 2, 1), np.einsum("bkp,bp->bk", weighted, rest), deviance
    )


def _inverse(value: Array, variance: Array, fixed: Array) -> Array:
    """Of the covariance of the charges, (B, P, P)."""
    root = np.sqrt(variance)[:, :, None] * value
    return np.asarray(np.linalg.inv(root.transpose(0, 2, 1) @ root + fixed))


def _without(design: Array, inverse: Array, rest: Array) -> Array:
    """Charges less what a shift and a turn of the stretch explain of them, (B, P)."""
    weighted = design @ inverse
    information = weighted @ design.transpose(0, 2, 1) + np.diag(_LOOSE)
    right = np.einsum("bkp,bp->bk", weighted, rest)
    shift = np.linalg.solve(information, right[:, :, None])[:, :, 0]
    return np.asarray(rest - np.einsum("bk,bkp->bp", shift, design))


def _slices_of(readout: Readout, course: Course, density: Array, stretches: Stretches) -> _Slices:
    track = stretches.track[:, None]
    number = np.arange(_SLICES, dtype=np.float64)[None]
    along = (number - (_SLICES - 1) / 2) * _SLICE_MM
    path = stretches.middle_mm[:, None] + along
    z, y, phi = course.at(track, path)
    landing = Modules(readout.plane).under(z.ravel(), y.ravel())
    on = landing.on_pad.reshape(z.shape)
    length = course.length_mm[track]
    on &= (path > -BEYOND_MM) & (path < length + BEYOND_MM)
    scale = density[track] / readout.ionisation.per_mm
    electrons = np.where(on, density[track] * _SLICE_MM, 0.0)
    variance = np.where(on, readout.ionisation.variance * scale * _SLICE_MM, 0.0)
    # Whether a track is there at all, before its first cluster and after its last, is open.
    open_end = (path < 0) | (path > length)
    variance = np.where(open_end, variance + (0.5 * electrons) ** 2, variance)
    electrons = np.where(open_end, 0.5 * electrons, electrons)
    module = landing.module.reshape(z.shape)
    along, off = np.broadcast_to(along, z.shape), course.off(track, path)
    return _Slices(z, y, phi, along, path, off, electrons, variance, module)


def _seen(
    plane: PadPlane, slices: _Slices, stretches: Stretches, response: Response, drift_bin: Ints
) -> Floats:
    """ADC per electron of each slice on each pad, and derivatives per mm, (B, S, P, 3)."""
    pad_z, pad_y = plane.z_mm[stretches.column], plane.y_mm[stretches.row]
    dz = (slices.z[:, :, None] - pad_z[:, None]) / plane.z.pitch_mm
    dy = (slices.y[:, :, None] - pad_y[:, None]) / plane.y.pitch_mm
    seen = response.of(drift_bin[:, None, None], dz, dy, stretches.time[:, None])
    # The layer of a module ends with it.
    across = plane.z.pads // plane.z.pads_of_a_module
    module = stretches.row // plane.y.pads_of_a_module * across
    module = module + stretches.column // plane.z.pads_of_a_module
    apart = (module[:, None] != slices.module[:, :, None]) | ~stretches.present[:, None]
    seen[apart] = 0
    seen[..., 1] /= plane.z.pitch_mm
    seen[..., 2] /= plane.y.pitch_mm
    return seen


def _columns(seen: Floats, slices: _Slices, spread: Array) -> tuple[Array, Array, Array]:
    """ADC per electron, per electron and mm across, and what diffusion moves, (B, S or 2S, P)."""
    value = seen[..., 0].astype(np.float64)
    by_z, by_y = seen[..., 1].astype(np.float64), seen[..., 2].astype(np.float64)
    sine, cosine = np.sin(slices.phi)[:, :, None], np.cos(slices.phi)[:, :, None]
    across = by_y * cosine - by_z * sine
    width = np.sqrt(slices.electrons * spread[:, None])[:, :, None]
    return value, across, np.concatenate([by_z * width, by_y * width], axis=1)


def _charge(charge: Array, charges: Charges) -> Array:
    """What pads are taken to have: below the threshold something, above no chance of the noise."""
    return np.where(charge > 0, charge - _AT_TOP * charges.noise, 0.6 * charges.threshold)


def _variance(readout: Readout, mean: Array, charge: Array, present: BoolArray) -> Array:
    """Of each pad by itself."""
    charges = readout.charges
    variance = charges.noise**2 + (readout.ionisation.relative * mean) ** 2
    variance += np.where(charge > 0, 0.0, _ABSENT_VARIANCE * charges.threshold**2)
    variance += np.where(charge >= charges.saturation, _SATURATED, 0.0)
    return np.where(present, variance, _NO_PAD)


def _with_tails(value: Array, inverse: Array, left: Array, slices: _Slices) -> Array:
    """Variance of the electrons of slices, by what the pads tell of each."""
    prior = slices.variance + 0.5 * slices.electrons
    told = np.einsum("bsp,bp->bs", value, np.einsum("bpq,bq->bp", inverse, left))
    known = np.einsum("bsp,bsp->bs", value @ inverse, value)
    second = (prior * told) ** 2 + np.maximum(prior - prior**2 * known, 0)
    spread = (_FREEDOM * slices.variance + second) / (_FREEDOM + 1)
    return np.asarray(spread + 0.5 * slices.electrons)
