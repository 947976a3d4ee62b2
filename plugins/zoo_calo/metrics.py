r"""How far the showers of a generator are from those of the reference, of the same energies.

Primary is the corrected distance: ``sqrt(max(0, sum (D_o - F_o)))`` over the six observables, where
``D_o`` is the Jensen-Shannon divergence and ``F_o`` what two samples of one law of this size have
on average (:mod:`zoo_calo.fidelity.divergence`). The root is drawn after the sum, so that chance in
one observable makes up for chance in another: a perfect generator has 0 in half of all samples. The
sum of the roots, each cut at 0, is hardly ever 0 for it; it and the uncorrected sum, by which
checkpoints were chosen elsewhere, are told too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from zoo.api import Metrics, Number, Table
from zoo_calo.fidelity.binning import ENERGY_EDGES
from zoo_calo.fidelity.contrasts import repeats_of
from zoo_calo.fidelity.six import OBSERVABLES, Distances, Side, distances, linearity, wasserstein
from zoo_calo.observables.hits import hits_of
from zoo_calo.observables.numbers import contained
from zoo_calo.observables.observed import observed
from zoo_calo.physics.grid import Grid, grid_of

__all__ = ["PRIMARY", "CaloMetrics", "side_of"]

PRIMARY = "corrected JS"

_SIX = ("visible", "hits", "cog", "longitudinal", "radial", "spectrum")


class CaloMetrics(Metrics):
    """Corrected distances of the six observables (primary: all), linearity, width, W1.

    Rows are pairs: the true shower of the sample and a generated one of its energy and angle.
    Binned in energy, around 2, 5, 8, 20, 50 and 80 GeV and between, and in the polar angle.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"energy", "theta", "cell", "deposit", "outside"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "energy": ENERGY_EDGES,
        "theta": (0, 35, 45, 55, 65, 75, 85, 180),
    }
    primary: ClassVar[str] = PRIMARY

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Observables of both showers of every pair, float32 (N, ...).

        Columns: ``energy``, GeV; ``theta``, degrees, NaN where unknown; those of
        :func:`zoo_calo.observables.observed.observed` as ``true_NAME`` and ``made_NAME``; and
        ``true_contained``, where the detector saw more than the grid.

        Raises:
            DataError: A cell is outside of the grid, or an energy is not finite.
        """
        theta = samples["theta"].astype(np.float64) if "theta" in samples else None
        columns: dict[str, Any] = {
            "energy": samples["energy"].astype(np.float32),
            "theta": np.full(samples.rows, np.nan, np.float32)
            if theta is None
            else np.degrees(theta).astype(np.float32),
        }
        for side, showers in (("true", samples), ("made", predictions)):
            found = observed(showers, self._grid, theta)
            columns |= {f"{side}_{name}": column for name, column in found.items()}
        if "outside" in samples:
            share = contained(hits_of(samples, self._grid), samples["outside"])
            columns["true_contained"] = share.astype(np.float32)
        return Table({"id": samples.ids, **columns})

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers, in the same order for any rows."""
        repeats = repeats_of(rows.ids)
        true, made = side_of(rows, "true", repeats), side_of(rows, "made", repeats)
        found = distances(true, made, self._grid.layers, paired=True)
        return (*_all_six(found), *_linearity(true, made), *_each(found), *_transport(true, made))

    @cached_property
    def _grid(self) -> Grid:
        return grid_of(self.facts)


def side_of(rows: Table, side: str, repeats: Any = None) -> Side:
    """The true or the made showers of metric rows.

    Args:
        rows: Of :meth:`CaloMetrics.measure`.
        side: ``true`` or ``made``.
        repeats: As of :class:`zoo_calo.fidelity.six.Side`.
    """
    return Side.of({name: rows[f"{side}_{name}"] for name in _SIX}, rows["energy"], repeats)


def _all_six(found: Mapping[str, Distances]) -> Iterator[Number]:
    excess = sum(one.excess for one in found.values())
    yield _distance(PRIMARY, max(excess, 0.0) ** 0.5 if np.isfinite(excess) else excess)
    yield _distance("corrected JS, sum", sum(one.corrected for one in found.values()))
    yield _distance("raw JS, sum", sum(one.raw for one in found.values()))
    yield _distance("floor of the raw sum", sum(one.floor for one in found.values()))


def _linearity(true: Side, made: Side) -> Iterator[Number]:
    bias, width = linearity(true, made)
    yield _signed("visible energy - 1", bias, 1)
    yield _signed("its relative width - 1", width, 5)
    hits = [float(side.columns["hits"].mean(dtype=np.float64)) for side in (true, made)]
    yield _signed("hits - 1", 100 * (hits[1] / hits[0] - 1) if hits[0] else float("nan"), 1)


def _each(found: Mapping[str, Distances]) -> Iterator[Number]:
    for name in OBSERVABLES:
        yield _distance(f"corrected JS of {name}", found[name].corrected)
    for name in OBSERVABLES:
        yield _distance(f"raw JS of {name}", found[name].raw)
    for name in OBSERVABLES:
        yield _distance(f"separation of {name}", found[name].separation)


def _transport(true: Side, made: Side) -> Iterator[Number]:
    for label, values in (
        ("visible energy", (true.response, made.response)),
        ("hits", (true.hits_per_gev, made.hits_per_gev)),
        ("centre of gravity", (true.columns["cog"], made.columns["cog"])),
    ):
        yield _distance(f"W1 of {label}", wasserstein(*values))


def _distance(name: str, value: float) -> Number:
    return Number(name=name, value=float(value), margin=0.02, absolute=True)


def _signed(name: str, value: float, margin: float) -> Number:
    return Number(name=name, value=value, unit="%", better="zero", margin=margin, absolute=True)
