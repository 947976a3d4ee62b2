"""How many particles are found, and how many tracks are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Table

__all__ = ["MOMENTA", "TrackMetrics", "matches"]

MOMENTA = (0.5, 0.7, 1.0, 2.0, 5.0)
"""Edges of the bins of transverse momentum, GeV."""
_FEWEST = 5  # hits of a particle that can be found

Labels = NDArray[np.int32]


def matches(track: Labels, particle: Labels) -> NDArray[np.int64]:
    """The particle of each track; -1 where it has none.

    A track is a particle's if more than half of its hits are the particle's and it has more than
    half of the particle's hits (double majority, TrackML, arXiv:1904.06778). So no particle has
    two tracks.

    Args:
        track: ``(H,)``, numbers from 0, -1: none.
        particle: ``(H,)``, numbers from 0, -1: noise.
    """
    number = int(track.max(initial=-1)) + 1
    found = np.full(number, -1)
    sizes = np.bincount(track[track >= 0], minlength=number)
    owned = np.bincount(particle[particle >= 0])
    both = (track >= 0) & (particle >= 0)
    pairs, common = np.unique(
        np.stack([track[both], particle[both]], axis=1), axis=0, return_counts=True
    )
    good = (2 * common > sizes[pairs[:, 0]]) & (2 * common > owned[pairs[:, 1]])
    found[pairs[good, 0]] = pairs[good, 1]
    return found


class TrackMetrics(Metrics):
    """Counts of each event, so that rates of all events are ratios of sums."""

    needs: ClassVar[frozenset[str]] = frozenset({"particle", "momentum"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {"particles": (0.0, 55.0, 80.0, 110.0)}
    primary: ClassVar[str] = "efficiency"

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Particles with enough hits and those found, in bins of p_t; tracks and false ones."""
        rows = [
            self._event(
                predictions["track"][event], samples["particle"][event], samples["momentum"][event]
            )
            for event in range(samples.rows)
        ]
        columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
        return Table({"id": samples.ids, **columns})

    def _event(
        self, track: Labels, particle: Labels, momentum: NDArray[np.float32]
    ) -> dict[str, float]:
        owners = matches(track, particle)
        hits = np.bincount(particle[particle >= 0], minlength=len(momentum))
        possible = hits >= _FEWEST
        seen = np.zeros(len(momentum), bool)
        seen[owners[owners >= 0]] = True
        bin_of = np.digitize(momentum, MOMENTA[1:-1])
        row = {
            "particles": float(possible.sum()),
            "found": float((seen & possible).sum()),
            "tracks": float(len(owners)),
            "fakes": float((owners < 0).sum()),
        }
        for number in range(len(MOMENTA) - 1):
            inside = possible & (bin_of == number)
            row[f"particles_{number}"] = float(inside.sum())
            row[f"found_{number}"] = float((seen & inside).sum())
        return row

    def summarise(self, rows: Table) -> Sequence[Number]:
        """Efficiency, share of false tracks, and the efficiency by transverse momentum."""
        numbers = [
            _rate("efficiency", rows, "found", "particles", better="higher"),
            _rate("fake rate", rows, "fakes", "tracks", better="lower"),
        ]
        for number, (low, high) in enumerate(pairwise(MOMENTA)):
            name = f"efficiency {low:g}-{high:g} GeV"
            of = f"found_{number}", f"particles_{number}"
            numbers.append(_rate(name, rows, *of, better="higher"))
        return numbers


def _rate(name: str, rows: Table, part: str, whole: str, *, better: str) -> Number:
    total = float(rows[whole].sum())
    value = 100 * float(rows[part].sum()) / total if total else float("nan")
    if better == "higher":
        return Number(name=name, value=value, unit="%", better="higher", margin=1.0, absolute=True)
    return Number(name=name, value=value, unit="%", better="lower", margin=1.0, absolute=True)
