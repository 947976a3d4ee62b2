"""Splits into training, validation and test by the hash of a block's group."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block
from zoo.data.keys import combine, text_key, uniform
from zoo.errors import ConfigError, DataError, UsageError, suggestion

__all__ = ["SPLIT_SEED", "Split", "choose_split", "split_blocks", "split_digest"]

SPLIT_SEED = 0
"""Every command splits alike: what a model was trained on never comes into its test."""

Split = Literal["train", "validation", "test"]
_NAMES: tuple[Split, ...] = ("test", "validation", "train")


def split_blocks(
    blocks: Sequence[Block], validation: float, test: float, seed: int
) -> Mapping[Split, tuple[Block, ...]]:
    """Blocks by split, in their order; all blocks of a group are in one split.

    Where a group goes depends on its name and ``seed`` alone, so growing a data set moves none.
    Only where a requested split would be empty does the nearest group move into it.

    Args:
        blocks: All blocks of a source.
        validation: Expected fraction of the groups; zero: no such split.
        test: Likewise.
        seed: Another seed, another split.

    Raises:
        ConfigError: If the fractions are not within [0, 1) together.
        DataError: If there are fewer groups than requested splits.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ConfigError(
            f"fractions {validation} and {test} leave no training data",
            where="data.validation, data.test",
            remedy="choose both >= 0 and their sum below 1",
        )
    groups = list(dict.fromkeys(block.group for block in blocks))
    edges = np.asarray([0.0, test, test + validation, 1.0])
    _refuse_few(len(groups), int(np.count_nonzero(np.diff(edges))))
    keys = combine(seed, np.asarray([text_key(group) for group in groups], np.uint64))
    split_of = dict(zip(groups, _assign(uniform(keys), edges), strict=True))
    return {
        name: tuple(block for block in blocks if split_of[block.group] == number)
        for number, name in reversed(list(enumerate(_NAMES)))
    }


def choose_split(
    blocks: Sequence[Block], name: str, validation: float, test: float, seed: int
) -> tuple[Block, ...]:
    """The blocks of one split, or of ``all``.

    Raises:
        UsageError: If there is no split of that name, or it was given no fraction.
        ConfigError, DataError: As for :func:`split_blocks`.
    """
    if name == "all":
        return tuple(blocks)
    splits = {str(k): v for k, v in split_blocks(blocks, validation, test, seed).items()}
    if name not in splits:
        raise UsageError("no such split", where=name, remedy=suggestion(name, [*splits, "all"]))
    if not splits[name]:
        raise UsageError(
            "this split is empty", where=name, remedy=f"give it a fraction: --set data.{name}=0.1"
        )
    return splits[name]


def split_digest(splits: Mapping[Split, Sequence[Block]]) -> str:
    """sha256 (hexadecimal) over the blocks of each split."""
    digest = hashlib.sha256()
    for name in _NAMES:
        for block in splits[name]:
            digest.update(f"{name}\0{block.key}\0{block.rows}\0{block.group}\n".encode())
    return digest.hexdigest()


def _assign(draws: NDArray[np.float64], edges: NDArray[np.float64]) -> list[int]:
    """Index of each draw's interval; no interval of positive width stays empty."""
    chosen = np.searchsorted(edges, draws, side="right") - 1
    for number in np.flatnonzero(np.diff(edges)):
        if np.any(chosen == number):
            continue
        middle = (edges[number] + edges[number + 1]) / 2
        counts = np.bincount(chosen, minlength=len(edges) - 1)
        spare = np.flatnonzero(counts[chosen] > 1)  # never empty another split
        nearest = spare[np.argmin(np.abs(draws[spare] - middle))]
        chosen[nearest] = number
    return [int(number) for number in chosen]


def _refuse_few(groups: int, wanted: int) -> None:
    if groups < wanted:
        raise DataError(
            f"{groups} independent group(s) cannot fill {wanted} splits",
            where="data.validation, data.test",
            remedy="give more files or events, or set data.validation=0 or data.test=0",
        )
