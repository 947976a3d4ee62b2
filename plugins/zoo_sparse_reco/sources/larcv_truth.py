"""Products of LArCV, of either version, as events: voxels, their classes, clusters, particles.

Voxels and energies are those of one product; classes come from another by the voxel's number, and
fragments from the clusters that have the voxel. A cluster is of the particle with its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.kinds import kinetic_mev, pid_of
from zoo_sparse_reco.physics.labels import SCHEMES, Semantic
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import LarcvConfig
from zoo_sparse_reco.sources.tidy import or_nowhere

__all__ = ["Frames", "Products", "events_of", "known_fields"]

Array = NDArray[Any]
Whole = NDArray[np.int64]

_UNSET = 65_535  # and above: a number of a particle that LArCV did not set
_FROM_MEMBERS = (
    (frozenset({"parent_id"}), frozenset({"particle_parent"})),
    (frozenset({"parent_trackid", "trackid"}), frozenset({"particle_parent"})),
    (frozenset({"process"}), frozenset({"particle_primary"})),
    (frozenset({"px", "py", "pz"}), frozenset({"particle_momentum", "particle_energy"})),
    (frozenset({"first_step"}), frozenset({"particle_start"})),
    (frozenset({"last_step"}), frozenset({"particle_end"})),
    (frozenset({"interaction_id", "ancestor_vtx"}), fields_of("vertex")),
)
_FAR = 1e6  # of a place, in voxels: beyond, it was never set


@dataclass(frozen=True)
class Frames:
    """Where the voxels of each event are.

    Attributes:
        shape: Voxels along x, y and z: the same in all events.
        size: (N, 3), edges of a voxel, in the files' unit.
        origin: (N, 3), lower corners of the voxels (0, 0, 0).
    """

    shape: tuple[int, int, int]
    size: Array
    origin: Array

    def in_voxels(self, place: Array, event: Whole) -> Array:
        """Places (n, 3) in voxels; (-1, -1, -1) where a place was never set."""
        with np.errstate(all="ignore"):
            found = (place - self.origin[event]) / self.size[event]
        return or_nowhere(found, -_FAR, _FAR)


@dataclass(frozen=True)
class Products:
    """Products of some events.

    Attributes:
        frames: Where the voxels are.
        voxels: ``place`` (n, 3) and ``value``.
        semantics: The same, whose values are classes; ``None``: there is none.
        clusters: The same, with ``cluster``, the number of each voxel's cluster in its event.
        cluster_sizes: ``size`` of every cluster.
        particles: Members by the names of LArCV; places are (n, 3).
    """

    frames: Frames
    voxels: Rows
    semantics: Rows | None = None
    clusters: Rows | None = None
    cluster_sizes: Rows | None = None
    particles: Rows | None = None


def known_fields(members: frozenset[str], *, semantics: bool, clusters: bool) -> frozenset[str]:
    """Fields of files with these products, and these members of particles (empty: none)."""
    fields = {"voxel_x", "voxel_y", "voxel_z", "deposit"}
    numbers = {n for n in ("group", "interaction") if f"{n}_id" in members}
    if semantics:
        fields.add("semantic")
    if clusters:
        fields |= {"fragment", "particle"}
        if members:
            fields |= {"pid", *({"group": "voxel_group"}.get(n, n) for n in numbers)}
    if not members:
        return frozenset(fields)
    fields |= {"particle_id", "particle_pid", *(f"particle_{name}" for name in numbers)}
    shaped = "shape" in members or (semantics and clusters)
    if shaped:
        fields.add("particle_semantic")
    for needed, made in _FROM_MEMBERS:
        if needed <= members:
            fields |= made
    if shaped and {"first_step", "last_step"} <= members:
        fields |= fields_of("point")
    return frozenset(fields)


def events_of(products: Products, config: LarcvConfig, where: str) -> Events:
    """Join the products of some events.

    Raises:
        DataError: Their numbers of events, clusters or particles do not fit one another.
    """
    voxels, frames = products.voxels, products.frames
    columns: dict[str, Array] = {
        "place": voxels.columns["place"],
        "deposit": voxels.columns["value"],
    }
    if products.semantics is not None:
        columns["semantic"] = _looked_up(voxels, products.semantics, frames.shape)
    particles = products.particles
    shapes = _shapes(products, where)
    if products.clusters is not None and products.cluster_sizes is not None:
        particle = _particle_of_clusters(products.cluster_sizes, particles, where)
        columns |= _owners(products, columns.get("semantic"), particle, shapes, config)
    rows = Rows(voxels.counts, columns)
    if particles is None:
        return Events(voxels=rows)
    table = _particles(particles, frames, shapes)
    return Events(
        voxels=rows,
        particles=table,
        points=_points(table, shapes),
        vertices=_vertices(particles, frames),
    )


def _keys(rows: Rows, shape: tuple[int, int, int]) -> Whole:
    key = rows.event
    for axis in range(3):
        key = key * shape[axis] + rows.columns["place"][:, axis]
    return key


def _looked_up(voxels: Rows, semantics: Rows, shape: tuple[int, int, int]) -> Array:
    """Classes (n,) of voxels; -1 where the product of classes lacks one."""
    wanted, known = _keys(voxels, shape), _keys(semantics, shape)
    values = semantics.columns["value"]
    if np.array_equal(wanted, known):
        return np.asarray(values)
    order = np.argsort(known, kind="stable")
    known, values = known[order], values[order]
    if not len(known):
        return np.full(len(wanted), -1.0)
    found = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[found] == wanted, values[found], -1.0)


def _particle_of_clusters(sizes: Rows, particles: Rows | None, where: str) -> Whole:
    """Number in its event of the particle of each cluster; -1: of none.

    There are as many as particles, or one more: LArCV3 writes an empty one before all others,
    Supera one behind them of what is of no particle.
    """
    number = np.arange(len(sizes.event)) - sizes.first[sizes.event]
    if particles is None:
        return number
    more = sizes.counts - particles.counts
    if np.any((more < 0) | (more > 1)):
        wrong = int(np.flatnonzero((more < 0) | (more > 1))[0])
        raise DataError(
            f"{sizes.counts[wrong]} clusters for {particles.counts[wrong]} particles",
            where=where,
            remedy="name the producers that belong together: data.options.clusters and particles",
        )
    size = sizes.columns["size"]
    led = np.zeros(len(sizes.counts), bool)
    full = sizes.counts > 0
    led[full] = size[sizes.first[full]] == 0
    number = number - ((more == 1) & led)[sizes.event]
    return np.where(number < particles.counts[sizes.event], number, -1)


def _shapes(products: Products, where: str) -> Array | None:
    """Classes of the particles: as told, or else what most of the cluster's voxels are."""
    particles = products.particles
    if particles is None:
        return None
    if "shape" in particles.columns:
        told = particles.columns["shape"].astype(np.int64)
        return np.where((told >= 0) & (told < len(Semantic)), told, -1)
    clusters, sizes, semantics = products.clusters, products.cluster_sizes, products.semantics
    if clusters is None or sizes is None or semantics is None:
        return None
    classes = _looked_up(clusters, semantics, products.frames.shape).astype(np.int64)
    of = _particle_of_clusters(sizes, particles, where)[
        sizes.first[clusters.event] + clusters.columns["cluster"]
    ]
    valid = (of >= 0) & (classes >= 0) & (classes < len(Semantic))
    row = particles.first[clusters.event[valid]] + of[valid]
    total = len(particles.event)
    seen = np.bincount(row * len(Semantic) + classes[valid], minlength=total * len(Semantic))
    seen = seen.reshape(total, len(Semantic))
    return np.where(seen.sum(axis=1) > 0, seen.argmax(axis=1), -1)


