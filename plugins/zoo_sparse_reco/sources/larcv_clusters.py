"""Whose voxels of LArCV are: clusters, the particles that they are of, and their classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.kinds import pid_of
from zoo_sparse_reco.physics.labels import SCHEMES, Semantic
from zoo_sparse_reco.sources.event_lists import Rows
from zoo_sparse_reco.sources.files_config import LarcvConfig
from zoo_sparse_reco.sources.larcv_products import Products, keys_of, looked_up, numbers_of

__all__ = ["owners_of", "particle_of_clusters", "shapes_of"]

Array = NDArray[Any]
Whole = NDArray[np.int64]


def particle_of_clusters(sizes: Rows, particles: Rows | None, where: str) -> Whole:
    """Number in its event of the particle of each cluster; -1: of none.

    There are as many as particles, or one more: LArCV3 writes an empty one before all others,
    Supera one behind them of what is of no particle.

    Raises:
        DataError: The numbers differ by more.
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


def shapes_of(products: Products, where: str) -> Array | None:
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
    classes = looked_up(clusters, semantics, products.frames.shape).astype(np.int64)
    of = particle_of_clusters(sizes, particles, where)[
        sizes.first[clusters.event] + clusters.columns["cluster"]
    ]
    valid = (of >= 0) & (classes >= 0) & (classes < len(Semantic))
    row = particles.first[clusters.event[valid]] + of[valid]
    total = len(particles.event)
    seen = np.bincount(row * len(Semantic) + classes[valid], minlength=total * len(Semantic))
    seen = seen.reshape(total, len(Semantic))
    return np.where(seen.sum(axis=1) > 0, seen.argmax(axis=1), -1)


def owners_of(
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
    order = np.argsort(keys_of(voxels, shape), kind="stable")
    known = keys_of(voxels, shape)[order]
    key = keys_of(clusters, shape)
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
            labels[name] = np.where(known, numbers_of(taken), -1)
    return labels
