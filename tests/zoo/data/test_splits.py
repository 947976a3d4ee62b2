from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.contract.source import Block
from zoo.data.splits import choose_split, split_blocks, split_digest
from zoo.errors import ConfigError, DataError, UsageError

GROUPS = st.lists(st.integers(0, 12), min_size=1, max_size=40).filter(lambda g: len(set(g)) > 2)


def make(groups: list[int]) -> list[Block]:
    return [Block(str(i), 2, f"event {group}") for i, group in enumerate(groups)]


@given(GROUPS, st.integers(0, 2**32), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_splits_partition_and_never_separate_a_group(
    groups: list[int], seed: int, validation: float, test: float
):
    blocks = make(groups)
    splits = split_blocks(blocks, validation, test, seed)
    assert list(splits) == ["train", "validation", "test"]
    assert all(splits.values())
    together = [block for split in splits.values() for block in split]
    assert sorted(together, key=lambda b: int(b.key)) == blocks
    for split in splits.values():
        assert list(split) == sorted(split, key=lambda b: int(b.key))
    owners = [{block.group for block in split} for split in splits.values()]
    assert sum(map(len, owners)) == len(set.union(*owners))
    assert splits == split_blocks(blocks, validation, test, seed)


def test_fractions_are_those_asked_for_and_growth_moves_nothing():
    blocks = make(list(range(10_000)))
    splits = split_blocks(blocks, 0.2, 0.1, 7)
    # Binomial: five standard deviations of 10000 groups
    assert abs(len(splits["test"]) - 1000) < 5 * np.sqrt(900)
    assert abs(len(splits["validation"]) - 2000) < 5 * np.sqrt(1600)
    fewer = split_blocks(blocks[:6000], 0.2, 0.1, 7)
    for name, split in fewer.items():
        assert set(split) <= set(splits[name])
    assert set(splits["test"]) != set(split_blocks(blocks, 0.2, 0.1, 8)["test"])


def test_no_fraction_no_split():
    blocks = make(list(range(5)))
    splits = split_blocks(blocks, 0, 0, 0)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 5,
        "validation": 0,
        "test": 0,
    }


def test_too_few_groups_and_bad_fractions_are_refused():
    with pytest.raises(DataError, match=r"2 independent group\(s\) cannot fill 3 splits"):
        split_blocks(make([0, 1, 1, 0]), 0.1, 0.1, 0)
    with pytest.raises(ConfigError, match="leave no training data"):
        split_blocks(make([0, 1, 2]), 0.5, 0.5, 0)


def test_choose_split_by_name():
    blocks = make(list(range(30)))
    assert choose_split(blocks, "all", 0.1, 0.1, 0) == tuple(blocks)
    assert choose_split(blocks, "test", 0.1, 0.1, 0) == split_blocks(blocks, 0.1, 0.1, 0)["test"]
    with pytest.raises(UsageError, match="did you mean 'validation'"):
        choose_split(blocks, "valid", 0.1, 0.1, 0)
    with pytest.raises(UsageError, match="this split is empty"):
        choose_split(blocks, "test", 0.1, 0, 0)


def test_digest_tells_splits_apart():
    blocks = make(list(range(30)))
    one, other = (split_blocks(blocks, 0.1, 0.1, seed) for seed in (0, 1))
    assert split_digest(one) == split_digest(split_blocks(blocks, 0.1, 0.1, 0))
    assert split_digest(one) != split_digest(other)
