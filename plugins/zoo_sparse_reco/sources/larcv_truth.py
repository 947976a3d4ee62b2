"""Products of LArCV, of either version, as events: voxels, their classes, clusters, particles.

Voxels and energies are those of one product; classes come from another by the voxel's number, and
fragments from the clusters that have the voxel. A cluster is of the particle with its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.kinds import kinetic_mev, pid_of
from zoo_sparse_reco.physics.labels import Semantic
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import LarcvConfig
from zoo_sparse_reco.sources.larcv_clusters import owners_of, particle_of_clusters, shapes_of
from zoo_sparse_reco.sources.larcv_products import Frames, Products, looked_up, numbers_of

__all__ = ["events_of", "known_fields"]

Array = NDArray[Any]
Whole = NDArray[np.int64]

_FROM_MEMBERS = (
    (frozenset({"parent_id"}), frozenset({"particle_parent"})),
    (frozenset({"parent_trackid", "trackid"}), frozenset({"particle_parent"})),
    (frozenset({"process"}), frozenset({"particle_primary"})),
    (frozenset({"px", "py", "pz"}), frozenset({"particle_momentum", "particle_energy"})),
    (frozenset({"first_step"}), frozenset({"particle_start"})),
    (frozenset({"last_step"}), frozenset({"particle_end"})),
    (frozenset({"interaction_id", "ancestor_vtx"}), fields_of("vertex")),
)


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
        columns["semantic"] = looked_up(voxels, products.semantics, frames.shape)
    particles = products.particles
    shapes = shapes_of(products, where)
    if products.clusters is not None and products.cluster_sizes is not None:
        particle = particle_of_clusters(products.cluster_sizes, particles, where)
        columns |= owners_of(products, columns.get("semantic"), particle, shapes, config)
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
            columns[f"particle_{name}"] = numbers_of(have[f"{name}_id"])
    if "parent_id" in have:
        columns["particle_parent"] = numbers_of(have["parent_id"])
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
    number, event = numbers_of(have["interaction_id"]), particles.event
    order = np.lexsort((number, event))
    order = order[number[order] >= 0]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(number[order]) != 0) | (np.diff(event[order]) != 0)
    chosen = order[new]
    place = frames.in_voxels(have["ancestor_vtx"][chosen], event[chosen])
    counts = np.bincount(event[chosen], minlength=len(particles.counts)).astype(np.int64)
    return Rows(counts, {"interaction_id": number[chosen], "interaction_vertex": place})