def _owners(
    products: Products,
    semantic: Array | None,
    particle: Whole,
    shapes: Array | None,
    config: LarcvConfig,
) -> dict[str, Array]:
    """Cluster and particle of every voxel: by precedence of classes, then by energy.

    Where the voxel's class is known, a cluster of that class comes before all others.
    """
    voxels, clusters, sizes = products.voxels, products.clusters, products.cluster_sizes
    assert clusters is not None
    assert sizes is not None
    shape = products.frames.shape
    number = clusters.columns["cluster"]
    of = particle[sizes.first[clusters.event] + number]
    rank = np.zeros(len(of), np.int64)
    order = np.argsort(_keys(voxels, shape), kind="stable")
    known = _keys(voxels, shape)[order]
    key = _keys(clusters, shape)
    if products.particles is not None and shapes is not None:
        row = products.particles.first[clusters.event] + of
        kind = np.where(of >= 0, shapes[np.where(of >= 0, row, 0)] if len(shapes) else -1, -1)
        rank = _rank_table(config)[kind]
        if semantic is not None and len(known):
            at = order[np.minimum(np.searchsorted(known, key), len(known) - 1)]
            rank = np.where(kind == semantic[at], -1, rank)
    best = np.lexsort((-clusters.columns["value"], rank, key))
    ordered = key[best]
    found = np.searchsorted(ordered, known)
    hit = np.zeros(len(known), bool)
    if len(ordered):
        hit = ordered[np.minimum(found, len(ordered) - 1)] == known
    chosen = best[found[hit]]
    columns = {}
    for name, values in _labels(products.particles, clusters.event, number, of).items():
        column = np.full(len(known), -1, np.int64)
        column[order[hit]] = values[chosen]
        columns[name] = column
    return columns


