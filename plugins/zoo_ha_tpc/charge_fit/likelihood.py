"""Where a track passes a stretch, by what all its pads report.

That is linear (:mod:`zoo_ha_tpc.charge_fit.pads`) in the electrons of *slices* of the stretch and
in where those arrive. What is not known of those, the *latents*:

* ionisation: numbers of electrons of slices fluctuate, with tails;
* avalanches: gains fluctuate, half of the number of electrons for Polya's theta = 1;
* diffusion: the mean place of n electrons is off by sigma_T / sqrt(n) across the track. (Along it,
  that is a fluctuation of the numbers.)

So the parameters of the track follow by generalised least squares. The covariance of the pads is
1 + A^T A, with A what the latents, in units of their standard deviations, do to the pads, in units
of theirs; its inverse is 1 - A^T (1 + A A^T)^-1 A, which needs a matrix of latents only.

The tails of ionisation are those of Student's t: a slice that stands out gets a larger variance
(expectation and maximisation, Lange, Little and Taylor, J. Am. Stat. Assoc. 84 (1989) 881), so the
charge of a delta electron moves no pad's weight but its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.course import BEYOND_MM, Course
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.pads import Equations, Reports, equations_of
from zoo_ha_tpc.charge_fit.response import REACH, Response
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["TIMES_NS", "Readout", "Told", "slice_mm", "told_by"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Ints = NDArray[np.intp]

TIMES_NS = np.array([10.0, 10.0])
"""Units of the time of arrival, and of how much it changes over the length of a track."""

_FINE_MM, _COARSE_MM = 2.5, 5.0  # widths of slices
_NEAR_MM = 600.0  # drift below which diffusion blurs little, so that slices must be fine
_TOGETHER_MM = 10.0  # whose electrons are taken to diffuse together
_BEYOND_PITCHES = 1.5 * REACH  # the ends of a stretch, to which its pads see
_FREEDOM = 3.0  # of Student's t
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
    """What the pads of B stretches tell of the parameters of their tracks.

    Parameters are those of the course, then the time of arrival where the course starts and how
    much it changes over the length of the track, in 10 ns.

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


def slice_mm(drift_mm: Array, *, last: bool = True) -> Array:
    """How wide slices of tracks are that drift so far: finer in the last round."""
    return np.where(last & (drift_mm < _NEAR_MM), _FINE_MM, _COARSE_MM)


def told_by(
    readout: Readout,
    course: Course,
    electrons: Electrons,
    stretches: Stretches,
    reports: Reports,
    *,
    last: bool = True,
) -> Told:
    """Generalised least squares in every stretch.

    Args:
        readout: What sees the tracks.
        course: Of N tracks, about which all is linear.
        electrons: Of the tracks.
        stretches: B of them.
        reports: Of their pads.
        last: Whether this is the last round.
    """
    response, drift = readout.response, electrons.drift_mm[stretches.track]
    width_mm = float(slice_mm(drift, last=last).min())
    slices = _slices_of(readout, course, electrons.per_mm, stretches, width_mm)
    shares = _shares(readout.plane, slices, stretches, response, response.drift_bin(drift))
    mean = np.einsum("bs,bpsk->bpk", slices.electrons, shares[0], optimize=True)
    equations = equations_of(
        response,
        readout.charges,
        stretches,
        electrons,
        reports,
        mean=mean,
        relative=readout.ionisation.relative,
    )
    value, across = (_seen(one, equations) for one in shares)
    right = equations.right.reshape(len(mean), -1)
    rest = right - np.einsum("bs,bsq->bq", slices.electrons, value)
    together = round(_TOGETHER_MM / width_mm)
    latents = _Latents(value, _wander(across, slices, response.spread(drift), together))
    prior = slices.variance + 0.5 * slices.electrons
    inverse, volume = latents.inverse(prior)
    line = np.stack([slices.electrons, slices.electrons * slices.along], 1) @ across
    left = _without(line, latents, prior, inverse, rest)
    weighed = latents.weigh(left[:, None], prior, inverse)[:, 0]
    deviance = volume + np.einsum("bq,bq->b", left, weighed)
    tails = _with_tails(latents, prior, inverse, left, slices)
    inverse, _ = latents.inverse(tails)
    design = _design(course, slices, stretches, across, equations)
    # Parameters count from the arc, pads from the course.
    rest = rest + np.einsum("bs,bsq->bq", slices.electrons * slices.off, across)
    weighted = latents.weigh(design, tails, inverse)
    return Told(
        weighted @ design.transpose(0, 2, 1), np.einsum("bkq,bq->bk", weighted, rest), deviance
    )


