"""The table of particles of one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.objects.axes import direction_at
from zoo_sparse_reco.chain.objects.ends import (
    TrackEnds,
    ends_of_track,
    start_of_shower,
)
from zoo_sparse_reco.chain.objects.energies import (
    energy_by_range,
    kind_of_shower,
    kind_of_track,
)
from zoo_sparse_reco.chain.objects.event import Event, Members
from zoo_sparse_reco.chain.objects.fragments import Fragments
from zoo_sparse_reco.chain.objects.paths import length_along
from zoo_sparse_reco.chain.objects.vertices import common_end
from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["MARGIN_VOXELS", "PRIMARY_SCORE", "Particle", "particle_columns", "particles_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MARGIN_VOXELS = 5
"""A particle with a voxel this near to the border of the grid may have left it."""

PRIMARY_SCORE = 0.5
"""Above it a particle comes from the vertex."""

_TIE = 1e-6
_EARLY_CM = 3.0  # over which the loss at the start of a shower is taken


@dataclass(frozen=True)
class Particle:
    """One particle.

    Attributes:
        place: Middles of its voxels (n, 3).
        deposit: MeV, (n,).
        semantic: Its class.
        contained: Whether no voxel is near the border.
        start, end: (3,), voxels.
        ends: Of a track.
        dedx: At the start of a shower, MeV/cm; NaN: unknown.
        interaction: Its interaction; -1: none.
        fragments: How many it has.
    """

    place: Array
    deposit: Array
    semantic: int
    contained: bool
    start: Array
    end: Array
    ends: TrackEnds | None = None
    dedx: float = np.nan
    interaction: int = -1
    fragments: int = 0

    def turned(self) -> Particle:
        """A track the other way round."""
        assert self.ends is not None
        ends = self.ends.turned()
        return replace(self, start=ends.start, end=ends.end, ends=ends)

    def length_cm(self, voxel_mm: float) -> float:
        """Of a track; NaN of others."""
        if self.ends is None:
            return float("nan")
        along = length_along(self.place, self.ends.distance, self.start, self.end)
        return along * voxel_mm / 10


def particles_of(event: Event, fragments: Fragments, grid: VoxelGrid) -> list[Particle]:
    """All particles, in the order of their numbers.

    Tracks of no sure direction start where the others of their interaction meet.
    """
    members = Members(event.particle, int(event.particle.max(initial=-1)) + 1)
    semantic, interaction = members.most(event.semantic), members.most(event.interaction)
    counts = np.bincount(fragments.particle[fragments.particle >= 0], minlength=len(semantic))
    made = []
    for number in range(len(semantic)):
        rows = members.of(number)
        begins = fragments.beginning(number)
        one = _particle(event, rows, begins if len(begins) else rows, int(semantic[number]), grid)
        held = int(counts[number]) if number < len(counts) else 0
        made.append(replace(one, interaction=int(interaction[number]), fragments=held))
    return _towards_vertices(made)


def particle_columns(
    event: Event, made: Sequence[Particle], grid: VoxelGrid
) -> dict[str, NDArray[Any]]:
    """Those of ``particles/...``."""
    count = len(made)
    numbers = np.arange(count)
    said = {name: event.particles.of(name, numbers) for name in ("primary", "pid", "momentum")}
    length = np.array([one.length_cm(grid.voxel_mm) for one in made])
    energy = np.array([one.deposit.sum() for one in made])
    score, by_model = _kinds(made, energy, length, said["pid"])
    kind = np.where(score.sum(axis=1) > 0, score.argmax(axis=1), -1) if count else numbers
    unknown = np.full(count, np.nan)
    primary_score = unknown if said["primary"] is None else said["primary"]
    ranged = [
        energy_by_range(own, int(pid)) if one.ends is not None else np.nan
        for one, own, pid in zip(made, length, kind, strict=True)
    ]
    return {
        "particles/interaction": np.array([one.interaction for one in made]),
        "particles/semantic": np.array([one.semantic for one in made]),
        "particles/fragments": np.array([one.fragments for one in made]),
        "particles/voxels": np.array([len(one.place) for one in made]),
        "particles/energy": energy,
        "particles/energy_range": np.array(ranged),
        "particles/length": length,
        "particles/start": _stacked([one.start for one in made]),
        "particles/end": _stacked([one.end for one in made]),
        "particles/direction": _stacked([direction_at(one.place, one.start) for one in made]),
        "particles/pid": kind,
        "particles/pid_score": score,
        "particles/pid_by": by_model,
        "particles/primary": _primaries(made, primary_score),
        "particles/primary_score": primary_score,
        "particles/momentum": unknown if said["momentum"] is None else said["momentum"],
        "particles/contained": np.array([one.contained for one in made]),
    }


def _particle(
    event: Event,
    rows: NDArray[np.intp],
    begins: NDArray[np.intp],
    semantic: int,
    grid: VoxelGrid,
) -> Particle:
    """A particle, but for its interaction and the number of its fragments."""
    place, deposit = event.middle(rows), event.deposit[rows]
    beyond = np.array(grid.shape) - MARGIN_VOXELS
    inside = (event.place[rows] >= MARGIN_VOXELS) & (event.place[rows] < beyond)
    ends, dedx = None, np.nan
    if semantic == Semantic.TRACK:
        ends = ends_of_track(place, deposit, semantic, event.points)
        start, end = ends.start, ends.end
    else:
        first, energy = event.middle(begins), event.deposit[begins]
        start = start_of_shower(place, first, energy, semantic, event.points)
        end = place[int(np.argmax(np.linalg.norm(place - start, axis=1)))]
        dedx = _early_loss(first, energy, start, grid.voxel_mm)
    return Particle(place, deposit, semantic, bool(inside.all()), start, end, ends, dedx)


def _early_loss(place: Array, deposit: Array, start: Array, voxel_mm: float) -> float:
    """Energy over length of the first centimetres, MeV/cm."""
    direction = direction_at(place, start)
    along = (place - start) @ np.nan_to_num(direction) * voxel_mm / 10
    near = along <= _EARLY_CM
    if not near.any() or np.isnan(direction).any():
        return float("nan")
    length = float(np.clip(along[near].max() + voxel_mm / 20, voxel_mm / 10, _EARLY_CM))
    return float(deposit[near].sum()) / length


def _towards_vertices(made: list[Particle]) -> list[Particle]:
    """Tracks that may start at either end start where the particles of their interaction meet."""
    found = list(made)
    for interaction in {one.interaction for one in made} - {-1}:
        own = [number for number, one in enumerate(made) if one.interaction == interaction]
        if not any(_unsure(made[number]) for number in own):
            continue
        meeting = common_end([_possible_starts(made[number]) for number in own])
        if meeting is None:
            continue
        for number in own:
            one = made[number]
            apart = [float(np.linalg.norm(place - meeting)) for place in (one.start, one.end)]
            if _unsure(one) and apart[1] < apart[0]:
                found[number] = one.turned()
    return found


def _unsure(one: Particle) -> bool:
    return one.ends is not None and not one.ends.sure


def _possible_starts(one: Particle) -> Array:
    return np.stack([one.start, one.end]) if _unsure(one) else one.start[None]


def _kinds(
    made: Sequence[Particle], energy: Array, length: Array, said: Array | None
) -> tuple[Array, NDArray[np.bool_]]:
    """Probabilities (n, 6) of kinds, and whether the model says them (n,)."""
    score = np.zeros((len(made), len(Pid)))
    by_model = np.zeros(len(made), bool)
    for number, one in enumerate(made):
        if said is not None and _says(said[number]):
            score[number], by_model[number] = said[number], True
        elif one.ends is not None:
            score[number] = kind_of_track(
                float(energy[number]), float(length[number]), contained=one.contained
            )
        else:
            score[number] = kind_of_shower(one.semantic, one.dedx)
    return score, by_model


def _says(score: Array) -> bool:
    """Whether one kind is likelier than all others."""
    second, first = np.sort(score)[-2:]
    return bool(first - second > _TIE)


def _primaries(made: Sequence[Particle], score: Array) -> NDArray[np.bool_]:
    """By the score; where no model says one, all showers and tracks are."""
    shape = np.array([one.semantic in (Semantic.SHOWER, Semantic.TRACK) for one in made], bool)
    return np.where(np.isnan(score), shape, score > PRIMARY_SCORE)


def _stacked(places: list[Array]) -> Array:
    return np.stack(places) if places else np.zeros((0, 3))
