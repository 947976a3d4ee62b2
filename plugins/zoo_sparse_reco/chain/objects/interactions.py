"""The table of interactions of one event."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.objects.event import Event
from zoo_sparse_reco.chain.objects.vertices import nearest_to_lines
from zoo_sparse_reco.physics.labels import Semantic

__all__ = ["best_energy", "interaction_columns"]

Array = NDArray[np.float64]


def best_energy(columns: dict[str, NDArray[Any]]) -> Array:
    """Energy of particles (n,), MeV: by range of contained tracks, else by calorimetry."""
    ranged = columns["particles/energy_range"]
    use = ~np.isnan(ranged) & (columns["particles/contained"] > 0)
    found: Array = np.where(use, ranged, columns["particles/energy"])
    return found


def interaction_columns(event: Event, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those of ``interactions/...``.

    Args:
        event: What the stages say.
        columns: Of its particles.
    """
    of = columns["particles/interaction"].astype(np.int64)
    count = int(of.max(initial=-1)) + 1
    energy = best_energy(columns)
    said = event.particles.of("vertex", np.arange(len(of)))
    vertex, by_model = np.full((count, 3), np.nan), np.zeros(count, bool)
    primaries, energies = np.zeros(count, np.int64), np.zeros(count)
    voxels, contained = np.zeros(count, np.int64), np.zeros(count, bool)
    for one in range(count):
        own = np.flatnonzero(of == one)
        first = own[columns["particles/primary"][own] > 0]
        primaries[one] = len(first)
        energies[one] = energy[own].sum()
        voxels[one] = columns["particles/voxels"][own].sum()
        contained[one] = bool(len(own)) and bool(columns["particles/contained"][own].all())
        if len(own):
            chosen = first if len(first) else own
            vertex[one], by_model[one] = _vertex(columns, said, chosen)
    return {
        "interactions/vertex": vertex,
        "interactions/vertex_by": by_model,
        "interactions/particles": np.bincount(of[of >= 0], minlength=count),
        "interactions/primaries": primaries,
        "interactions/voxels": voxels,
        "interactions/energy": energies,
        "interactions/contained": contained,
    }


def _vertex(
    columns: dict[str, NDArray[Any]], said: Array | None, chosen: NDArray[np.intp]
) -> tuple[Array, bool]:
    """Of the model the mean over the particles, by their scores; else where their lines meet."""
    score = np.nan_to_num(columns["particles/primary_score"][chosen], nan=1.0) + 1e-6
    if said is not None:
        known = ~np.isnan(said[chosen]).any(axis=1)
        if known.any():
            return np.average(said[chosen][known], axis=0, weights=score[known]), True
    track = columns["particles/semantic"][chosen] == Semantic.TRACK
    start = columns["particles/start"][chosen].astype(np.float64)
    direction = columns["particles/direction"][chosen].astype(np.float64)
    return nearest_to_lines(start, direction, track, score), False