def _design(
    course: Course, slices: _Slices, stretches: Stretches, across: Array, equations: Equations
) -> Array:
    """What the parameters do to the equations, (B, K, Q)."""
    track = stretches.track
    places = (course.shapes(track, slices.path) * slices.electrons[:, None]) @ across
    length = course.length_mm[track][:, None]
    late = np.stack([np.ones_like(stretches.path_mm), stretches.path_mm / length], 1)
    times = TIMES_NS[:, None, None] * late[..., None] * equations.by_time[:, None]
    return np.concatenate([places, times.reshape(len(track), len(TIMES_NS), -1)], axis=1)


class _Latents:
    """What B stretches do not know beforehand, and what it does to Q equations.

    Args:
        value: Of each electron of a slice, (B, S, Q).
        wander: Of the diffusion of slices together, over its standard deviation, (B, S', Q).
    """

    def __init__(self, value: Array, wander: Array) -> None:
        self.slices = value.shape[1]
        self.doing = np.concatenate([value, wander], axis=1)
        single = self.doing.astype(np.float32)
        self.gram = (single @ single.transpose(0, 2, 1)).astype(np.float64)

    def _deviations(self, variance: Array) -> Array:
        ones = np.ones((len(variance), self.doing.shape[1] - self.slices))
        return np.concatenate([np.sqrt(variance), ones], axis=1)

    def inverse(self, variance: Array) -> tuple[Array, Array]:
        """Covariance of the latents, given the pads, in units of what they have, (B, L, L).

        And the logarithm of the determinant of the covariance of the equations, (B,).
        """
        size = self._deviations(variance)
        matrix = self.gram * size[:, :, None] * size[:, None, :]
        index = np.arange(matrix.shape[1])
        matrix[:, index, index] += 1
        factor = torch.linalg.cholesky(torch.from_numpy(matrix))
        diagonal = torch.diagonal(factor, dim1=1, dim2=2)
        return torch.cholesky_inverse(factor).numpy(), 2 * diagonal.log().sum(1).numpy()

    def weigh(self, columns: Array, variance: Array, inverse: Array) -> Array:
        """Columns (B, K, Q) times the inverse of the covariance of the equations."""
        size = self._deviations(variance)
        told = (columns @ self.doing.transpose(0, 2, 1)) * size[:, None]
        return np.asarray(columns - ((told @ inverse) * size[:, None]) @ self.doing)


def _without(
    design: Array, latents: _Latents, variance: Array, inverse: Array, rest: Array
) -> Array:
    """Equations less what a shift and a turn of the stretch explain of them, (B, Q)."""
    weighted = latents.weigh(design, variance, inverse)
    information = weighted @ design.transpose(0, 2, 1) + np.diag(_LOOSE)
    right = np.einsum("bkq,bq->bk", weighted, rest)
    shift = np.linalg.solve(information, right[:, :, None])[:, :, 0]
    return np.asarray(rest - np.einsum("bk,bkq->bq", shift, design))


