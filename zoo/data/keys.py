"""Random numbers as pure functions of a key, so that no result depends on who draws first.

A key is a uint64 made by :func:`combine` from a seed, an epoch, a sample's id. Numbers come from
the finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014; constants of Stafford's variant 13), applied to key and counter: no
state, any order, vectorised over keys.
"""

from __future__ import annotations

import hashlib
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Keys",
    "combine",
    "generator",
    "mix",
    "normal",
    "row_ids",
    "sample_ids",
    "text_key",
    "uniform",
]

Keys: TypeAlias = NDArray[np.uint64]

_MASK = (1 << 64) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(words: Keys) -> Keys:
    """The finaliser of splitmix64, a bijection of uint64; ``words`` has at least one dimension."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def combine(*parts: int | NDArray[np.integer]) -> Keys:
    """One key from several integers or arrays of them, broadcast; the order matters.

    Returns:
        uint64 of the broadcast shape, ``()`` where all parts are integers.
    """
    shape = np.broadcast_shapes(*(np.shape(part) for part in parts))
    state = np.full(1, len(parts), np.uint64)
    for part in parts:
        state = mix((state ^ _words(part)) + _GOLDEN)
    return np.broadcast_to(state, shape or (1,)).reshape(shape)


def uniform(keys: Keys, *shape: int, tag: int = 0) -> NDArray[np.float64]:
    """``(N, *shape)`` float64 in [0, 1) with 53 random bits, from ``keys`` ``(N,)``.

    A draw with another ``tag`` is independent; a longer shape begins with the shorter one's
    numbers.
    """
    bits = _draw(keys, shape, tag) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def normal(keys: Keys, *shape: int, tag: int = 0) -> NDArray[np.float64]:
    """``(N, *shape)`` float64, standard normal: the quantile of :func:`uniform`'s numbers."""
    from scipy.special import ndtri

    # Half a step up: the quantile of 0 is infinite, and the draw is symmetric about 1/2.
    quantiles: NDArray[np.float64] = ndtri(uniform(keys, *shape, tag=tag) + 2.0**-54)
    return quantiles


def generator(key: int | np.uint64) -> np.random.Generator:
    """A numpy generator (Philox) for one key: for distributions that need many numbers."""
    return np.random.Generator(np.random.Philox(key=int(key)))


def row_ids(keys: Keys, samples_per_key: int = 1) -> Keys:
    """``(len(keys) * samples_per_key,)`` uint64: ids of the rows that simulator keys give."""
    return combine(np.asarray(keys, np.uint64)[:, None], np.arange(samples_per_key)).ravel()


def sample_ids(file_digest: str, rows: NDArray[np.integer]) -> Keys:
    """``(N,)`` uint64: ids of the rows (by index) of a file with this sha256 (hexadecimal)."""
    return combine(int(file_digest[:16], 16), np.asarray(rows))


def text_key(text: str) -> int:
    """A key for a name: the first 64 bits of its sha256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _draw(keys: Keys, shape: tuple[int, ...], tag: int) -> Keys:
    # Counters are mixed before they meet the key: runs of two keys' numbers never overlap.
    counters = mix(np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * _GOLDEN)
    starts = combine(np.asarray(keys, np.uint64), tag)
    return mix(starts[:, None] ^ counters).reshape(len(starts), *shape)


def _words(part: int | NDArray[np.integer]) -> Keys:
    if isinstance(part, (int, np.integer)):
        return np.full(1, int(part) & _MASK, np.uint64)
    return np.atleast_1d(part).astype(np.uint64)
