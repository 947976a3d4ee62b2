"""Yields and a common shift of the light by maximum likelihood; the model stays as it is.

Sensor i sees of flash n ``mu_ni = N_n y_i v_i(x_n + d)`` photo-electrons, Poisson. For a shift d
the best yield is the charge over what is expected without it, so that three parameters are left
to be searched for. With ``g_ni`` the slope of ``log v`` the Fisher information is

``F_ii = sum_n mu_ni``, ``F_id = sum_n mu_ni g_ni``, ``F_dd = sum_ni mu_ni g_ni g_ni``,

diagonal in the yields: the information on d without knowing the yields is its Schur complement,
``S = F_dd - sum_i F_id F_id / F_ii``, and the variance of ``log y_i`` is ``1 / F_ii`` and what the
shift adds, ``a_i S^-1 a_i`` with ``a_i = F_id / F_ii``.

Errors by counting are those of this matrix. They are right where the model is. Errors by scatter
come from how flashes differ (the sandwich of M-estimators: Huber, Proc. 5th Berkeley Symp. 1, 221,
1967), and hold what a model does wrong from place to place, but not what it does wrong on average.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_optics.calibration.frozen import FrozenLight, parts_of
from zoo_optics.metrics import deviance, poisson_deviance

__all__ = ["Calibration", "calibrate"]

Array = NDArray[np.float64]
Progress = Callable[[str], None]

_MOST_STEPS = 30
_ENOUGH = 1e-3  # gain of log L that is not worth another step: 3 % of an error
_LONGEST_CM = 20.0
_HALVINGS = 8
_FLAT = 1e-6  # of what the slopes tell; below it yields could be the shift


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was found.

    Attributes:
        yields: (S,); NaN for sensors that nothing tells: dead ones, or such without charge.
        errors: (S,), of the logarithm of the yields, by counting.
        scatter: (S,), the same by scatter.
        offset_cm: (3,), to be added to positions as they are believed.
        offset_covariance: (3, 3), cm^2, by counting; zero where the shift was not free.
        offset_scatter: (3, 3), the same by scatter.
        excess: Mean deviance of the charges over what counting leaves of it: 1 is a perfect model.
        steps: Steps that were taken.
        converged: Whether another one would have gained nothing.
    """

    yields: Array
    errors: Array
    scatter: Array
    offset_cm: Array
    offset_covariance: Array
    offset_scatter: Array
    excess: float
    steps: int
    converged: bool


def calibrate(
    light: FrozenLight,
    samples: Table,
    *,
    free_yields: bool = True,
    free_offset: bool = True,
    tell: Progress = lambda _: None,
) -> Calibration:
    """Fit to samples.

    Args:
        light: The model.
        samples: ``position``, ``photons``, ``charge`` and, where sensors are dead, ``alive``.
        free_yields: Whether yields are fitted; else they are 1.
        free_offset: Whether the shift is; else it is 0.
        tell: Told of every step.

    Raises:
        DataError: If there is no charge, or the flashes cannot tell a shift from yields.
    """
    sums = _Sums.at(light, samples, np.zeros(3), slopes=free_offset)
    if not sums.charge.any():
        raise DataError(
            "no sensor has charge", where="charge", remedy="give flashes of more photons"
        )
    offset, steps, converged = np.zeros(3), 0, not free_offset
    if free_offset:
        _require_information(sums, free_yields=free_yields)
    while not converged and steps < _MOST_STEPS:
        step: Array = _inverse(sums.information(free_yields)) @ sums.score(free_yields)
        gain = 0.5 * float(sums.score(free_yields) @ step)
        step *= min(1.0, _LONGEST_CM / max(float(np.linalg.norm(step)), 1e-12))
        trial = _climb(light, samples, sums, offset, step, free_yields=free_yields)
        steps, converged = steps + 1, trial is None or gain < _ENOUGH
        if trial is not None:
            offset, sums = trial
        tell(f"step {steps}: offset {_cm(offset)} cm, log L to gain {gain:.3g}")
    free, search = (free_yields, free_offset), (steps, converged)
    return _result(light, samples, sums, offset, free=free, search=search)


