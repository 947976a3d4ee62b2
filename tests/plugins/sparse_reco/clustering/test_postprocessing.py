"""From scores to clusters: by slow ways, at the edges of what there is, and large events."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from zoo.api import Ragged
from zoo_sparse_reco.clustering.edges import edge_clusters
from zoo_sparse_reco.clustering.greedy import greedy_clusters, most_probable
from zoo_sparse_reco.clustering.numbers import clustered_classes, groups_of
from zoo_sparse_reco.within_events import numbered

Floats = NDArray[np.float64]


def slowly(
    embedding: Floats, margin: Floats, score: Floats, smallest: int = 2
) -> NDArray[np.int64]:
    """Every voxel's probability for every seed."""
    label = np.full(len(embedding), -1, np.int64)
    seeds: list[int] = []
    for seed in np.argsort(-score, kind="stable"):
        if label[seed] >= 0:
            continue
        square = ((embedding - embedding[seed]) ** 2).sum(1)
        inside = (np.exp(-square / (2 * margin[seed] ** 2)) >= 0.5) & (label < 0)
        if inside.sum() >= smallest:
            label[inside] = len(seeds)
            seeds.append(int(seed))
    if seeds:
        square = ((embedding[:, None] - embedding[seeds][None]) ** 2).sum(2)
        best = (square / margin[seeds] ** 2).argmin(1)
        label = np.where(label < 0, best, label)
    return label


@pytest.mark.parametrize("wide", [0.02, 0.1, 0.6])
def test_greedy_clusters_are_those_of_all_pairs(wide: float) -> None:
    rng = np.random.default_rng(int(100 * wide))
    middles = rng.uniform(-1, 1, (12, 3))
    embedding = middles[rng.integers(0, 12, 400)] + rng.normal(0, 0.05, (400, 3))
    margin, score = wide * rng.uniform(0.3, 2, 400), rng.random(400)
    found = greedy_clusters(embedding, margin, score)
    np.testing.assert_array_equal(found, slowly(embedding, margin, score))
    order = rng.permutation(400)
    turned = greedy_clusters(embedding[order], margin[order], score[order])
    np.testing.assert_array_equal(turned, found[order])


def test_seeds_below_the_cut_and_lonely_ones_start_nothing() -> None:
    place = np.array([[0.0, 0, 0], [0, 0, 0.01], [1, 0, 0], [1.02, 0, 0], [3, 0, 0]])
    margin, score = np.full(5, 0.1), np.array([0.9, 0.1, 0.3, 0.2, 1.0])
    assert greedy_clusters(place, margin, score).tolist() == [0, 0, 1, 1, 1]
    assert greedy_clusters(place, margin, score, least=0.5).tolist() == [0] * 5
    assert greedy_clusters(place, margin, score, smallest=1).tolist() == [1, 1, 2, 2, 0]
    assert greedy_clusters(place, margin, score, smallest=3).tolist() == [-1] * 5
    none = np.zeros(0)
    assert len(greedy_clusters(none.reshape(0, 3), none, none)) == 0
    assert greedy_clusters(place[:1], margin[:1], score[:1], smallest=1).tolist() == [0]


def test_the_most_probable_cluster_is_that_of_all() -> None:
    rng = np.random.default_rng(2)
    centre, place = rng.normal(0, 1, (500, 3)), rng.normal(0, 1.3, (300, 3))
    margin = np.exp(rng.uniform(-3, 1, 500))
    ratio = np.linalg.norm(place[:, None] - centre[None], axis=2) / margin
    np.testing.assert_array_equal(most_probable(place, centre, margin), ratio.argmin(1))
    assert most_probable(place, centre[:1], margin[:1]).tolist() == [0] * 300


def test_a_large_event_takes_seconds() -> None:
    """Each voxel alone and all in one: the number of pairs would be 4e10."""
    rng = np.random.default_rng(0)
    embedding = rng.uniform(-1, 1, (200_000, 3))
    score = rng.random(200_000)
    began = time.process_time()
    whole = greedy_clusters(embedding, np.full(200_000, 5.0), score)
    many = greedy_clusters(embedding, np.full(200_000, 0.03), score)
    assert whole.max() == 0
    assert many.max() > 1000
    assert time.process_time() - began < 30


def test_pieces_and_orphans() -> None:
    """0-1-2 and 4-5-6 hold together; 3 has two kept neighbours in one, 7 only cut ones; 8 none."""
    one = np.array([0, 1, 2, 3, 4, 5, 6, 7])
    other = np.array([1, 2, 3, 4, 5, 6, 7, 9])
    kept = np.array([1, 1, 0, 0, 1, 1, 0, 1], np.bool_)
    found = edge_clusters(11, one, other, kept, smallest=3)
    # 3 asks one voxel of either side: the first cluster. 7 follows 6, and 9 follows 7 in turn.
    assert found.tolist() == [0, 0, 0, 0, 2, 2, 2, 2, -1, 2, -1]
    assert edge_clusters(0, one[:0], one[:0], kept[:0], smallest=3).tolist() == []
    assert edge_clusters(1, one[:0], one[:0], kept[:0], smallest=1).tolist() == [0]


def test_orphans_follow_the_majority() -> None:
    one = np.array([0, 1, 3, 4, 6, 6, 6])
    other = np.array([1, 2, 4, 5, 0, 3, 4])
    kept = np.array([1, 1, 1, 1, 0, 0, 0], np.bool_)
    assert edge_clusters(7, one, other, kept, smallest=3)[6] == 1


def test_without_cuts_pieces_are_those_of_the_graph() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.integers(0, 300, (2, 250))
    found = edge_clusters(300, one, other, np.ones(250, np.bool_), smallest=1)
    graph = coo_array((np.ones(250), (one, other)), shape=(300, 300))
    _, expected = connected_components(graph, directed=False)
    pairs = np.unique(np.stack([found, expected]), axis=1)
    assert pairs.shape[1] == len(np.unique(found)) == len(np.unique(expected))


def test_numbers_count_within_events() -> None:
    label = np.array([9, -1, 9, 4, 30, 30, 12, -1, 12, 7])
    offsets = np.array([0, 4, 4, 10])
    assert numbered(label, offsets).values.tolist() == [0, -1, 0, 1, 0, 0, 1, -1, 1, 2]
    assert numbered(label, offsets, 2).values.tolist() == [0, -1, 0, -1, 0, 0, 1, -1, 1, -1]
    assert numbered(label[:0], np.zeros(3, np.int64)).values.tolist() == []


def test_what_is_clustered_together() -> None:
    assert clustered_classes("spine") == (0, 1, 2, 3)
    assert clustered_classes("hip-mip") == (0, 1, 2, 3, 4)
    semantic = Ragged.of([np.array([0, 1, 4, 5], np.int8), np.array([1, -1, 0], np.int8)])
    assert groups_of(semantic, (0, 1, 2, 3)).tolist() == [0, 1, -1, -1, 6, -1, 5]
