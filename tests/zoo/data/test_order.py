from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zoo.data.order import Plan, epoch_order

SIZES = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@given(SIZES, st.integers(0, 2**63 - 1), st.integers(0, 5), st.integers(1, 40))
def test_every_row_comes_once_and_windows_hold_few_blocks(
    sizes: list[int], seed: int, epoch: int, window: int
):
    block, row = epoch_order(seed, epoch, sizes, window)
    expected = [(b, r) for b, size in enumerate(sizes) for r in range(size)]
    assert sorted(zip(block.tolist(), row.tolist(), strict=True)) == expected
    # A reader that keeps `window` blocks never reads one twice: a block's rows lie in a stretch
    # of the order that holds at most `window` blocks of rows.
    for number in set(block.tolist()):
        places = np.flatnonzero(block == number)
        assert len(set(block[places[0] : places[-1] + 1].tolist())) <= window


def test_epochs_and_seeds_differ_and_repeat():
    sizes = [4] * 50
    orders = {
        (seed, epoch): tuple(zip(*map(tuple, epoch_order(seed, epoch, sizes, 8)), strict=True))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(set(orders.values())) == 4
    again = tuple(zip(*map(tuple, epoch_order(1, 1, sizes, 8)), strict=True))
    assert orders[1, 1] == again


def test_every_place_is_equally_likely():
    places = np.zeros((40, 40))
    for epoch in range(2000):
        block, _ = epoch_order(3, epoch, [1] * 40, 4)
        places[np.arange(40), block] += 1
    # 1600 cells with 39 * 39 degrees of freedom
    statistic = float(((places - 50) ** 2 / 50).sum())
    assert 1e-3 < stats.chi2.sf(statistic, 39 * 39) < 1 - 1e-3


@given(SIZES.filter(any), st.integers(1, 12), st.integers(1, 4), st.booleans(), st.booleans())
def test_micro_batches_cover_epochs_for_any_number_of_ranks(
    sizes: list[int], batch: int, world: int, shuffle: bool, drop_last: bool
):
    def plan(rank: int, world: int) -> Plan:
        return Plan(
            tuple(sizes),
            batch,
            seed=5,
            window=3,
            shuffle=shuffle,
            drop_last=drop_last,
            rank=rank,
            world=world,
        )

    alone = plan(0, 1)
    seen = []
    for number in range(2 * alone.per_epoch):
        whole = alone.micro_batch(number)
        assert whole.epoch == number // alone.per_epoch
        rows = list(zip(whole.block.tolist(), whole.row.tolist(), strict=True))
        shared: list[list[tuple[int, int]]] = []
        for rank in range(world):
            part = plan(rank, world).micro_batch(number)
            shared.append(list(zip(part.block.tolist(), part.row.tolist(), strict=True)))
        assert sorted(place for part in shared for place in part) == sorted(rows)
        assert max(map(len, shared)) - min(map(len, shared)) <= 1
        seen += rows
    total = sum(sizes)
    kept = total - total % batch if drop_last and total >= batch else total
    assert len(seen) == 2 * kept
    assert len(set(seen[:kept])) == kept


def test_without_shuffle_rows_come_as_they_lie():
    plan = Plan((2, 0, 3), 4, shuffle=False)
    first, last = plan.micro_batch(0), plan.micro_batch(1)
    assert plan.per_epoch == 2
    assert first.block.tolist() == [0, 0, 2, 2]
    assert first.row.tolist() == [0, 1, 0, 1]
    assert (last.block.tolist(), last.row.tolist()) == ([2], [2])
