"""Numbers of many events, with intervals: events are drawn anew, never voxels or particles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.judging.rows import LEVELS, EventRow, ParticlePairs

__all__ = ["NUMBERS", "PILE_UP", "Interval", "confusion", "intervals", "pairs_of"]

Array = NDArray[np.float64]

PILE_UP = ((1, 1), (2, 3), (4, 7), (8, 12), (13, 20), (21, 10**9))
"""Numbers of true interactions in an event that are told together."""

_KINDS = 6
_SHARE = 0.68


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval; NaN where nothing defines it."""

    value: float
    low: float
    high: float

    def told(self) -> dict[str, float | None]:
        """As JSON values."""
        return {
            field.name: None if np.isnan(one := getattr(self, field.name)) else float(one)
            for field in fields(self)
        }


def intervals(
    rows: Sequence[EventRow],
    resamples: int = 200,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> dict[str, Interval]:
    """All numbers of some events, with a bootstrap over events.

    Args:
        rows: At least one.
        resamples: Of the bootstrap; 0: no intervals.
        seed: Of it.
        names: Of :data:`NUMBERS`; ``None``: all.
    """
    numbers = {name: NUMBERS[name] for name in (NUMBERS if names is None else names)}
    value = {name: number(rows) for name, number in numbers.items()}
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in numbers}
    for _ in range(resamples if len(rows) > 1 else 0):
        some = [rows[one] for one in rng.integers(0, len(rows), len(rows))]
        for name, number in numbers.items():
            drawn[name].append(number(some))
    return {name: Interval(value[name], *_ends(drawn[name])) for name in numbers}


def pairs_of(rows: Sequence[EventRow], name: str) -> NDArray[Any]:
    """A column of the matched particles of all events."""
    found: NDArray[Any] = np.concatenate([np.asarray(getattr(row.particles, name)) for row in rows])
    return found


def confusion(rows: Sequence[EventRow]) -> NDArray[np.int64]:
    """Matched particles by true kind (row) and kind found (column), (6, 6)."""
    true, found = pairs_of(rows, "pid_true"), pairs_of(rows, "pid_found")
    known = (true >= 0) & (found >= 0)
    both = true[known].astype(np.int64) * _KINDS + found[known].astype(np.int64)
    return np.bincount(both, minlength=_KINDS**2).reshape(_KINDS, _KINDS)


def _mean_agreement(level: str, name: str) -> Callable[[Sequence[EventRow]], float]:
    return lambda rows: _mean([getattr(row.agreements[level], name) for row in rows])


def _share_of(level: str, of: str) -> Callable[[Sequence[EventRow]], float]:
    def share(rows: Sequence[EventRow]) -> float:
        matches = [row.matches[level] for row in rows]
        every = sum(len(getattr(one, of)) for one in matches)
        return sum(len(one.pairs) for one in matches) / every if every else float("nan")

    return share


def _resolution(
    energy: str, chosen: Callable[[ParticlePairs], NDArray[np.bool_]]
) -> Callable[[Sequence[EventRow]], float]:
    return lambda rows: _quantile(np.abs(_relative(rows, energy, chosen) - 1))


def _spread(
    energy: str, chosen: Callable[[ParticlePairs], NDArray[np.bool_]]
) -> Callable[[Sequence[EventRow]], float]:
    """What a scale would leave: the error of energies that are divided by their median ratio."""

    def spread(rows: Sequence[EventRow]) -> float:
        relative = _relative(rows, energy, chosen)
        return _quantile(np.abs(relative / _quantile(relative, 0.5) - 1))

    return spread


def _ratio(
    energy: str, chosen: Callable[[ParticlePairs], NDArray[np.bool_]]
) -> Callable[[Sequence[EventRow]], float]:
    return lambda rows: _quantile(_relative(rows, energy, chosen), 0.5)


def _relative(
    rows: Sequence[EventRow], energy: str, chosen: Callable[[ParticlePairs], NDArray[np.bool_]]
) -> Array:
    """Energies found over true ones of the chosen particles of all events."""
    pairs = [row.particles for row in rows]
    return np.concatenate([(getattr(one, energy) / one.energy_true)[chosen(one)] for one in pairs])


def _quantile_of(name: str) -> Callable[[Sequence[EventRow]], float]:
    return lambda rows: _quantile(pairs_of(rows, name))


def _right(name: str) -> Callable[[Sequence[EventRow]], float]:
    def right(rows: Sequence[EventRow]) -> float:
        true, found = pairs_of(rows, f"{name}_true"), pairs_of(rows, f"{name}_found")
        known = true >= 0
        return _mean(list((true == found)[known].astype(np.float64)))

    return right


def _voxels_right(rows: Sequence[EventRow]) -> float:
    right, every = (sum(row.right[one] for row in rows) for one in (0, 1))
    return right / every if every else float("nan")


def _vertex(rows: Sequence[EventRow]) -> float:
    return _quantile(np.concatenate([row.vertex_apart for row in rows]))


NUMBERS: Mapping[str, Callable[[Sequence[EventRow]], float]] = {
    "voxels of the right class": _voxels_right,
    **{
        f"{level} {label}": _mean_agreement(level, name)
        for level in LEVELS
        for name, label in (("ari", "ARI"), ("efficiency", "efficiency"), ("purity", "purity"))
    },
    "particles found": _share_of("particle", "true"),
    "particles right": _share_of("particle", "found"),
    "interactions found": _share_of("interaction", "true"),
    "interactions right": _share_of("interaction", "found"),
    "shower energy, 68 % within": _resolution("energy_sum", lambda one: ~one.track & one.contained),
    "shower energy found, median": _ratio("energy_sum", lambda one: ~one.track & one.contained),
    "shower energy over that, 68 % within": _spread(
        "energy_sum", lambda one: ~one.track & one.contained
    ),
    "track energy by range, 68 % within": _resolution(
        "energy_range", lambda one: one.track & one.contained
    ),
    "track energy by sum, 68 % within": _resolution(
        "energy_sum", lambda one: one.track & one.contained
    ),
    "start, 68 % within voxels": _quantile_of("start_apart"),
    "direction, 68 % within degrees": _quantile_of("angle"),
    "vertex, 68 % within voxels": _vertex,
    "kind right": _right("pid"),
    "primary right": _right("primary"),
}
"""What is told, by name. Particles and interactions are found, or right, if one of the others
matches; energies are relative, of contained particles that match."""


def _ends(drawn: Sequence[float]) -> tuple[float, float]:
    known = np.array([one for one in drawn if not np.isnan(one)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def _mean(values: Sequence[float]) -> float:
    known = [one for one in values if not np.isnan(one)]
    return float(np.mean(known)) if known else float("nan")


def _quantile(values: Array, share: float = _SHARE) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")
