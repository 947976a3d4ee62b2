"""What the pads of a stretch tell: equations that are linear in the electrons of its slices.

A pad reports the height of its pulse, when that was, and how long the pulse was above half of it.
With n electrons of slices, whose pulses on the pad are f,

* the height Q at the time T is that of the pulse there: sum n f(T) = Q;
* the pulse is flat there: sum n f'(T) = 0;
* a width W apart, before and after T, it has half that height: sum n (f(a) - f(T) / 2) = 0 and
  sum n (f(a + W) - f(T) / 2) = 0. When that begins, a, is not reported: the combination of the two
  that does not change with a, to first order, is what W tells.

All three are exact where T and W are, however unevenly the track ionised. A pad below the threshold
tells that its pulse is low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.charge_fit.electrons import Electrons
from zoo_ha_tpc.charge_fit.response import Response
from zoo_ha_tpc.charge_fit.sampling import Sampling
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.fitting.positions import Charges

__all__ = ["Equations", "Reports", "equations_of"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ABSENT_VARIANCE = 0.15  # thresholds^2: of a charge that is somewhere below the threshold
_ABSENT = 0.6  # thresholds: such a charge
_MOST_AT_TOP = 1.0  # noise: what a flat pulse's largest sample is above it
_FLATTEST = 1e-6  # noise / ns^2
_TIME_NS = 6.0  # what times are off beyond noise
_UNEVEN_MM = 10.0  # how far from a pad's place the electrons it sees are freed
_STEP_NS = 20.0  # in which half the height is looked for
_LONGEST_NS = 2300.0  # of a pulse
_OFF = 1e6  # standard deviations that an equation may be off that is none


@dataclass(frozen=True)
class Reports:
    """What P pads of B stretches report, (B, P).

    Attributes:
        charge: ADC, 0 below the threshold.
        time_ns: When, since the electrons of the track arrived beside the pad, NaN where unknown.
        width_ns: FWHM, NaN where unknown.
    """

    charge: Array
    time_ns: Array
    width_ns: Array


@dataclass(frozen=True)
class Equations:
    """R equations a pad, each over its standard deviation.

    Attributes:
        weights: Of the shares of charge at the nodes, (B, P, R, nodes).
        right: What their sum should be, (B, P, R).
        by_time: How the sum changes if the electrons arrive later, 1/ns, (B, P, R).
    """

    weights: Array
    right: Array
    by_time: Array


def equations_of(
    response: Response,
    charges: Charges,
    stretches: Stretches,
    electrons: Electrons,
    reports: Reports,
    *,
    sampling: Sampling,
    mean: Array,
    relative: float,
) -> Equations:
    """Equations of all pads: one where no time is known, else three.

    Args:
        response: Shapes of pulses.
        charges: Noise and threshold.
        stretches: B of them.
        electrons: Of the tracks.
        reports: Of their pads.
        sampling: Of the pulses.
        mean: Expected charges of the pads at the nodes, electrons, (B, P, nodes).
        relative: Standard deviation of a charge from what the response says, relative to it.
    """
    hit, timed = reports.charge > 0, ~np.isnan(reports.time_ns)
    pads = _Pads(
        response=response,
        charges=charges,
        sampling=sampling,
        relative=relative,
        mean=mean,
        hit=hit,
        # What saturates is somewhere above.
        known=stretches.present & (reports.charge < charges.saturation),
        time_ns=np.where(timed, np.nan_to_num(reports.time_ns), stretches.time_ns),
        uneven_ns=np.abs(electrons.later_ns_mm[stretches.track])[:, None] * _UNEVEN_MM,
    )
    rows = [pads.height(timed, reports.charge)]
    if timed.any():
        rows += [pads.flat(hit & timed), pads.half(hit & timed, reports.width_ns)]
    weights, right, by_time = (np.stack(one, axis=2) for one in zip(*rows, strict=True))
    return Equations(weights, right, by_time)


@dataclass(frozen=True, kw_only=True)
class _Pads:
    """Pads of stretches, (B, P), and the equations of each, over their standard deviations.

    Every method gives weights, right-hand sides, and the change with the time of arrival.

    Attributes:
        response, charges, sampling, relative, mean: See :func:`equations_of`.
        hit: Whether they report a charge.
        known: Whether that tells anything.
        time_ns: At which their pulses count.
        uneven_ns: What times are off because a pad sees electrons of several places.
    """

    response: Response
    charges: Charges
    sampling: Sampling
    relative: float
    mean: Array
    hit: BoolArray
    known: BoolArray
    time_ns: Array
    uneven_ns: Array

    def height(self, timed: BoolArray, charge: Array) -> tuple[Array, Array, Array]:
        noise, threshold = self.charges.noise, self.charges.threshold
        weights = self.response.pulse(0, self.time_ns)
        expected = self._at(weights)
        variance = noise**2 + (self.relative * expected) ** 2
        variance += np.where(self.hit, 0.0, _ABSENT_VARIANCE * threshold**2)
        error = np.where(self.known, np.sqrt(variance), _OFF * noise)
        height = np.where(self.hit, charge - self._above(), _ABSENT * threshold)
        height = np.where(self.known, height, expected)
        by_time = np.where(timed, -self._slope(self.time_ns), 0.0)  # else its top counts, whenever
        return weights / error[..., None], height / error, by_time / error

    def flat(self, timed: BoolArray) -> tuple[Array, Array, Array]:
        weights, bend = self.response.pulse(1, self.time_ns), self._bend()
        off_ns = _TIME_NS**2 + self.uneven_ns**2
        error = np.sqrt(self._slope_noise() ** 2 + bend**2 * off_ns)
        error = np.where(timed & self.known, error, _OFF * self.charges.noise)
        return weights / error[..., None], np.zeros_like(error), -bend / error

    def half(self, timed: BoolArray, width_ns: Array) -> tuple[Array, Array, Array]:
        noise, top = self.charges.noise, self.response.pulse(0, self.time_ns)
        begins = self._begins()
        ends = begins + np.nan_to_num(width_ns)
        up, down = self._slope(begins), self._slope(ends)
        good = timed & self.known & ~np.isnan(width_ns) & (ends < _LONGEST_NS)
        good &= (up > 0) & (down < -self.sampling.least_slope * noise)
        size = np.where(good, np.hypot(up, down), 1.0)
        first, second = np.where(good, down, 0.0) / size, np.where(good, up, 0.0) / size
        weights = first[..., None] * (self.response.pulse(0, begins) - top / 2)
        weights -= second[..., None] * (self.response.pulse(0, ends) - top / 2)
        variance = noise**2 * (1 + (first - second) ** 2 / 4)
        variance += (self.relative * self._at(top) / 2) ** 2 + (down * self.uneven_ns) ** 2
        error = np.where(good, np.sqrt(variance), _OFF * noise)
        right = (first - second) / 2 * self._above()
        return weights / error[..., None], right / error, np.zeros_like(error)

    def _at(self, weights: Array) -> Array:
        """What is expected of the sums with some weights, (B, P)."""
        return np.asarray(np.einsum("bpk,bpk->bp", self.mean, weights))

    def _slope(self, time_ns: Array) -> Array:
        return self._at(self.response.pulse(1, time_ns))

    def _bend(self) -> Array:
        return self._at(self.response.pulse(2, self.time_ns))

    def _slope_noise(self) -> float:
        return self.sampling.slope_noise * self.charges.noise

    def _above(self) -> Array:
        """How far the largest noisy sample is above the pulse at the time that it tells, ADC.

        Noise of slope s moves the top of a pulse of curvature -c by s / c, and it is higher by
        s^2 / 2c than the pulse was at its top, which is higher by as much than at that time.
        """
        noise = self.charges.noise
        curved = np.maximum(-self._bend(), _FLATTEST * noise)
        found = self._slope_noise() ** 2 / curved - self.sampling.off_ns2 / 2 * curved
        return np.minimum(found, _MOST_AT_TOP * noise)

    def _begins(self) -> Array:
        """When the expected pulses reach half of their heights."""
        grid = np.arange(0, _LONGEST_NS, _STEP_NS)
        wave = self.mean @ self.response.pulse(0, grid).T
        half = wave.max(axis=2) / 2
        first = np.maximum((wave >= half[..., None]).argmax(axis=2), 1)[..., None]
        before, after = (np.take_along_axis(wave, first - step, 2)[..., 0] for step in (1, 0))
        part = (half - before) / np.maximum(after - before, 1e-9)
        return np.asarray((first[..., 0] - 1 + np.clip(part, 0, 1)) * _STEP_NS)