def _slices_of(
    readout: Readout, course: Course, density: Array, stretches: Stretches, width_mm: float
) -> _Slices:
    track = stretches.track[:, None]
    pitch = max(readout.plane.z.pitch_mm, readout.plane.y.pitch_mm)
    seen = float(stretches.length_mm.max()) + 2 * _BEYOND_PITCHES * pitch
    number = round(_TOGETHER_MM / width_mm) * int(np.ceil(seen / _TOGETHER_MM))
    along = np.asarray((np.arange(number) - (number - 1) / 2) * width_mm, np.float64)[None]
    path = stretches.middle_mm[:, None] + along
    z, y, phi = course.at(track, path)
    landing = Modules(readout.plane).under(z.ravel(), y.ravel())
    on = landing.on_pad.reshape(z.shape)
    length = course.length_mm[track]
    on &= (path > -BEYOND_MM) & (path < length + BEYOND_MM)
    scale = density[track] / readout.ionisation.per_mm
    electrons = np.where(on, density[track] * width_mm, 0.0)
    variance = np.where(on, readout.ionisation.variance * scale * width_mm, 0.0)
    # Whether a track is there at all, before its first cluster and after its last, is open.
    open_end = (path < 0) | (path > length)
    variance = np.where(open_end, variance + (0.5 * electrons) ** 2, variance)
    electrons = np.where(open_end, 0.5 * electrons, electrons)
    module = landing.module.reshape(z.shape)
    along, off = np.broadcast_to(along, z.shape), course.off(track, path)
    return _Slices(z, y, phi, along, path, off, electrons, variance, module)


def _shares(
    plane: PadPlane, slices: _Slices, stretches: Stretches, response: Response, drift_bin: Ints
) -> tuple[Floats, Floats]:
    """Share of an electron of each slice on each pad at the nodes, (B, P, S, nodes), float32.

    And how it changes as the electron moves across the track, 1/mm.
    """
    pad_z, pad_y = plane.z_mm[stretches.column], plane.y_mm[stretches.row]
    dz = (slices.z[:, None] - pad_z[:, :, None]) / plane.z.pitch_mm
    dy = (slices.y[:, None] - pad_y[:, :, None]) / plane.y.pitch_mm
    z, by_z = response.share(0, drift_bin[:, None, None], dz)
    y, by_y = response.share(1, drift_bin[:, None, None], dy)
    # The layer of a module ends with it.
    modules = plane.z.pads // plane.z.pads_of_a_module
    module = stretches.row // plane.y.pads_of_a_module * modules
    module = module + stretches.column // plane.z.pads_of_a_module
    there = (module[:, :, None] == slices.module[:, None]) & stretches.present[:, :, None]
    z *= there[..., None]
    by_z *= there[..., None]
    sine = (np.sin(slices.phi) / plane.z.pitch_mm).astype(np.float32)[:, None, :, None]
    cosine = (np.cos(slices.phi) / plane.y.pitch_mm).astype(np.float32)[:, None, :, None]
    return z * y, z * by_y * cosine - by_z * y * sine


def _seen(shares: Floats, equations: Equations) -> Array:
    """What shares at the nodes (B, P, S, nodes) are in the equations, (B, S, P * R)."""
    weights = equations.weights.astype(np.float32).transpose(0, 1, 3, 2)
    seen = (shares @ weights).transpose(0, 2, 1, 3)
    return np.asarray(seen.reshape(*seen.shape[:2], -1), np.float64)


def _wander(across: Array, slices: _Slices, spread: Array, together: int) -> Array:
    """What the diffusion of some slices together does, over its standard deviation."""
    electrons = slices.electrons
    groups = (len(spread), electrons.shape[1] // together, together)
    number = electrons.reshape(groups).sum(2)
    moved = (across * electrons[:, :, None]).reshape(*groups, across.shape[2]).sum(2)
    error = np.sqrt(spread[:, None] / np.maximum(number, 1e-9)) * (number > 0)
    return np.asarray(moved * error[:, :, None])


def _with_tails(
    latents: _Latents, prior: Array, inverse: Array, left: Array, slices: _Slices
) -> Array:
    """Variance of the electrons of slices, by what the pads tell of each."""
    number = latents.slices
    told = np.einsum("bsq,bq->bs", latents.doing, left)
    size = np.ones_like(told)
    size[:, :number] = np.sqrt(prior)
    found = np.einsum("bij,bj->bi", inverse, told * size)[:, :number] ** 2 * prior
    index = np.arange(number)
    second = found + inverse[:, index, index] * prior
    spread = (_FREEDOM * slices.variance + second) / (_FREEDOM + 1)
    return np.asarray(spread + 0.5 * slices.electrons)
