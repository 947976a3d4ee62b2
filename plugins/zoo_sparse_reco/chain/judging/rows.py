"""What is measured of one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_sparse_reco.chain.judging.matching import Agreement, Matches, agreement, matched
from zoo_sparse_reco.physics.labels import Semantic

__all__ = ["LEVELS", "SMALLEST", "EventRow", "ParticlePairs", "measured"]

Array = NDArray[np.float64]

LEVELS: Mapping[str, str] = {
    "fragment": "fragment",
    "particle": "voxel_group",
    "interaction": "interaction",
}
"""Clusterings that are judged, and the columns of their truth."""

SMALLEST = 10
"""True and found particles of fewer voxels neither count nor match."""


@dataclass(frozen=True)
class ParticlePairs:
    """True particles with the reconstructed ones that match them, n in all; NaN: not known.

    Attributes:
        track: Whether it is a track, (n,).
        contained: Whether the reconstructed one is, (n,).
        energy_true: Kinetic energy at the start, MeV, (n,).
        energy_sum: By calorimetry, MeV, (n,).
        energy_range: By range, MeV, (n,).
        start_apart: Distance of the starts, voxels, (n,).
        angle: Between the directions at the start, degrees, (n,).
        pid_true, pid_found: Kinds, -1: unknown, (n,).
        primary_true, primary_found: 0 or 1, -1: unknown, (n,).
    """

    track: NDArray[np.bool_]
    contained: NDArray[np.bool_]
    energy_true: Array
    energy_sum: Array
    energy_range: Array
    start_apart: Array
    angle: Array
    pid_true: NDArray[np.int64]
    pid_found: NDArray[np.int64]
    primary_true: NDArray[np.int64]
    primary_found: NDArray[np.int64]


@dataclass(frozen=True)
class EventRow:
    """One event.

    Attributes:
        interactions: True ones that count.
        right: Voxels with the right class, and all whose class is known.
        agreements: By level.
        matches: Of particles and of interactions.
        particles: Matched ones.
        vertex_apart: Distance of vertices of matched interactions, voxels.
    """

    interactions: int
    right: tuple[int, int]
    agreements: Mapping[str, Agreement]
    matches: Mapping[str, Matches]
    particles: ParticlePairs
    vertex_apart: Array = field(default_factory=lambda: np.zeros(0))


def measured(truth: Table, row: int, reco: Table, at: int, smallest: int = SMALLEST) -> EventRow:
    """One event against its truth.

    Args:
        truth: Samples, with what is known; what is not known is not judged.
        row: The event.
        reco: Tables of :data:`~zoo_sparse_reco.chain.specs.RECO`.
        at: The same event.
        smallest: See :data:`SMALLEST`.

    Raises:
        DataError: No clusters are known, or the voxels are others.
    """
    if not any(name in truth for name in LEVELS.values()):
        raise DataError(
            "the data know no true fragments, particles or interactions",
            where="truth",
            remedy="judge on simulated events",
        )
    voxels = len(truth["voxel_x"][row])

    def of(name: str) -> NDArray[Any]:
        known: NDArray[Any] = truth[name][row] if name in truth else np.full(voxels, -1)
        return known

    true = {level: of(name) for level, name in LEVELS.items()}
    there = len(reco["voxels/x"][at])
    if voxels != there:
        raise DataError(
            f"an event of {voxels} voxels was reconstructed with {there}",
            where=f"id {int(reco.ids[at])}",
            remedy="judge with the data that were reconstructed",
        )
    found = {
        level: reco[f"voxels/{level}"][at] if name in truth else of(name)
        for level, name in LEVELS.items()
    }
    semantic, called = of("semantic"), reco["voxels/semantic"][at]
    known = semantic >= 0
    matches = {
        level: matched(true[level], found[level], smallest) for level in ("particle", "interaction")
    }
    return EventRow(
        len(matches["interaction"].true),
        (int((semantic == called)[known].sum()), int(known.sum())),
        {level: agreement(true[level], found[level]) for level in LEVELS},
        matches,
        _particles(truth, row, reco, at, matches["particle"]),
        _vertices(truth, row, reco, at, matches["interaction"]),
    )


def _particles(truth: Table, row: int, reco: Table, at: int, matches: Matches) -> ParticlePairs:
    """Of a true shower or track its first particle tells kind, energy and start."""
    told = _Told(truth, row, matches.pairs[:, 0])
    chosen = matches.pairs[:, 1]

    def found(name: str) -> Array:
        values: Array = reco[f"particles/{name}"][at][chosen].astype(np.float64)
        return values

    apart = np.linalg.norm(told.vectors("particle_start") - found("start"), axis=1)
    momentum, direction = told.vectors("particle_momentum"), found("direction")
    length = np.maximum(np.linalg.norm(momentum, axis=1), 1e-12)
    cosine = np.sum(momentum * direction, axis=1) / length
    return ParticlePairs(
        told.numbers("particle_semantic") == Semantic.TRACK,
        found("contained") > 0,
        told.numbers("particle_energy"),
        found("energy"),
        found("energy_range"),
        apart,
        np.degrees(np.arccos(np.clip(cosine, -1, 1))),
        _whole(told.numbers("particle_pid")),
        _whole(found("pid")),
        _whole(told.numbers("particle_primary")),
        _whole(found("primary")),
    )


def _vertices(truth: Table, row: int, reco: Table, at: int, matches: Matches) -> Array:
    if "interaction_vertex" not in truth or not len(matches.pairs):
        return np.full(len(matches.pairs), np.nan)
    rows = {int(one): number for number, one in enumerate(truth["interaction_id"][row])}
    places = np.concatenate([truth["interaction_vertex"][row], np.full((1, 3), np.nan)])
    true = places[[rows.get(int(one), -1) for one in matches.pairs[:, 0]]]
    found = reco["interactions/vertex"][at][matches.pairs[:, 1]]
    apart: Array = np.linalg.norm(true.astype(np.float64) - found, axis=1)
    return apart


class _Told:
    """Truth of some particles, NaN where it is not known."""

    def __init__(self, truth: Table, row: int, numbers: NDArray[np.int64]) -> None:
        ids = truth["particle_id"][row] if "particle_id" in truth else np.zeros(0, np.int64)
        rows = {int(one): number for number, one in enumerate(ids)}
        self._rows = np.array([rows.get(int(one), -1) for one in numbers], np.int64)
        self._truth, self._row = truth, row

    def numbers(self, name: str) -> Array:
        """(n,)."""
        return self._of(name, ())

    def vectors(self, name: str) -> Array:
        """(n, 3)."""
        return self._of(name, (3,))

    def _of(self, name: str, more: tuple[int, ...]) -> Array:
        held: Any = self._truth[name][self._row] if name in self._truth else np.zeros((0, *more))
        padded = np.concatenate([held.astype(np.float64), np.full((1, *more), np.nan)])
        rows = self._rows if len(held) else np.full(len(self._rows), -1)
        taken: Array = padded[rows]
        return taken


def _whole(values: Array) -> NDArray[np.int64]:
    return np.nan_to_num(values, nan=-1).astype(np.int64)
