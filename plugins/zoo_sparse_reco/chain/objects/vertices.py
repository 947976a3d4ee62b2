"""Where particles come from: the place nearest to the lines of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["common_end", "nearest_to_lines"]

Array = NDArray[np.float64]

_STEPS = 10
_HUBER = 3.0  # voxels: lines that pass further away count less
_TRACK_PULL = 1.0
_SHOWER_PULL = 0.0025  # a photon flies some 60 voxels before it converts


def nearest_to_lines(
    start: Array, direction: Array, is_track: NDArray[np.bool_], weight: Array | None = None
) -> Array:
    """The place whose weighted squared distance to starts and lines of particles is least.

    Of each particle the distance of the place to its line counts, and the distance to its start: as
    much for a track, which starts at the vertex; hardly for a shower, which may start with a photon
    far from it. Particles that miss the place by more than three voxels count less (Huber's
    weights, ten steps). One particle alone has its vertex at its start.

    Args:
        start: (n, 3), n > 0.
        direction: Unit vectors (n, 3); NaN: unknown, then the start alone counts.
        is_track: (n,).
        weight: (n,), above 0; ``None``: all alike.

    Returns:
        (3,).
    """
    count = len(start)
    pull = np.where(is_track, _TRACK_PULL, _SHOWER_PULL)
    known = np.asarray(np.isfinite(direction).all(axis=1))
    along = np.where(known[:, None], direction, 0.0)
    across = np.eye(3) - along[:, :, None] * along[:, None, :]
    across[~known] = 0.0
    pull = np.where(known, pull, _TRACK_PULL)
    forms = across + pull[:, None, None] * np.eye(3)
    given = np.ones(count) if weight is None else weight
    trust = np.ones(count)
    place: Array = start[0]
    for _ in range(_STEPS):
        total = (given * trust)[:, None, None] * forms
        right = np.einsum("nij,nj->i", total, start)
        place = np.linalg.solve(total.sum(axis=0), right)
        apart = place - start
        miss = np.sqrt(np.einsum("ni,nij,nj->n", apart, forms, apart))
        trust = np.minimum(1.0, _HUBER / np.maximum(miss, 1e-9))
    return place


def common_end(ends: Sequence[Array], near: float = 20.0) -> Array | None:
    """The end of a particle that is nearest to ends of the others; ``None`` of fewer than two.

    Args:
        ends: Ends (k, 3) of each particle: two of a track that may start at either, else one.
        near: An end further away counts as this far, in voxels.

    Returns:
        (3,).
    """
    if len(ends) < 2:
        return None
    every = np.concatenate(ends)
    counts = np.array([len(own) for own in ends])
    owner = np.repeat(np.arange(len(ends)), counts)
    apart = np.linalg.norm(every[:, None] - every[None], axis=2)
    first = np.cumsum(counts) - counts
    to_each = np.minimum(np.minimum.reduceat(apart, first, axis=1), near)
    to_each[np.arange(len(every)), owner] = 0.0
    chosen: Array = every[int(np.argmin(to_each.sum(axis=1)))]
    return chosen
