"""Random numbers of particles and of their steps, each from its own key.

A particle has a key; those of its children, steps and collisions follow from it and a number. So
nothing depends on what else is simulated at the same time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform

__all__ = ["child_keys", "directions", "keys_of", "numbered", "poisson"]

Keys = NDArray[np.uint64]
Array = NDArray[np.float64]

# Odd numbers, one for each rank: sums of their multiples do not meet again.
_ODD = tuple(map(np.uint64, (0xD1342543DE82EF95, 0xAF251AF3B0F025B5, 0x9FB21C651E98DF25)))
_CHILD = 901  # tag


def numbered(keys: Keys, number: NDArray[Any], rank: int = 0) -> Keys:
    """Keys (n,) to draw from, one for each key and number, both (n,).

    Args:
        keys: Of particles, or what this function made of them at a lower rank.
        number: From 0.
        rank: 0 to 2: what is numbered within what is numbered has a rank of its own.
    """
    moved: Keys = keys + (np.asarray(number).astype(np.uint64) + np.uint64(1)) * _ODD[rank]
    return moved


def child_keys(keys: Keys, number: NDArray[Any]) -> Keys:
    """Keys (n,) of children, as far from each other as any others."""
    return keys_of(uniform(numbered(keys, number), tag=_CHILD))


def keys_of(draw: Array) -> Keys:
    """Keys of the 53 random bits of numbers in [0, 1)."""
    return (draw * 2.0**53).astype(np.uint64)


def directions(keys: Keys, tag: int) -> Array:
    """Unit vectors (n, 3), as likely in any direction."""
    draw = uniform(keys, 2, tag=tag)
    cosine, azimuth = 2 * draw[:, 0] - 1, 2 * np.pi * draw[:, 1]
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)


def poisson(draw: Array, mean: Array) -> NDArray[np.int64]:
    """Poisson numbers (n,) of means (n,) of a few, by their quantiles (n,)."""
    count = np.zeros(len(draw), np.int64)
    left = np.flatnonzero(draw > np.exp(-mean))
    term = np.exp(-mean[left])
    below = term.copy()
    number = 0
    while len(left) and number < 200:
        number += 1
        count[left] = number
        term = term * mean[left] / number
        below = below + term
        more = draw[left] > below
        left, term, below = left[more], term[more], below[more]
    return count
