"""How well expected charges describe the ones that were seen.

With charges of a fraction of a photo-electron most of the squared error is counting noise, which
nothing can learn. So the primary number is the deviance that is explained, between a null model
that knows only the mean and the floor of counting:

``1 - (D - D_floor) / (D_null - D_floor)``, ``D = 2 sum(q log(q / mu) - (q - mu))``.

Where the source knows the expectation, ``D_floor`` is its own deviance; elsewhere it is the mean
deviance of Poisson counts about the prediction itself, which is right where the prediction is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from zoo.api import DataError, Metrics, Number, Table
from zoo_optics.physics.detector import Cylinder, Detector, alive_of, detector_of
from zoo_optics.profiles import probe_of, profile_sums
from zoo_optics.times.hits import HIT_FIELDS
from zoo_optics.times.judge import time_numbers, time_sums

__all__ = ["OpticsMetrics", "deviance", "poisson_deviance"]

Array = NDArray[np.float64]

SMALLEST = 1e-12
"""Expectation below which a sensor counts as expecting this much, photo-electrons."""

_NOT_SUMMED = frozenset({"id", "group", "training"})

VISIBILITY_BINS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)


class OpticsMetrics(Metrics):
    """Explained deviance (primary), deviance per sensor, bias, and errors of the visibility.

    The errors compare visibilities and need the source's ``expected``: their mean absolute relative
    error is ``mean(2 |p - t| / (p + t))`` over sensors above 4.5e-5, as in the SIREN papers (there
    called a bias), and by decade of the visibility. Where data tell hit times: their likelihood.
    Dead sensors (``alive``) count nowhere.
    """

    needs: ClassVar[frozenset[str]] = (
        frozenset({"charge", "photons", "position", "expected", "alive"}) | HIT_FIELDS
    )
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "from_wall": (0, 20, 50, 100, 200, 400, 800),  # cm
        "photoelectrons": (0, 100, 300, 1000, 3000, 10000, 100000),
    }
    primary: ClassVar[str] = "explained deviance"

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Sums over the sensors of every flash, float64 (N, ...).

        Raises:
            DataError: If charges and predictions differ in shape, or a prediction is not finite.
        """
        charge = samples["charge"].astype(np.float64)
        mean = predictions["charge"].astype(np.float64)
        if charge.shape != mean.shape or not np.isfinite(mean).all():
            raise DataError(
                f"predictions of shape {mean.shape} for charges of shape {charge.shape}, or not "
                "all finite",
                where="optics metrics",
                remedy="predict on the samples that are measured",
            )
        alive = samples["alive"] if "alive" in samples else np.ones(charge.shape, dtype=bool)
        # Nothing seen where nothing is expected: it adds nothing to any sum below.
        charge, mean = np.where(alive, charge, 0), np.maximum(np.where(alive, mean, 0), SMALLEST)
        photons = samples["photons"].astype(np.float64)
        columns = {
            "deviance": deviance(charge, mean).sum(1),
            "charge": charge.sum(1),
            "mean": mean.sum(1),
            "self_entropy": xlogy(charge, charge).sum(1),
            "log_photons": xlogy(charge.sum(1), photons),
            "photons": photons,
            "sensors": alive.sum(1).astype(np.float64),
            "photoelectrons": charge.sum(1),
            "from_wall": self._from_wall(samples["position"].astype(np.float64)),
        }
        if "relative_error" in predictions:
            error = predictions["relative_error"].astype(np.float64)
            pull = np.square(charge - mean) / (mean + np.square(error * mean))
            columns["pull_square"] = np.where(alive, pull, 0).sum(1)
        truth = None
        if "expected" in samples:
            expected = np.where(alive, samples["expected"].astype(np.float64), 0)
            expected = np.maximum(expected, SMALLEST)
            floor, truth = deviance(charge, expected), expected / photons[:, None]
            columns |= _errors(mean / photons[:, None], truth)
            probe = probe_of(self._detector, alive_of(self.facts))
            columns |= {"probe": mean[:, probe] / photons, "probe_true": truth[:, probe]}
            columns["place"] = samples["position"].astype(np.float64)
        else:
            floor = poisson_deviance(mean)
        columns["floor"] = floor.sum(1)
        columns |= profile_sums(
            self._detector,
            samples["position"].astype(np.float64),
            found=mean / photons[:, None],
            truth=truth,
            deviance=deviance(charge, mean),
            floor=floor,
            alive=alive,
        )
        columns |= time_sums(samples, predictions, self._detector, self.facts)
        return Table({"id": samples.ids, **columns})

    def summarise(self, rows: Table) -> Sequence[Number]:
        """The numbers of these rows; those of the visibility only where it is known."""
        names = (name for name in rows if name not in _NOT_SUMMED and rows[name].ndim == 1)
        total = {name: float(np.sum(rows[name])) for name in names}
        sensors, charge = max(total["sensors"], 1.0), total["charge"]
        floor, found = total["floor"], total["deviance"]
        null = _null_deviance(rows)
        explained = 1 - (found - floor) / (null - floor) if null > floor else float("nan")
        bias = 100 * (total["mean"] / charge - 1) if charge else float("nan")
        numbers = [
            Number(name="explained deviance", value=explained, better="higher"),
            Number(name="deviance", value=found / sensors),
            Number(name="floor", value=floor / sensors),
            Number(
                name="charge bias", value=bias, unit="%", better="zero", margin=1, absolute=True
            ),
        ]
        return (
            *numbers,
            *_visibility_numbers(total),
            _pull_excess(total),
            *time_numbers(rows, total),
        )

    @cached_property
    def _detector(self) -> Detector:
        return detector_of(self.facts)

    def _from_wall(self, position_cm: Array) -> Array:
        volume = self._detector.volume
        near = np.minimum(position_cm - volume.low, volume.high - position_cm)
        if isinstance(volume, Cylinder):
            near[:, 0] = near[:, 1] = volume.radius_cm - np.hypot(*position_cm[:, :2].T)
        nearest: Array = near.min(axis=1)
        return nearest