@dataclass(frozen=True)
class _Sums:
    """Sums over the flashes at one shift; S sensors.

    Attributes:
        charge: (S,), seen.
        light: (S,), expected of a yield of 1.
        charge_slope: (S, 3), slopes weighted with charge.
        light_slope: (S, 3), with light.
        light_square: (S, 3, 3), their products weighted with light.
        logarithm: (S,), logarithm of the visibility weighted with charge.
    """

    charge: Array
    light: Array
    charge_slope: Array
    light_slope: Array
    light_square: Array
    logarithm: Array

    @classmethod
    def at(cls, light: FrozenLight, samples: Table, offset: Array, *, slopes: bool = True) -> _Sums:
        """At a shift (3,)."""
        count = light.sensors
        shapes = [(count,), (count,), (count, 3), (count, 3), (count, 3, 3), (count,)]
        total = [np.zeros(shape) for shape in shapes]
        for part in parts_of(samples):
            place = part.position_cm + offset
            if slopes:
                seen, slope = light.with_slopes(place)
            else:
                seen = light.visibility(place)
                slope = np.zeros((*seen.shape, 3))
            unit = part.photons[:, None] * part.alive * seen
            total[0] += part.charge.sum(0)
            total[1] += unit.sum(0)
            total[2] += np.einsum("ns,nsi->si", part.charge, slope)
            total[3] += np.einsum("ns,nsi->si", unit, slope)
            total[4] += np.einsum("ns,nsi,nsj->sij", unit, slope, slope)
            total[5] += (part.charge * np.log(seen)).sum(0)
        return cls(*total)

    def yields(self, free: bool) -> Array:
        """(S,), the best ones, or 1; 0 where there is no charge."""
        if not free:
            return np.ones_like(self.charge)
        lit = self.light > 0
        return np.divide(self.charge, self.light, out=np.zeros_like(self.charge), where=lit)

    def value(self, free: bool) -> float:
        """Log L without what has no parameters, at the best yields."""
        yields = self.yields(free)
        logs = np.log(np.maximum(yields, 1e-300))
        return float((self.logarithm + self.charge * logs - yields * self.light).sum())

    def score(self, free: bool) -> Array:
        """(3,), slope of log L by the shift."""
        total: Array = self.charge_slope.sum(0) - self.yields(free) @ self.light_slope
        return total

    def information(self, free: bool) -> Array:
        """(3, 3), on the shift: the Schur complement where the yields are free."""
        square = self.light_square
        if free:
            square = square - self.mean_slope[:, :, None] * self.light_slope[:, None]
        total: Array = np.einsum("s,sij->ij", self.yields(free), square)
        return total

    @property
    def mean_slope(self) -> Array:
        """(S, 3), ``a_i``."""
        total: Array = self.light_slope / np.maximum(self.light, 1e-300)[:, None]
        return total


def _climb(
    light: FrozenLight,
    samples: Table,
    sums: _Sums,
    offset: Array,
    step: Array,
    *,
    free_yields: bool,
) -> tuple[Array, _Sums] | None:
    """The shift after a step, shortened until it gains; none: it never does."""
    value = sums.value(free_yields)
    for _ in range(_HALVINGS):
        trial = _Sums.at(light, samples, offset + step)
        if trial.value(free_yields) > value:
            return offset + step, trial
        step = step / 2
    return None


def _require_information(sums: _Sums, *, free_yields: bool) -> None:
    information = sums.information(free_yields)
    least = float(np.linalg.eigvalsh(information).min())
    if least <= _FLAT * float(np.trace(np.einsum("s,sij->ij", sums.charge, _outer(sums)))):
        raise DataError(
            "the flashes do not tell a shift of the light from yields of the sensors",
            where="position",
            remedy="give flashes at more places, or fix one of the two",
        )


def _outer(sums: _Sums) -> Array:
    """(S, 3, 3), mean product of the slopes."""
    mean: Array = sums.light_square / np.maximum(sums.light, 1e-300)[:, None, None]
    return mean


def _result(
    light: FrozenLight,
    samples: Table,
    sums: _Sums,
    offset: Array,
    *,
    free: tuple[bool, bool],
    search: tuple[int, bool],
) -> Calibration:
    free_yields, free_offset = free
    yields = sums.yields(free_yields)
    known = sums.charge > 0
    inverse = _inverse(sums.information(free_yields)) if free_offset else np.zeros((3, 3))
    mean = sums.mean_slope if free_yields else np.zeros((len(yields), 3))
    own = np.zeros_like(yields)
    own[known] = 1 / sums.charge[known]
    variance = own + np.einsum("si,ij,sj->s", mean, inverse, mean)
    scatter, middle, excess = _scatter(light, samples, offset, (yields, own, mean, inverse))
    if not free_yields:
        variance, scatter = np.zeros_like(yields), np.zeros_like(yields)
    unknown = np.where(known, 1.0, np.nan)
    return Calibration(
        yields=yields * unknown,
        errors=np.sqrt(variance) * unknown,
        scatter=np.sqrt(scatter) * unknown,
        offset_cm=offset,
        offset_covariance=inverse,
        offset_scatter=inverse @ middle @ inverse,
        excess=excess,
        steps=search[0],
        converged=search[1],
    )


def _scatter(
    light: FrozenLight,
    samples: Table,
    offset: Array,
    found: tuple[Array, Array, Array, Array],
) -> tuple[Array, Array, float]:
    """What each flash pulls at: variances of log yields (S,), of the score (3, 3); the excess."""
    yields, own, mean, inverse = found
    variance, middle = np.zeros_like(yields), np.zeros((3, 3))
    seen_deviance, floor = 0.0, 0.0
    for part in parts_of(samples):
        seen, slope = light.with_slopes(part.position_cm + offset)
        expected = part.photons[:, None] * part.alive * seen * yields
        off = part.charge - expected
        pull = np.einsum("ns,nsi->ni", off, slope - mean)
        middle += pull.T @ pull
        variance += np.square(off * own - (pull @ inverse) @ mean.T).sum(0)
        lit = expected > 0
        seen_deviance += float(deviance(part.charge[lit], expected[lit]).sum())
        floor += float(poisson_deviance(expected[lit]).sum())
    return variance, middle, seen_deviance / max(floor, 1e-300)


def _inverse(information: Array) -> Array:
    inverse: Array = np.linalg.inv(information).astype(np.float64)
    return inverse


def _cm(offset: Array) -> str:
    return ", ".join(f"{x:+.3f}" for x in offset)
