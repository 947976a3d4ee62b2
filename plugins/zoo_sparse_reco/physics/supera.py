"""Labels of voxels from simulated deposits, by the rules of Supera as far as the file allows.

Supera (DeepLearnPhysics; settings of its liquid-argon configuration) tells deltas, Michel
electrons, conversions and Compton electrons by the process that made each track, and merges what is
small into its parent. Files of segments have neither processes nor parents. Here stands for them:

* A delta ray is an electron that starts within ``touch`` voxels of a track. With fewer than
  ``delta_size`` voxels beside tracks it belongs to the track that it touches.
* A Michel electron is the electron or positron with most energy of those that start within
  ``touch`` voxels of where a muon stops, up to ``michel_mev``, with ``delta_size`` voxels or more.
  A muon that ends at the end of the recorded volume did not stop.
* All other voxels of electrons and photons that hang together are a shower if they are more than
  ``compton_size``, and else of low energy; or, if they touch a delta ray or a Michel electron, a
  part of it.
* What neutrons leave, and lone pieces of tracks of less than ``scatter_size`` voxels, are of low
  energy.

So it is not known which pieces are of the same shower, nor which particles of one interaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.connected import connected
from zoo_sparse_reco.physics.labels import SCHEMES, Semantic
from zoo_sparse_reco.physics.segment_deposits import Deposits, Tracks
from zoo_sparse_reco.physics.voxel_finder import VoxelFinder

__all__ = ["LabelRules", "Labels", "label_voxels"]

Array = NDArray[Any]
Whole = NDArray[np.int64]

_NEUTRAL = (2112, 130, 310, 311, 3122)  # neutron, neutral kaons, Lambda: they leave no track
_NEAR = sorted(product((-1, 0, 1), repeat=3), key=lambda one: sum(map(abs, one)))


@dataclass(frozen=True, kw_only=True)
class LabelRules:
    """Settings of the rules.

    Attributes:
        threshold_mev: Energy in a voxel from which a particle counts there.
        delta_size, compton_size, scatter_size: In voxels; see the module.
        touch: In voxels along each axis, 0 or 1.
        michel_mev: Most energy of a Michel electron.
        precedence: Names of the classes, scheme ``spine``: whose voxel it is.
    """

    threshold_mev: float = 0.05
    delta_size: int = 3
    compton_size: int = 10
    scatter_size: int = 2
    touch: int = 1
    michel_mev: float = 60.0
    precedence: Sequence[str] = ("track", "shower", "michel", "delta", "low-energy")


@dataclass(frozen=True)
class Labels:
    """What the voxels and tracks are.

    Attributes:
        semantic: int8 (V,), scheme ``spine``.
        owner: int64 (V,), row of the track whose voxel it is; -1: low energy.
        source: int64 (V,), row of the track that left most energy among those of the class.
        fragment: int64 (V,), connected piece of one owner, numbered in each event; -1: none.
        kind: int8 (T,): class of the tracks that own voxels; -1: it owns none.
    """

    semantic: NDArray[np.int8]
    owner: Whole
    source: Whole
    fragment: Whole
    kind: NDArray[np.int8]


def label_voxels(deposits: Deposits, tracks: Tracks, rules: LabelRules) -> Labels:
    """Label voxels by the rules of the module."""
    finder = VoxelFinder(deposits.event, deposits.place)
    kinds, heads = _kinds_of_tracks(deposits, tracks, finder, rules)
    kind, owner = _deposit_kinds(deposits, kinds, heads, rules)
    semantic, owner_of, source = _voxel_labels(deposits, kind, owner, rules)
    count = len(deposits.event)
    fragment = np.full(count, -1, np.int64)
    owned = owner_of >= 0
    fragment[owned] = _numbered(
        connected(deposits.place[owned], owner_of[owned]), deposits.event[owned]
    )
    found = np.full(len(tracks.event), -1, np.int8)
    found[owner_of[owned]] = semantic[owned]
    return Labels(semantic, owner_of, source, fragment, found)


def _is_light(tracks: Tracks) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (np.abs(tracks.pdg) == 11) | (tracks.pdg == 22)
    return found


def _kinds_of_tracks(
    deposits: Deposits, tracks: Tracks, finder: VoxelFinder, rules: LabelRules
) -> tuple[Whole, Whole]:
    """Class of each track by itself, and whose voxels they are; -1: by what hangs together.

    A delta ray that is too small has the class and the voxels of its parent.
    """
    light = _is_light(tracks)
    kinds = np.where(light, -1, np.int64(Semantic.TRACK))
    kinds[np.isin(np.abs(tracks.pdg), _NEUTRAL)] = Semantic.LOW_ENERGY
    heads = np.arange(len(kinds))
    parent = _touched(deposits, tracks, kinds == Semantic.TRACK, finder, rules)
    beside = _voxels_beside_tracks(deposits, kinds == Semantic.TRACK, rules)
    delta = (tracks.pdg == 11) & (parent >= 0)
    small = delta & (beside < rules.delta_size)
    kinds[delta] = Semantic.DELTA
    kinds[small], heads[small] = Semantic.TRACK, parent[small]
    michel = _michels(tracks, beside, rules)
    kinds[michel], heads[michel] = Semantic.MICHEL, michel
    return kinds, heads


def _touched(
    deposits: Deposits,
    tracks: Tracks,
    of_track: NDArray[np.bool_],
    finder: VoxelFinder,
    rules: LabelRules,
) -> Whole:
    """(T,): the track with most energy where an electron starts, or else nearby; -1: none."""
    counts = of_track[deposits.track]
    best = np.full(len(deposits.event), -1, np.int64)
    order = np.argsort(deposits.energy[counts], kind="stable")
    best[deposits.voxel[counts][order]] = deposits.track[counts][order]  # the last one stays
    asked = np.flatnonzero(np.abs(tracks.pdg) == 11)
    home = np.floor(tracks.start[asked]).astype(np.int64)
    found = np.full(len(asked), -1, np.int64)
    for offset in _NEAR:
        if max(map(abs, offset)) > rules.touch:
            continue
        row = finder.rows(tracks.event[asked], home + np.array(offset))
        track = np.where(row >= 0, best[row] if len(best) else -1, -1)
        found = np.where(found < 0, track, found)
    touched = np.full(len(tracks.event), -1, np.int64)
    touched[asked] = found
    return touched


def _voxels_beside_tracks(
    deposits: Deposits, of_track: NDArray[np.bool_], rules: LabelRules
) -> Whole:
    """(T,): in how many voxels each counts where no track does."""
    strong = deposits.energy >= rules.threshold_mev
    taken = np.zeros(len(deposits.event), bool)
    taken[deposits.voxel[of_track[deposits.track] & strong]] = True
    alone = strong & ~taken[deposits.voxel]
    return np.bincount(deposits.track[alone], minlength=len(of_track)).astype(np.int64)


def _michels(tracks: Tracks, beside: Whole, rules: LabelRules) -> Whole:
    """Rows of Michel electrons: at most one for each muon."""
    electron = np.flatnonzero(
        (np.abs(tracks.pdg) == 11)
        & (beside >= rules.delta_size)
        & (tracks.energy <= rules.michel_mev)
    )
    found = []
    for muon in np.flatnonzero((np.abs(tracks.pdg) == 13) & tracks.stops):
        same = electron[tracks.event[electron] == tracks.event[muon]]
        away = np.abs(np.floor(tracks.start[same]) - np.floor(tracks.end[muon])).max(axis=1)
        near = same[away <= rules.touch]
        if len(near):
            found.append(near[np.argmax(tracks.energy[near])])
    return np.unique(np.array(found, np.int64))


def _deposit_kinds(
    deposits: Deposits, kinds: Whole, heads: Whole, rules: LabelRules
) -> tuple[Whole, Whole]:
    """Class and owner of each deposit; that of low energy has no owner."""
    kind, owner = kinds[deposits.track], heads[deposits.track]
    _settle_showers(deposits, kinds, kind, owner, rules)
    track = kind == Semantic.TRACK
    piece, voxel = _pieces(deposits, track)
    size = np.bincount(piece)
    lone = np.zeros(len(deposits.event), bool)
    lone[voxel] = size[piece] < rules.scatter_size
    kind[track & lone[deposits.voxel]] = Semantic.LOW_ENERGY
    owner[kind == Semantic.LOW_ENERGY] = -1
    return kind, owner


def _settle_showers(
    deposits: Deposits, of_track: Whole, kind: Whole, owner: Whole, rules: LabelRules
) -> None:
    """Give what electrons and photons left in connected voxels a class, in place."""
    loose = kind < 0
    if not loose.any():
        return
    piece, voxel = _pieces(deposits, loose)
    of_voxel = np.full(len(deposits.event), -1, np.int64)
    of_voxel[voxel] = piece
    number = of_voxel[deposits.voxel[loose]]
    pieces = int(piece.max()) + 1
    large = np.bincount(piece, minlength=pieces) > rules.compton_size
    head = np.full(pieces, np.iinfo(np.int64).max)
    np.minimum.at(head, number, deposits.track[loose])  # children have higher numbers
    kinds = np.where(large, np.int64(Semantic.SHOWER), np.int64(Semantic.LOW_ENERGY))
    small = ~large[piece]
    for near, of in _neighbours(deposits, voxel[small], piece[small], kind, owner):
        head[near], kinds[near] = of, of_track[of]
    kind[loose], owner[loose] = kinds[number], head[number]


def _neighbours(
    deposits: Deposits, rows: Whole, piece: Whole, kind: Whole, owner: Whole
) -> list[tuple[int, int]]:
    """Pieces of voxels, by rows, and the delta ray or Michel electron that each touches."""
    headed = (kind == Semantic.DELTA) | (kind == Semantic.MICHEL)
    best = np.full(len(deposits.event), -1, np.int64)
    order = np.argsort(deposits.energy[headed], kind="stable")
    best[deposits.voxel[headed][order]] = owner[headed][order]
    finder = VoxelFinder(deposits.event, deposits.place)
    found: dict[int, int] = {}
    for offset in _NEAR:
        row = finder.rows(deposits.event[rows], deposits.place[rows] + np.array(offset))
        of = np.where(row >= 0, best[row], -1)
        for one, head in zip(piece[of >= 0].tolist(), of[of >= 0].tolist(), strict=True):
            found.setdefault(one, head)
    return sorted(found.items())


def _pieces(deposits: Deposits, chosen: NDArray[np.bool_]) -> tuple[Whole, Whole]:
    """Connected pieces of the voxels of some deposits: their numbers, and the voxels' rows."""
    voxel = np.unique(deposits.voxel[chosen])
    return connected(deposits.place[voxel], deposits.event[voxel]), voxel


def _voxel_labels(
    deposits: Deposits, kind: Whole, owner: Whole, rules: LabelRules
) -> tuple[NDArray[np.int8], Whole, Whole]:
    """Class, owner and source of each voxel: by precedence of those that count there."""
    names = SCHEMES["spine"]
    rank = np.empty(len(names), np.int64)
    rank[[names.index(name) for name in rules.precedence]] = np.arange(len(names))
    weak = deposits.energy < rules.threshold_mev
    late = rank[kind] + len(names) * weak  # who does not count comes last
    order = np.lexsort((-deposits.energy, late, deposits.voxel))
    voxel = deposits.voxel[order]
    first = order[np.concatenate([[True], voxel[1:] != voxel[:-1]])] if len(order) else order
    return kind[first].astype(np.int8), owner[first], deposits.track[first]


def _numbered(piece: Whole, event: Whole) -> Whole:
    """Numbers of pieces that begin at 0 in each event; events rise."""
    if not len(piece):
        return piece
    _, dense = np.unique(np.stack([event, piece]), axis=1, return_inverse=True)
    dense = dense.reshape(-1)
    least = np.full(int(event.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, event, dense)
    numbered: Whole = dense - least[event]
    return numbered
