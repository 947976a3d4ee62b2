"""The greedy rule, by hand and against the loss that it is to decrease."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_sparse_reco.grouping.partition import counted_in_events, partition


def groups(count: int, scores: dict[tuple[int, int], float], **more: Any) -> list[int]:
    """Of edges in both directions."""
    one = np.array([pair for pair in scores for _ in range(2)]).reshape(-1, 2)
    from_, to = one.T.copy()
    from_[1::2], to[1::2] = to[1::2].copy(), from_[1::2].copy()
    score = np.repeat(np.array(list(scores.values())), 2)
    return partition(count, from_, to, score, **more).tolist()


def slow(count: int, from_: Any, to: Any, score: NDArray[np.float64]) -> list[int]:
    """The rule as the reference words it: from the highest score down to 1/2, two groups become one
    if the cross-entropy of the edges among them against the induced adjacency decreases."""
    group = list(range(count))

    def loss(members: set[int], trial: list[int]) -> float:
        total = 0.0
        for one, other, p in zip(from_, to, score, strict=True):
            if one in members and other in members:
                inside = trial[one] == trial[other]
                total -= float(np.log(p if inside else 1 - p))
        return total

    for edge in sorted(range(len(score)), key=lambda e: -score[e]):
        one, other = group[from_[edge]], group[to[edge]]
        if score[edge] < 0.5 or one == other:
            continue
        members = {k for k in range(count) if group[k] in (one, other)}
        trial = [one if k == other else k for k in group]
        if loss(members, trial) < loss(members, group):
            group = trial
    seen: dict[int, int] = {}
    return [seen.setdefault(one, len(seen)) for one in group]


def test_a_weak_link_does_not_join_what_two_strong_doubts_part() -> None:
    """0-1 and 2-3 are sure; 1-2 is likely, but 0-3 and 0-2 speak against it."""
    scores = {(0, 1): 0.95, (2, 3): 0.95, (1, 2): 0.7, (0, 3): 0.1, (0, 2): 0.2, (1, 3): 0.4}
    assert groups(4, scores) == [0, 0, 1, 1]
    assert groups(4, scores, rule="threshold") == [0, 0, 0, 0]
    # Log-odds between the pairs by hand: 0.847 - 2.197 - 1.386 - 0.405 < 0.
    # With 1-2 at 0.99, 4.595 - 3.988 > 0: all become one.
    assert groups(4, {**scores, (1, 2): 0.99}) == [0, 0, 0, 0]


def test_a_chain_is_joined_where_no_edge_speaks_against_it() -> None:
    assert groups(4, {(0, 1): 0.6, (1, 2): 0.9, (2, 3): 0.55}) == [0, 0, 0, 0]
    assert groups(4, {(0, 1): 0.6, (1, 2): 0.9, (2, 3): 0.55}, threshold=0.58) == [0, 0, 0, 1]
    assert groups(3, {(0, 1): 0.49}) == [0, 1, 2]


def test_both_directions_count() -> None:
    """One says 0.9, the other 0.05: together they speak against it."""
    from_, to = np.array([0, 1]), np.array([1, 0])
    assert partition(2, from_, to, np.array([0.9, 0.05])).tolist() == [0, 1]
    assert partition(2, from_, to, np.array([0.9, 0.2])).tolist() == [0, 0]


def test_random_graphs_against_the_wording() -> None:
    rng = np.random.default_rng(4)
    for _ in range(25):
        count = int(rng.integers(2, 9))
        pairs = np.array(list(permutations(range(count), 2)))
        pairs = pairs[rng.random(len(pairs)) < 0.8]
        score = rng.uniform(0.02, 0.98, len(pairs))
        found = partition(count, pairs[:, 0], pairs[:, 1], score).tolist()
        assert found == slow(count, pairs[:, 0].tolist(), pairs[:, 1].tolist(), score)


def test_scores_of_0_and_1_and_none() -> None:
    from_, to = np.array([0, 1, 0, 2]), np.array([1, 0, 2, 0])
    assert partition(3, from_, to, np.array([1.0, 1.0, 0.0, 0.0])).tolist() == [0, 0, 1]
    assert partition(3, from_, to, np.full(4, np.nan)).tolist() == [0, 1, 2]
    none = np.zeros(0, np.int64)
    for rule in ("score", "threshold"):
        assert partition(0, none, none, np.zeros(0), rule=rule).tolist() == []  # type: ignore[arg-type]
        assert partition(1, none, none, np.zeros(0), rule=rule).tolist() == [0]  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hundreds_of_nodes(dtype: Any) -> None:
    """200 nodes of 20 groups, all 39,800 edges told right but for noise."""
    rng = np.random.default_rng(5)
    true = np.sort(rng.integers(0, 20, 200))
    from_, to = np.nonzero(~np.eye(200, dtype=bool))
    same = true[from_] == true[to]
    score = np.clip(np.where(same, 0.8, 0.2) + rng.normal(0, 0.15, len(same)), 0, 1).astype(dtype)
    found = partition(200, from_, to, score)
    assert len(np.unique(found)) == 20
    assert len(np.unique(np.stack([true, found]), axis=1).T) == 20


def test_groups_are_counted_within_events() -> None:
    event = np.array([0, 0, 0, 2, 2, 5])
    assert counted_in_events(np.array([0, 1, 0, 2, 3, 4]), event).tolist() == [0, 1, 0, 0, 1, 0]
    none = np.zeros(0, np.int64)
    assert counted_in_events(none, none).tolist() == []
