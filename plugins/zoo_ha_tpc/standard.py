"""Targets in units of their spread, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_ha_tpc.quantities import QUANTITIES, true_values

__all__ = ["Standard", "Truth", "truth_fields", "within_turn"]

Array = NDArray[np.float64]

_FOLLOWS_FROM = {
    "p_t": ("q_over_pt",),
    "p_y": ("q_over_pt", "phi"),
    "p_z": ("q_over_pt", "phi"),
    "sin_phi": ("phi",),
}


def truth_fields(targets: Sequence[str]) -> frozenset[str]:
    """Fields of a sample that the true values of these quantities follow from."""
    return frozenset(field for name in targets for field in _FOLLOWS_FROM.get(name, (name,)))


def within_turn(angle: Array) -> Array:
    """The same angle from -pi to pi."""
    turned: Array = (angle + np.pi) % (2 * np.pi) - np.pi
    return turned


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of each target.

    Attributes:
        targets: T names.
        mean: float64 (T,), in the unit of each.
        std: float64 (T,), likewise; positive.
    """

    targets: tuple[str, ...]
    mean: Array
    std: Array

    def of(self, columns: Mapping[str, Any]) -> Array:
        """(N, T) from one column (N,) for each target."""
        values = np.stack([np.asarray(columns[name], np.float64) for name in self.targets], 1)
        standard: Array = (values - self.mean) / self.std
        return standard

    def truth(self, samples: Table) -> Array:
        """(N, T), from the fields in :func:`truth_fields`.

        Raises:
            DataError: If a true value is missing or not finite.
        """
        _require(self.targets, samples)
        return self.of({name: true_values(samples, name) for name in self.targets})

    def columns(self, standard: NDArray[Any]) -> dict[str, Array]:
        """Name -> (N,) in its unit, of (N, T)."""
        values = np.asarray(standard, np.float64) * self.std + self.mean
        found = dict(zip(self.targets, values.T, strict=True))
        if "phi" in found:
            found["phi"] = within_turn(found["phi"])
        return found

    def errors(self, standard: NDArray[Any]) -> dict[str, Array]:
        """``NAME_error`` -> (N,), of (N, T)."""
        values = np.asarray(standard, np.float64) * self.std
        names = [f"{name}_error" for name in self.targets]
        return dict(zip(names, values.T, strict=True))

    def periods(self) -> Array:
        """(T,): a whole turn in units of the spread for an angle, 0 for all else."""
        turns = [2 * np.pi if QUANTITIES[name].unit == "rad" else 0.0 for name in self.targets]
        return np.array(turns) / self.std


class Truth:
    """True values of the training samples, gathered while these are read once.

    Args:
        targets: T names.
    """

    def __init__(self, targets: tuple[str, ...]) -> None:
        self.targets = targets
        self._values: list[Array] = []

    def passing(self, training: Iterable[Table]) -> Iterator[Table]:
        """The same tables, one after another; their true values are kept.

        Raises:
            DataError: If truth is missing.
        """
        for samples in training:
            _require(self.targets, samples)
            columns = [true_values(samples, name) for name in self.targets]
            self._values.append(np.stack(columns, 1))
            yield samples

    def standard(self) -> Standard:
        """Of all that have passed.

        Raises:
            DataError: If there were none, or a target is the same for all.
        """
        if not self._values:
            raise DataError("there are no training samples", where="ha-tpc", remedy="give some")
        whole = np.concatenate(self._values)
        mean, std = whole.mean(0), whole.std(0)
        for name, spread, typical in zip(self.targets, std, np.abs(mean), strict=True):
            if not spread > 1e-6 * typical:
                raise DataError(
                    f"all {len(whole)} training tracks have the same {name}",
                    where=name,
                    remedy="leave it out of model.targets, or train on tracks that differ in it",
                )
        return Standard(self.targets, mean, std)


def _require(targets: Sequence[str], samples: Table) -> None:
    for field in sorted(truth_fields(targets)):
        if field not in samples:
            raise DataError(
                f"no truth to learn {', '.join(targets)} from",
                where=field,
                remedy="give samples with truth, or other model.targets",
            )
        bad = ~np.isfinite(samples[field])
        if field == "q_over_pt":
            bad |= np.asarray(samples[field]) == 0
        if bad.any():
            raise DataError(
                f"{int(bad.sum())} of {samples.rows} tracks have no true value",
                where=field,
                remedy="leave tracks without truth out of the training",
            )