def _rank_table(config: LarcvConfig) -> Whole:
    names = SCHEMES["spine"]
    table = np.full(len(names) + 1, len(names))  # the last one is that of -1
    table[[names.index(name) for name in config.precedence]] = np.arange(len(names))
    return table


def _labels(particles: Rows | None, event: Whole, number: Whole, of: Whole) -> dict[str, Whole]:
    labels = {"fragment": number, "particle": of}
    if particles is None:
        return labels
    known = of >= 0
    row = np.where(known, particles.first[event] + of, 0)
    for name, values in (
        ("voxel_group", particles.columns.get("group_id")),
        ("interaction", particles.columns.get("interaction_id")),
        ("pid", pid_of(particles.columns["pdg"])),
    ):
        if values is not None:
            taken = values[row] if len(values) else np.full(len(row), -1)
            labels[name] = np.where(known, _number(taken), -1)
    return labels


def _number(values: Array) -> Whole:
    whole: Whole = values.astype(np.int64)
    return np.where((whole >= 0) & (whole < _UNSET), whole, -1)


def _particles(particles: Rows, frames: Frames, shapes: Array | None) -> Rows:
    have = particles.columns
    event = particles.event
    number = np.arange(len(event)) - particles.first[event]
    pid = pid_of(have["pdg"])
    columns: dict[str, Array] = {"particle_id": number, "particle_pid": pid}
    if shapes is not None:
        columns["particle_semantic"] = shapes
    for name in ("group", "interaction"):
        if f"{name}_id" in have:
            columns[f"particle_{name}"] = _number(have[f"{name}_id"])
    if "parent_id" in have:
        columns["particle_parent"] = _number(have["parent_id"])
    elif {"parent_trackid", "trackid"} <= have.keys():
        columns["particle_parent"] = _parents(particles, number)
    if "process" in have:
        told = have["process"]
        columns["particle_primary"] = np.where(told == "", -1, told == "primary")
    if {"px", "py", "pz"} <= have.keys():
        momentum = np.stack([have[name] for name in ("px", "py", "pz")], axis=1)
        momentum = np.where(np.isfinite(momentum), momentum, 0.0)
        columns["particle_momentum"] = momentum
        columns["particle_energy"] = kinetic_mev(np.linalg.norm(momentum, axis=1), pid)
    for name, step in (("start", "first_step"), ("end", "last_step")):
        if step in have:
            columns[f"particle_{name}"] = frames.in_voxels(have[step], event)
    return Rows(particles.counts, columns)


def _parents(particles: Rows, number: Whole) -> Whole:
    """Numbers of the parents, found by the tracks' numbers of the simulation."""
    event = particles.event
    track = particles.columns["trackid"].astype(np.int64)
    parent = particles.columns["parent_trackid"].astype(np.int64)
    key, wanted = event * 2**32 + track, event * 2**32 + parent
    order = np.argsort(key, kind="stable")
    if not len(key):
        return number
    found = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
    at = order[found]
    return np.where(key[at] == wanted, number[at], -1)


def _points(table: Rows, shapes: Array | None) -> Rows | None:
    """Starts of all particles but those of low energy, and ends of tracks."""
    have = table.columns
    if shapes is None or not {"particle_start", "particle_end"} <= have.keys():
        return None
    ends = shapes == Semantic.TRACK
    starts = (shapes >= 0) & (shapes != Semantic.LOW_ENERGY)
    row = np.concatenate([np.flatnonzero(starts), np.flatnonzero(ends)])
    end = np.repeat([0, 1], [np.count_nonzero(starts), np.count_nonzero(ends)])
    order = np.lexsort((end, row))
    row, end = row[order], end[order]
    place = np.where(end[:, None] > 0, have["particle_end"][row], have["particle_start"][row])
    counts = np.bincount(table.event[row], minlength=len(table.counts)).astype(np.int64)
    columns: Mapping[str, Array] = {
        **{f"point_{axis}": place[:, i] for i, axis in enumerate("xyz")},
        "point_semantic": shapes[row],
        "point_end": end,
        "point_particle": have["particle_id"][row],
        "point_pid": have["particle_pid"][row],
    }
    return Rows(counts, columns)


def _vertices(particles: Rows, frames: Frames) -> Rows | None:
    """Interactions, where the ancestor of their first particle began."""
    have = particles.columns
    if not {"interaction_id", "ancestor_vtx"} <= have.keys():
        return None
    number, event = _number(have["interaction_id"]), particles.event
    order = np.lexsort((number, event))
    order = order[number[order] >= 0]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(number[order]) != 0) | (np.diff(event[order]) != 0)
    chosen = order[new]
    place = frames.in_voxels(have["ancestor_vtx"][chosen], event[chosen])
    counts = np.bincount(event[chosen], minlength=len(particles.counts)).astype(np.int64)
    return Rows(counts, {"interaction_id": number[chosen], "interaction_vertex": place})