def deviance(charge: Array, mean: Array) -> Array:
    """Poisson deviance of every charge, 2 (q log(q / mu) - q + mu), not negative."""
    value: Array = 2 * (xlogy(charge, charge / mean) - charge + mean)
    return np.maximum(value, 0)


def poisson_deviance(mean: Array) -> Array:
    """Mean deviance of Poisson counts about their own mean.

    Summed exactly up to a mean of 12; above, its expansion ``1 + 1/(6 mu) + 1/(6 mu^2)``
    (McCullagh and Nelder, Generalized Linear Models, section 6.2.1), which is then right to 2e-4.

    Args:
        mean: Any shape, positive.
    """
    mean = np.asarray(mean, dtype=np.float64)
    table = np.concatenate([[0.0], np.geomspace(1e-9, 12.0, 600)])
    exact = np.interp(mean, table, _exact_mean_deviance(table))
    with np.errstate(divide="ignore"):
        far = 1 + 1 / (6 * mean) + 1 / (6 * mean**2)
    return np.where(mean < 12, exact, far)


def _exact_mean_deviance(mean: Array) -> Array:
    counts = np.arange(60.0)
    rate = np.maximum(mean, 1e-300)[:, None]
    chance = np.exp(xlogy(counts, rate) - rate - gammaln(counts + 1))
    expected: Array = (chance * deviance(np.broadcast_to(counts, chance.shape), rate)).sum(1)
    return expected


def _null_deviance(rows: Table) -> float:
    """Deviance of one visibility for all sensors and flashes: the mean."""
    charge, pairs = rows["charge"].sum(), (rows["photons"] * rows["sensors"]).sum()
    if not charge or not pairs:
        return float("nan")
    log_mean = charge * np.log(charge / pairs) + rows["log_photons"].sum()
    return float(2 * (rows["self_entropy"].sum() - log_mean))


def _errors(found: Array, truth: Array) -> dict[str, Array]:
    """Sums of the relative errors of every flash, over bright sensors and by decade."""
    relative = 2 * np.abs(found - truth) / (found + truth)
    signed = 2 * (found - truth) / (found + truth)
    bright = truth > 4.5e-5
    columns = {
        "bright": bright.sum(1).astype(np.float64),
        "bright_error": np.where(bright, relative, 0).sum(1),
        "bright_signed": np.where(bright, signed, 0).sum(1),
    }
    for index, (low, high) in enumerate(pairwise(VISIBILITY_BINS)):
        inside = (truth >= low) & (truth < high)
        columns[f"decade_{index}"] = inside.sum(1).astype(np.float64)
        columns[f"decade_{index}_error"] = np.where(inside, relative, 0).sum(1)
    return columns


def _visibility_numbers(total: Mapping[str, float]) -> list[Number]:
    if "bright" not in total:
        return []
    numbers = [
        Number(name="visibility error", value=_share(total, "bright_error", "bright"), unit="%"),
        Number(
            name="visibility bias",
            value=_share(total, "bright_signed", "bright"),
            unit="%",
            better="zero",
            margin=1,
            absolute=True,
        ),
    ]
    for index, low in enumerate(VISIBILITY_BINS[:-1]):
        value = _share(total, f"decade_{index}_error", f"decade_{index}")
        numbers.append(Number(name=f"error from {low:g}", value=value, unit="%"))
    return numbers


def _pull_excess(total: Mapping[str, float]) -> Number:
    """RMS of the pulls less 1: above 0 the error that a model tells is too small.

    Not a number for a model that tells none.
    """
    square = total.get("pull_square", float("nan")) / max(total["sensors"], 1.0)
    return Number(
        name="pull excess", value=square**0.5 - 1, better="zero", margin=0.1, absolute=True
    )


def _share(total: Mapping[str, float], part: str, whole: str) -> float:
    return 100 * total[part] / total[whole] if total[whole] else float("nan")
