"""Rows without a network: showers by parametrisation, and Geant4 against itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from zoo.api import ConfigError, DataError, Predictor, Ragged, Table, uniform
from zoo_calo.baselines_config import AnotherShowerConfig, GflashShowersConfig
from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.gflash import Gflash
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.physics.locate import as_columns
from zoo_calo.physics.response_fit import Particles, fitted
from zoo_calo.physics.stack import Stack

__all__ = ["AnotherShower", "GflashShowers"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_CELLS = frozenset({"cell", "deposit"})
_PARTICLES = ("gamma", "e-", "pi+")
_AT_ONCE = 256  # places whose neighbours are looked up together: a thousand for each


class GflashShowers(Predictor):
    """New showers of the samples' energies (and angles), seeded by their keys.

    :meth:`fit` finds the free constants of the detector: the signal of every layer, the radii, the
    energy of a spot and the clumping of spots, by which the energy resolution, the number of hits
    and the mean profiles agree with the training showers. Without it, those of the detector's file
    hold.
    """

    needs: frozenset[str]
    targets: frozenset[str] = _CELLS

    def __init__(self, config: GflashShowersConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.needs = _needs(facts, angles=config.angles)
        grid = grid_of(facts)
        self.particle = _particle(config, facts)
        stack = _stack(config.detector or str(facts.get("detector", grid.name)), grid)
        self.parametrisation = Gflash(stack, grid=grid)

    def fit(self, training: Iterable[Table]) -> None:
        """Free constants from the training showers of the lowest ids.

        Raises:
            DataError: If there is no training sample.
        """
        chosen = _lowest_ids(training, self.config.showers, self.needs | self.targets)
        if self.config.passes:
            particles = Particles(
                kind=self.particle,
                energy_gev=chosen["energy"].astype(np.float64),
                theta=_theta(chosen),
                keys=chosen.ids,
            )
            self.parametrisation = fitted(
                self.parametrisation,
                particles,
                chosen["cell"],
                chosen["deposit"],
                passes=self.config.passes,
            )

    def predict(self, samples: Table, keys: Keys | None = None) -> Table:
        """A shower for every sample."""
        seeds = samples.ids if keys is None else keys
        energy = samples["energy"].astype(np.float64)
        made = self.parametrisation.showers(self.particle, energy, _theta(samples), seeds)
        cell, deposit = as_columns(made)
        return Table({"id": samples.ids, "cell": cell, "deposit": deposit})


class AnotherShower(Predictor):
    """For every sample a training shower of nearly its energy (and angle), scaled to its energy.

    What a perfect generator would reach where samples and training showers are of one kind: the
    divergence that is left is that of the statistics. Within a call no shower is used twice as long
    as there is another one to draw from; between calls one may come back, so training showers
    should be more than samples. A scaled shower has the mean depth of its own energy and a few hits
    more or less: by what share depends on ``reach``.
    """

    needs: frozenset[str]
    targets: frozenset[str] = _CELLS

    def __init__(self, config: AnotherShowerConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.needs = _needs(facts, angles=config.angles)
        self.training: Table | None = None

    def fit(self, training: Iterable[Table]) -> None:
        """Keep the training showers of the lowest ids.

        Raises:
            DataError: If there is no training sample.
        """
        self.training = _lowest_ids(training, self.config.showers, self.needs | self.targets)
        self.__dict__.pop("_tree", None)

    def predict(self, samples: Table, keys: Keys | None = None) -> Table:
        """A training shower for every sample.

        Raises:
            DataError: If there are no training showers.
        """
        if self.training is None:
            raise DataError(
                "no training showers to draw from",
                where="calo/another-shower",
                remedy="give data with a training split",
            )
        seeds = samples.ids if keys is None else keys
        row = self._drawn(_places(samples, self.needs), uniform(seeds, 1, tag=21)[:, 0])
        deposit = self.training["deposit"].take(row)
        scale = samples["energy"].astype(np.float64) / self.training["energy"][row]
        values = deposit.values * np.repeat(scale, deposit.lengths).astype(np.float32)
        return Table(
            {
                "id": samples.ids,
                "cell": self.training["cell"].take(row),
                "deposit": Ragged(values, deposit.offsets),
            }
        )

    @cached_property
    def _tree(self) -> cKDTree:
        assert self.training is not None
        return cKDTree(_places(self.training, self.needs))

    def _drawn(self, places: Array, numbers: Array) -> Ints:
        """Rows of training showers that are alike, each once as long as there are others."""
        chosen, used = np.empty(len(places), np.int64), set[int]()
        for at, (alike, number) in enumerate(zip(self._alike(places), numbers, strict=True)):
            unused = [row for row in alike if row not in used] or alike
            chosen[at] = unused[int(number * len(unused))]
            used.add(int(chosen[at]))
        return chosen

    def _alike(self, places: Array) -> Iterator[list[int]]:
        """For every place the rows to draw from: at least the nearest one."""
        for at in range(0, len(places), _AT_ONCE):
            yield from self._alike_at_once(places[at : at + _AT_ONCE])

    def _alike_at_once(self, places: Array) -> Iterator[list[int]]:
        tree: Any = self._tree  # its types tell of single places, too
        config = self.config
        same = tree.query_ball_point(places, config.within, return_sorted=True)
        most = min(config.choice, tree.n)
        columns = list(range(1, most + 1))  # a list: the answer has two dimensions, even for one
        far, near = tree.query(places, columns, distance_upper_bound=config.reach)
        nearest = tree.query(places, [1])[1]
        for rows, distances, others, last in zip(same, far, near, nearest, strict=True):
            reached = others[np.isfinite(distances)]
            yield list(rows) if len(rows) >= most else (reached if len(reached) else last).tolist()


def _needs(facts: Mapping[str, Any], *, angles: bool) -> frozenset[str]:
    low, high = facts.get("theta_deg", (90.0, 90.0))
    return frozenset({"energy", "theta"} if angles or low < high or low < 90 else {"energy"})


def _particle(config: GflashShowersConfig, facts: Mapping[str, Any]) -> Any:
    found = facts.get("particle", "gamma") if config.particle == "auto" else config.particle
    if found not in _PARTICLES:
        raise ConfigError(
            f"no parametrisation of the showers of {found}",
            where="model.particle",
            remedy=f"name one of {', '.join(_PARTICLES)}",
        )
    return found


def _stack(detector: str, grid: Grid) -> Stack:
    try:
        stack = read_stack(detector)
    except ConfigError as error:
        raise ConfigError(
            f"the parametrisation needs the detector's plates: {error.message}",
            where=detector,
            remedy="give model.detector, the name of a calorimeter or its TOML file",
        ) from None
    if stack.grid.layers != grid.layers:
        raise ConfigError(
            f"{detector} has {stack.grid.layers} layers, the grid of the data {grid.layers}",
            where="model.detector",
            remedy="name the calorimeter that the data come from, or its TOML file",
        )
    return stack


def _theta(samples: Table) -> Array:
    if "theta" in samples:
        return np.asarray(samples["theta"], np.float64)
    return np.full(samples.rows, np.pi / 2)


def _places(samples: Table, needs: frozenset[str]) -> Array:
    """(N, 1 or 2), energy and angle in units that count alike."""
    energy = 100 * np.log(np.maximum(np.asarray(samples["energy"], np.float64), 1e-6))
    columns = [energy, np.degrees(_theta(samples))] if "theta" in needs else [energy]
    return np.stack(columns, 1)


def _lowest_ids(tables: Iterable[Table], most: int, fields: frozenset[str]) -> Table:
    """The samples of the lowest ids: as good as a random choice, whatever the order of tables."""
    kept: Table | None = None
    for table in tables:
        part = table.select(fields)
        joined = part if kept is None else Table.concat([kept, part])
        kept = joined
        if joined.rows > most:
            kept = joined.take(np.argsort(joined.ids, kind="stable")[:most])
    if kept is None or not kept.rows:
        raise DataError(
            "no training sample",
            where="the training split",
            remedy="give data with a training split",
        )
    return kept.take(np.argsort(kept.ids, kind="stable"))
