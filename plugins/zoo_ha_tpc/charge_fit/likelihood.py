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
from zoo_ha_tpc.charge_fit.response import Response
from zoo_ha_tpc.charge_fit.sampling import Sampling
from zoo_ha_tpc.charge_fit.shares import shares_of
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
_BEYOND_PITCHES = 2.5  # the ends of a stretch, to which its pads see anything that counts
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
        sampling: Of the pulses.
    """

    plane: PadPlane
    response: Response
    ionisation: Ionisation
    charges: Charges
    sampling: Sampling


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
    shares = shares_of(
        readout.plane,
        response,
        stretches,
        response.drift_bin(drift),
        z_mm=slices.z,
        y_mm=slices.y,
        phi=slices.phi,
        module=slices.module,
    )
    mean = np.einsum("bs,bpsk->bpk", slices.electrons, shares[0], optimize=True)
    equations = equations_of(
        response,
        readout.charges,
        stretches,
        electrons,
        reports,
        sampling=readout.sampling,
        mean=mean,
        relative=readout.ionisation.relative,
    )
    value, across = (_seen(one, equations) for one in shares)
    right = equations.right.reshape(len(mean), -1)
    rest = right - np.einsum("bs,bsq->bq", slices.electrons, value)
    together = round(_TOGETHER_MM / width_mm)
    latents = _Latents(value, _wander(across, slices, response.spread(drift), together))
    weights = latents.weights(slices.variance + 0.5 * slices.electrons)
    line = np.stack([slices.electrons, slices.electrons * slices.along], 1) @ across
    left = _without(line, weights, rest)
    weighed = weights.times(left[:, None])[:, 0]
    deviance = weights.volume() + np.einsum("bq,bq->b", left, weighed)
    weights = latents.weights(_with_tails(weights, left, slices))
    design = _design(course, slices, stretches, across, equations)
    # Parameters count from the arc, pads from the course.
    rest = rest + np.einsum("bs,bsq->bq", slices.electrons * slices.off, across)
    weighted = weights.times(design)
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
        self.doing = np.concatenate([value, wander], axis=1)
        single = self.doing.astype(np.float32)
        self._gram = (single @ single.transpose(0, 2, 1)).astype(np.float64)

    def weights(self, variance: Array) -> _Weights:
        """The inverse of the covariance of the equations.

        Args:
            variance: Of the electrons of slices, (B, S).
        """
        ones = np.ones((len(variance), self.doing.shape[1] - variance.shape[1]))
        size = np.concatenate([np.sqrt(variance), ones], axis=1)
        matrix = self._gram * size[:, :, None] * size[:, None, :]
        index = np.arange(matrix.shape[1])
        matrix[:, index, index] += 1
        return _Weights(self.doing, size, torch.linalg.cholesky(torch.from_numpy(matrix)))


@dataclass(frozen=True)
class _Weights:
    """The inverse of 1 + A^T A, with A ``doing`` times ``size``.

    Attributes:
        doing: Of the latents to the equations, (B, L, Q).
        size: Standard deviations of the latents, (B, L).
        factor: Of Cholesky, of 1 + A A^T, float64 (B, L, L).
    """

    doing: Array
    size: Array
    factor: torch.Tensor

    def volume(self) -> Array:
        """Logarithm of the determinant of the covariance of the equations, (B,)."""
        diagonal = torch.diagonal(self.factor, dim1=1, dim2=2)
        return np.asarray(2 * diagonal.log().sum(1).numpy())

    def times(self, columns: Array) -> Array:
        """The inverse times columns, (B, K, Q)."""
        told = (self.doing @ columns.transpose(0, 2, 1)) * self.size[:, :, None]
        solved = torch.cholesky_solve(torch.from_numpy(told), self.factor).numpy()
        return np.asarray(
            columns - (solved * self.size[:, :, None]).transpose(0, 2, 1) @ self.doing
        )

    def latents(self, left: Array) -> tuple[Array, Array]:
        """What equations (B, Q) say of the latents: mean and variance, (B, L) each."""
        inverse = torch.cholesky_inverse(self.factor).numpy()
        told = np.einsum("blq,bq->bl", self.doing, left) * self.size
        mean = np.einsum("bij,bj->bi", inverse, told) * self.size
        return mean, np.diagonal(inverse, axis1=1, axis2=2) * self.size**2


def _without(design: Array, weights: _Weights, rest: Array) -> Array:
    """Equations less what a shift and a turn of the stretch explain of them, (B, Q)."""
    weighted = weights.times(design)
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


def _with_tails(weights: _Weights, left: Array, slices: _Slices) -> Array:
    """Variance of the electrons of slices, by what the pads tell of each, (B, S)."""
    mean, variance = (one[:, : slices.variance.shape[1]] for one in weights.latents(left))
    spread = (_FREEDOM * slices.variance + mean**2 + variance) / (_FREEDOM + 1)
    return np.asarray(spread + 0.5 * slices.electrons)
