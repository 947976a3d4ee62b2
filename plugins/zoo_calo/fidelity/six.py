"""The six observables of two samples of showers, and what is told of how far apart they are.

Visible energy, hits and centre of gravity are histograms of one number a shower; cell energies and
the two profiles are sums over showers. All are compared in strata of energy
(:data:`zoo_calo.fidelity.binning.ENERGY_EDGES`), and the mean over strata counts each by its share
of the reference: what one stratum has too much, another cannot make up for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_calo.fidelity.binning import STRATA, cog_bins, hit_bins, response_bins, stratum_of
from zoo_calo.fidelity.contrasts import Counted, Summed, contrast_of_counts, contrast_of_sums
from zoo_calo.fidelity.divergence import Contrast
from zoo_calo.fidelity.robust import mean90

__all__ = ["OBSERVABLES", "Distances", "Side", "contrasts", "distances", "linearity", "wasserstein"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]

OBSERVABLES = (
    "visible energy",
    "hits",
    "cell energies",
    "radial profile",
    "longitudinal profile",
    "centre of gravity",
)
_SUMMED = {
    "cell energies": "spectrum",
    "radial profile": "radial",
    "longitudinal profile": "longitudinal",
}


@dataclass(frozen=True, eq=False)
class Side:
    """One of two samples.

    Attributes:
        columns: Of :func:`zoo_calo.observables.observed.observed`, those of the six.
        energy: (N,), GeV, of the particles.
        repeats: (N,), how often the shower of each row stands among the rows.
        stratum: (N,), of energy.
    """

    columns: Mapping[str, Any]
    energy: Array
    repeats: Array
    stratum: Places

    @classmethod
    def of(cls, columns: Mapping[str, Any], energy: Any, repeats: Array | None = None) -> Side:
        """With strata; ``None``: every row is another shower."""
        energy = np.asarray(energy, np.float64)
        each = np.ones(len(energy)) if repeats is None else repeats
        return cls(columns, energy, each, stratum_of(energy))

    @property
    def response(self) -> Array:
        """(N,), visible energy per energy of the particle."""
        return self._per_energy("visible") / 1e3  # MeV

    @property
    def hits_per_gev(self) -> Array:
        """(N,)."""
        return self._per_energy("hits")

    def _per_energy(self, name: str) -> Array:
        above = self.columns[name].astype(np.float64)
        ratio: Array = np.divide(
            above, self.energy, out=np.zeros_like(above), where=self.energy > 0
        )
        return ratio


def contrasts(
    reference: Side, generated: Side, layers: int, *, paired: bool
) -> dict[str, Contrast]:
    """By the names of :data:`OBSERVABLES`.

    Args:
        reference: Of the true showers.
        generated: Of the others.
        layers: Of the grid.
        paired: Whether rows are pairs of the same energy.
    """
    single = {
        "visible energy": (response_bins(), reference.response, generated.response),
        "hits": (hit_bins(), reference.hits_per_gev, generated.hits_per_gev),
        "centre of gravity": (
            cog_bins(layers),
            reference.columns["cog"],
            generated.columns["cog"],
        ),
    }
    found: dict[str, Contrast] = {}
    for name in OBSERVABLES:
        if name in _SUMMED:
            r, g = (
                Summed(side.columns[_SUMMED[name]], side.stratum, side.repeats)
                for side in (reference, generated)
            )
            found[name] = contrast_of_sums(r, g, STRATA, paired=paired)
            continue
        bins, true, made = single[name]
        counted = (
            Counted(bins.places(true, reference.stratum), reference.repeats),
            Counted(bins.places(made, generated.stratum), generated.repeats),
        )
        found[name] = contrast_of_counts(
            counted[0], counted[1], bins.stratum, STRATA, paired=paired
        )
    return found


@dataclass(frozen=True)
class Distances:
    """How far apart, of one observable, as means over strata.

    Attributes:
        raw: Jensen-Shannon distance as measured.
        floor: Root of the mean divergence that samples of one law of these sizes have.
        excess: Divergence less that; negative where the two are nearer than chance makes them.
        separation: Separation power, as measured.
    """

    raw: float
    floor: float
    excess: float
    separation: float

    @property
    def corrected(self) -> float:
        """Distance without the floor: the root of the excess, 0 where that is negative."""
        return float(np.sqrt(max(self.excess, 0.0)))


def distances(
    reference: Side, generated: Side, layers: int, *, paired: bool
) -> dict[str, Distances]:
    """Of every observable; NaN where no stratum holds showers of both samples."""
    share = _shares(reference, generated)
    found = {}
    for name, one in contrasts(reference, generated, layers, paired=paired).items():
        divergence, floor = np.maximum(one.divergence(), 0), one.floor()
        found[name] = Distances(
            raw=float(share @ np.sqrt(divergence)),
            floor=float(share @ floor) ** 0.5,
            excess=float(share @ (divergence - floor)),
            separation=float(share @ one.separation()),
        )
    return found


def _shares(reference: Side, generated: Side) -> Array:
    """(strata,), of the reference, where both have showers."""
    counts = np.bincount(reference.stratum, minlength=STRATA).astype(np.float64)
    counts[np.bincount(generated.stratum, minlength=STRATA) == 0] = 0
    total = counts.sum()
    shares: Array = counts / total if total else np.full(STRATA, np.nan)
    return shares


def linearity(reference: Side, generated: Side) -> tuple[float, float]:
    """Ratios less one of the mean90 of the response, and of its rms90 over mean90, in percent.

    Means over strata, as of :func:`distances`.
    """
    share = _shares(reference, generated)
    bias = width = 0.0
    for stratum in np.flatnonzero(share):
        r, g = (mean90(side.response[side.stratum == stratum]) for side in (reference, generated))
        bias += share[stratum] * _ratio(g.mean, r.mean)
        width += share[stratum] * _ratio(g.resolution, r.resolution)
    return 100 * bias, 100 * width


def _ratio(above: float, below: float) -> float:
    return above / below - 1 if below > 0 else float("nan")


def wasserstein(first: Array, second: Array) -> float:
    """W1 of two samples over the standard deviation of the first; NaN rows are left out.

    The integral of the difference of the two distribution functions.
    """
    p, q = (np.sort(one[np.isfinite(one)].astype(np.float64)) for one in (first, second))
    spread = float(p.std()) if len(p) else 0.0
    if not len(q) or spread <= 0:
        return float("nan")
    if len(p) == len(q):
        return float(np.abs(p - q).mean()) / spread
    every = np.sort(np.concatenate([p, q]))
    below = [np.searchsorted(one, every[:-1], side="right") / len(one) for one in (p, q)]
    return float(np.sum(np.abs(below[0] - below[1]) * np.diff(every))) / spread
