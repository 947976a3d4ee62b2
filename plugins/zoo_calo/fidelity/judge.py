"""All measures of two samples of showers: a reference, and what a generator or a file holds.

Showers of the two need not be pairs: each sample has its own energies and its own number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_calo.checks import Finding, check
from zoo_calo.fidelity.classifier import Budget, Judged, Matrix, classify
from zoo_calo.fidelity.contrasts import repeats_of
from zoo_calo.fidelity.features import Cells, high_level
from zoo_calo.fidelity.frechet import Measured, fpd
from zoo_calo.fidelity.kernel import kpd
from zoo_calo.fidelity.neighbours import Neighbourhood, neighbourhood, same_law_coverage
from zoo_calo.fidelity.six import Distances, Side, distances, linearity, wasserstein
from zoo_calo.observables.observed import observed
from zoo_calo.physics.grid import Grid

__all__ = ["FEWEST", "Judgement", "Settings", "judge"]

Array = NDArray[np.float64]
Progress = Callable[[str], None]

FEWEST = 50
"""Showers of a sample that can be judged."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to measure, and with what effort.

    Attributes:
        budget: Of the classifiers.
        classifiers: Whether they are trained: they take most of the time.
        resamples: Of the bootstrap.
        neighbours: Showers of each sample at most that nearest neighbours are sought in.
        seed: Of everything random.
    """

    budget: Budget = field(default_factory=Budget)
    classifiers: bool = True
    resamples: int = 200
    neighbours: int = 5000
    seed: int = 0


@dataclass(frozen=True)
class Judgement:
    """What was measured.

    Attributes:
        showers: Of the reference and of the generated sample.
        six: Distances of the six observables.
        corrected: All six, as the primary number of the metrics, and its 95 % interval.
        bias_percent: Of the visible energy, and of its relative width.
        wasserstein: W1 over the standard deviation of the reference.
        classifiers: ``low-level`` and ``high-level``; empty where they were not asked for.
        fpd, kpd: Of the high-level features.
        neighbourhood: Of the same.
        coverage: What two samples of one law would have on average.
        findings: Of the checks.
    """

    showers: tuple[int, int]
    six: dict[str, Distances]
    corrected: tuple[float, float, float]
    bias_percent: tuple[float, float]
    wasserstein: dict[str, float]
    classifiers: dict[str, Judged]
    fpd: Measured
    kpd: Measured
    neighbourhood: Neighbourhood
    coverage: float
    findings: list[Finding]

    def told(self) -> dict[str, Any]:
        """As JSON values; what is not known is ``None``."""
        value, low, high = self.corrected
        told = {
            "showers": {"reference": self.showers[0], "generated": self.showers[1]},
            "corrected_js": {"value": value, "low": low, "high": high},
            "raw_js_sum": sum(one.raw for one in self.six.values()),
            "floor_of_raw_js_sum": sum(one.floor for one in self.six.values()),
            "observables": {
                name: {**asdict(one), "corrected": one.corrected} for name, one in self.six.items()
            },
            "visible_energy_bias_percent": self.bias_percent[0],
            "relative_width_bias_percent": self.bias_percent[1],
            "wasserstein": self.wasserstein,
            "auc": {name: asdict(one) for name, one in self.classifiers.items()},
            "fpd": asdict(self.fpd),
            "kpd": asdict(self.kpd),
            **asdict(self.neighbourhood),
            "coverage_of_one_law": self.coverage,
            "checks": [finding.told() for finding in self.findings],
        }
        known: dict[str, Any] = _finite(told)
        return known


def judge(
    reference: Table,
    generated: Table,
    grid: Grid,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Judgement:
    """Measure all.

    Args:
        reference: ``energy``, ``cell``, ``deposit``, with ``theta`` and ``outside`` where known.
        generated: The same; another number of showers is fine.
        grid: Of both.
        settings: Default: :class:`Settings`.
        progress: Told what is measured next.

    Raises:
        DataError: If a sample has fewer than 50 showers or cells that the grid lacks, or no
            stratum of energy holds showers of both.
    """
    asked, tell = settings or Settings(), progress or (lambda _: None)
    _require_enough(reference, generated)
    tell("observables")
    true, made = (_observed(one, grid) for one in (reference, generated))
    sides = Side.of(true, reference["energy"]), Side.of(made, generated["energy"])
    six = distances(*sides, grid.layers, paired=False)
    if not np.isfinite(next(iter(six.values())).raw):
        raise DataError(
            "no showers of the two samples have a common energy",
            where="energy",
            remedy="generate showers of the energies of the reference",
        )
    tell(f"intervals of {asked.resamples} resamples")
    interval = _interval(sides, grid.layers, six, asked)
    tell("distances of features")
    features = high_level(true, reference, grid), high_level(made, generated, grid)
    scaled = _scaled(*features)
    near = [one[: asked.neighbours] for one in _shuffled(scaled, asked.seed)]
    classifiers = dict(_classified(features, (reference, generated), grid, asked, tell))
    tell("checks")
    return Judgement(
        showers=(reference.rows, generated.rows),
        six=six,
        corrected=interval,
        bias_percent=linearity(*sides),
        wasserstein={
            "visible energy": wasserstein(*(side.response for side in sides)),
            "hits": wasserstein(*(side.hits_per_gev for side in sides)),
            "centre of gravity": wasserstein(true["cog"], made["cog"]),
        },
        classifiers=classifiers,
        fpd=fpd(*scaled, seed=asked.seed),
        kpd=kpd(*scaled, seed=asked.seed),
        neighbourhood=neighbourhood(near[0], near[1]),
        coverage=same_law_coverage(min(map(len, near))),
        findings=check(reference, generated, grid),
    )


def _require_enough(*samples: Table) -> None:
    fewest = min(one.rows for one in samples)
    if fewest < FEWEST:
        raise DataError(
            f"{fewest} showers, and a judgement needs {FEWEST}",
            where="showers",
            remedy="give more, or leave out --limit",
        )


def _observed(showers: Table, grid: Grid) -> dict[str, Any]:
    theta = showers["theta"].astype(np.float64) if "theta" in showers else None
    return observed(showers, grid, theta)


def _interval(
    sides: tuple[Side, Side], layers: int, six: dict[str, Distances], asked: Settings
) -> tuple[float, float, float]:
    """The corrected distance of all six, and the percentiles of resamples of both samples."""
    rng = np.random.default_rng(asked.seed)
    drawn = []
    for _ in range(asked.resamples):
        pair = tuple(_resampled(side, rng) for side in sides)
        drawn.append(_together(distances(pair[0], pair[1], layers, paired=False)))
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if drawn else (np.nan, np.nan)
    return _together(six), float(low), float(high)


def _together(six: dict[str, Distances]) -> float:
    excess = sum(one.excess for one in six.values())
    return max(excess, 0.0) ** 0.5 if np.isfinite(excess) else float("nan")


def _resampled(side: Side, rng: np.random.Generator) -> Side:
    index = rng.integers(len(side.energy), size=len(side.energy))
    columns = {name: side.columns[name][index] for name in _SIX}
    repeats = repeats_of(index.astype(np.uint64))
    return Side(columns, side.energy[index], repeats, side.stratum[index])


_SIX = ("visible", "hits", "cog", "longitudinal", "radial", "spectrum")


def _scaled(reference: Array, generated: Array) -> tuple[Array, Array]:
    """Features over their largest absolute value in the reference, as for the published FPD."""
    largest = np.abs(reference).max(0)
    scale = np.where(largest > 0, largest, 1)
    return reference / scale, generated / scale


def _shuffled(samples: tuple[Array, Array], seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    yield from (rng.permutation(one) for one in samples)


def _classified(
    features: tuple[Array, Array],
    samples: tuple[Table, Table],
    grid: Grid,
    asked: Settings,
    tell: Progress,
) -> Iterator[tuple[str, Judged]]:
    if not asked.classifiers:
        return

    def told(name: str) -> Callable[[int, int], None]:
        return lambda done, most: tell(f"{name} classifier: epoch {done} of at most {most}")

    pair = Matrix(features[0]), Matrix(features[1])
    yield "high-level", classify(*pair, asked.budget, told("high-level"))
    cells = Cells(samples[0], grid), Cells(samples[1], grid)
    yield "low-level", classify(*cells, asked.budget, told("low-level"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
