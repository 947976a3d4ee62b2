"""What is true of voxels and particles, from who left energy where.

The rules are those of Supera, which labels PILArNet and the experiments' simulations, as far as
they are public; sizes are its settings (from memory: what each size means).

- A voxel belongs to the class that comes first of Michel, track, shower, delta (SPINE's order since
  2024), and within the class to the particle that left most.
- A delta ray with fewer than three voxels beside its parent is part of its parent.
- A shower is in fragments: connected pieces, each a particle of its own, of fewer than ten voxels
  low-energy. The first fragment stands for the particle that began the shower.
- Tracks that nuclei and neutrons knock out are low-energy where they have a single voxel.
- Low-energy voxels have no fragment, particle, group, interaction or kind (-1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.connected import VoxelKeys, pieces_together
from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.particles import Nodes, Role, Rows, momentum_of
from zoo_sparse_reco.physics.voxel_sums import VoxelSums

__all__ = ["DELTA_VOXELS", "SHOWER_VOXELS", "ParticleRows", "VoxelRows", "label"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

DELTA_VOXELS = 3
"""A delta ray with fewer of its own is part of its parent (Supera's DeltaSize)."""

SHOWER_VOXELS = 10
"""A fragment of a shower with fewer is low-energy (Supera's ComptonSize)."""

_SCATTER_VOXELS = 2  # a nucleon of fewer is low-energy (Supera's LEScatterSize)

_CLASS = np.array([Semantic.SHOWER, Semantic.TRACK, Semantic.MICHEL, Semantic.DELTA], np.int64)
"""By :class:`~zoo_sparse_reco.physics.particles.Role`."""

_RANK = np.array([2, 1, 0, 3])
"""Which role comes first where several left energy: Michel, track, shower, delta."""


@dataclass(frozen=True)
class VoxelRows(Rows):
    """Voxels of many events, in the order of events and of voxels.

    Attributes:
        event, x, y, z: int64 (v,).
        deposit: float64 (v,), MeV.
        semantic, fragment, particle, group, interaction, pid: int64 (v,), as
            :data:`~zoo_sparse_reco.specs.TRUTH` has them.
        proton: bool (v,): the track of a proton, low-energy or not.
    """

    event: Whole
    x: Whole
    y: Whole
    z: Whole
    deposit: Array
    semantic: Whole
    fragment: Whole
    particle: Whole
    group: Whole
    interaction: Whole
    pid: Whole
    proton: NDArray[np.bool_]


@dataclass(frozen=True)
class ParticleRows(Rows):
    """Particles that have voxels, in the order of events and of their numbers.

    Attributes:
        event: int64 (p,).
        number, parent, group, interaction, primary, pid, semantic: int64 (p,), as
            :data:`~zoo_sparse_reco.specs.TRUTH` has them.
        kinetic: float64 (p,), MeV.
        momentum: float64 (p, 3), MeV/c.
        start, end: float64 (p, 3), cm.
    """

    event: Whole
    number: Whole
    parent: Whole
    group: Whole
    interaction: Whole
    primary: Whole
    pid: Whole
    semantic: Whole
    kinetic: Array
    momentum: Array
    start: Array
    end: Array


def label(sums: VoxelSums, nodes: Nodes, keys: VoxelKeys) -> tuple[VoxelRows, ParticleRows]:
    """Classes, fragments, particles, groups and interactions of voxels."""
    winner = _winners(sums, nodes, _merged(sums, nodes))
    role, group = nodes.role[winner], nodes.group[winner]
    shower = role == Role.SHOWER
    count = len(nodes)
    piece = pieces_together(sums.key, np.where(shower, group, count + winner), keys)
    sizes = np.bincount(piece)[piece] if len(piece) else piece
    voxels = np.bincount(winner, minlength=count)[winner]
    scattered = nodes.nuclear[winner] & (role == Role.TRACK) & (voxels < _SCATTER_VOXELS)
    low = (shower & (sizes < SHOWER_VOXELS)) | scattered
    semantic = np.where(low, int(Semantic.LOW_ENERGY), _CLASS[role])
    event, voxel = keys.back(sums.key)
    kept = ~low
    fragment = np.full(len(piece), -1)
    fragment[kept] = _within(event[kept], piece[kept])
    row, particles = _particles(winner[kept], piece[kept], shower[kept], nodes)
    found = {name: np.full(len(piece), -1) for name in ("number", "group", "interaction", "pid")}
    for name, column in found.items():
        column[kept] = getattr(particles, name)[row]
    voxel_rows = VoxelRows(
        event,
        voxel[:, 0],
        voxel[:, 1],
        voxel[:, 2],
        sums.deposit,
        semantic,
        fragment,
        found["number"],
        found["group"],
        found["interaction"],
        found["pid"],
        (role == Role.TRACK) & (nodes.pid[winner] == Pid.PROTON),
    )
    return voxel_rows, particles


def _merged(sums: VoxelSums, nodes: Nodes) -> Whole:
    """Nodes (N,) that the energy of nodes counts for: small delta rays are their parents'."""
    count = len(nodes)
    into = np.arange(count)
    delta = np.flatnonzero(nodes.role[sums.owner] == Role.DELTA)
    both = sums.voxel * count + sums.owner  # rising
    wanted = sums.voxel[delta] * count + nodes.parent[sums.owner[delta]]
    at = np.minimum(np.searchsorted(both, wanted), max(len(both) - 1, 0))
    alone = delta[both[at] != wanted]
    own = np.bincount(sums.owner[alone], minlength=count)
    small = (nodes.role == Role.DELTA) & (own < DELTA_VOXELS)
    into[small] = nodes.parent[small]
    return into


def _winners(sums: VoxelSums, nodes: Nodes, into: Whole) -> Whole:
    """The node (v,) that a voxel belongs to."""
    owner = into[sums.owner]
    order = np.lexsort((-sums.energy, _RANK[nodes.role[owner]], sums.voxel))
    voxel = sums.voxel[order]
    first = np.ones(len(voxel), bool)
    first[1:] = voxel[1:] != voxel[:-1]
    winner: Whole = owner[order[first]]
    return winner


def _within(event: Whole, number: Whole) -> Whole:
    """Numbers counted anew within each event, in their order; events rise with the numbers."""
    if not len(number):
        return number
    present, dense = np.unique(number, return_inverse=True)
    event_of = np.zeros(len(present), np.int64)
    event_of[dense] = event
    first = np.searchsorted(event_of, event_of)
    counted: Whole = (np.arange(len(present)) - first)[dense]
    return counted


def _particles(
    winner: Whole, piece: Whole, shower: NDArray[np.bool_], nodes: Nodes
) -> tuple[Whole, ParticleRows]:
    """The particles, and the row (v,) among them that voxels belong to."""
    count = len(nodes)
    # A particle of a shower is a piece, any other a node.
    unit = np.where(shower, count + piece, winner)
    units, dense = np.unique(unit, return_inverse=True)
    first = np.full(len(units), count)  # the earliest node in it
    np.minimum.at(first, dense, winner)
    is_piece = units >= count
    root = nodes.group[first] if len(first) else first
    identity = first.copy()
    # The fragment with the earliest node stands for what began the shower.
    leads = np.full(count, count)
    np.minimum.at(leads, root[is_piece], first[is_piece])
    begins = is_piece & (first == leads[root]) & (nodes.role[root] == Role.SHOWER)
    # A node in two pieces leads with the one that comes first.
    _, earliest = np.unique(first, return_index=True)
    once = np.zeros(len(units), bool)
    once[earliest] = True
    begins &= once
    identity[begins] = root[begins]
    order = np.lexsort((units, identity, nodes.event[identity]))
    row = np.empty(len(order), np.int64)
    row[order] = np.arange(len(order))
    first, identity, root, is_piece = first[order], identity[order], root[order], is_piece[order]
    rows = _rows(first, identity, root, is_piece, nodes)
    where: Whole = row[dense]
    return where, rows


def _rows(
    first: Whole, identity: Whole, root: Whole, is_piece: NDArray[np.bool_], nodes: Nodes
) -> ParticleRows:
    event = nodes.event[identity]
    number = np.arange(len(event)) - np.searchsorted(event, event)
    count = len(nodes)
    listed = np.full(count, len(identity))  # row of a node that is a particle
    np.minimum.at(listed, identity, np.arange(len(identity)))
    listed[listed == len(identity)] = -1
    leader = np.full(count, len(identity))  # first row of a group
    np.minimum.at(leader, root, np.arange(len(root)))
    parent = _parents(identity, root, listed, leader, nodes)
    pid = np.where(is_piece, nodes.pid[root], nodes.pid[identity])
    semantic = np.where(is_piece, int(Semantic.SHOWER), _CLASS[nodes.role[identity]])
    size = momentum_of(nodes.kinetic[identity], nodes.pid[identity])
    return ParticleRows(
        event,
        number,
        np.where(parent >= 0, number[parent], -1) if len(number) else parent,
        number[leader[root]] if len(number) else number,
        nodes.interaction[identity],
        nodes.primary[identity].astype(np.int64),
        pid,
        semantic,
        nodes.kinetic[identity],
        size[:, None] * nodes.direction[identity],
        nodes.start[first],
        nodes.end[first],
    )


def _parents(identity: Whole, root: Whole, listed: Whole, leader: Whole, nodes: Nodes) -> Whole:
    """Rows (p,) of the nearest ancestors that are particles; -1: none."""
    rows = np.arange(len(identity))
    if not len(rows):
        return rows
    above = np.where(leader[root] < rows, root, nodes.parent[identity])
    parent = np.where(leader[root] < rows, leader[root], -1)
    open_ = np.flatnonzero(parent < 0)
    node = above[open_]
    while len(open_):
        known = node >= 0
        open_, node = open_[known], node[known]
        # A shower's parts stand for its leading fragment.
        group = nodes.group[node]
        found = np.where(
            listed[node] >= 0, listed[node], np.where(leader[group] < len(rows), leader[group], -1)
        )
        found = np.where(found == open_, -1, found)
        parent[open_] = found
        rest = found < 0
        open_ = open_[rest]
        node = np.where(group[rest] != node[rest], group[rest], nodes.parent[node[rest]])
    return parent
