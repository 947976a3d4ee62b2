"""Measures of clusterings: scikit-learn's values, closed forms, extremes, and real voxels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import Table
from zoo_sparse_reco.baselines import TrueLabels
from zoo_sparse_reco.baselines_config import TrueLabelsConfig
from zoo_sparse_reco.clustering_measures import Overlaps, PairCounts, adjusted_rand
from zoo_sparse_reco.metrics import EventMetrics
from zoo_sparse_reco.points.components import connected
from zoo_sparse_reco.points.fragments import NEAR

GOLDEN = Path(__file__).with_name("clustering_golden.txt")
"""Written by ``make_clustering_golden.py`` with scikit-learn."""


def golden() -> list[list[str]]:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    return [line.split(" | ") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("fields", golden(), ids=range(len(golden())))
def test_as_scikit_learn(fields: list[str]) -> None:
    true, found = (np.array(text.split(), np.int64) for text in fields[:2])
    overlaps = Overlaps.of(true, found)
    assert overlaps.adjusted_rand_index() == pytest.approx(float(fields[2]), abs=1e-12)
    assert overlaps.adjusted_mutual_information() == pytest.approx(float(fields[3]), abs=1e-9)


def test_single_voxels_are_the_same_clusters() -> None:
    """Both differences from chance are 0; agreement is perfect."""
    for count in (2, 7, 30):
        single = Overlaps.of(np.arange(count), np.arange(count)[::-1])
        assert single.adjusted_mutual_information() == 1.0
        assert single.adjusted_rand_index() == 1.0


def test_one_cluster_against_halves() -> None:
    """By hand: 10 voxels in halves; together they are one cluster."""
    halves = np.repeat([3, 8], 5)
    joined = Overlaps.of(halves, np.full(10, 4))
    assert joined.efficiency() == 1
    assert joined.purity() == 0.5
    assert joined.pooled_efficiency() == 1
    assert joined.pooled_purity() == 0.5
    assert joined.adjusted_rand_index() == 0
    assert joined.symmetric_best_dice() == pytest.approx(2 / 3)  # 2 x 5 / (5 + 10)
    split = Overlaps.of(np.full(10, 4), halves)
    assert (split.efficiency(), split.purity()) == (0.5, 1)


def test_means_are_over_clusters_and_pooled_ones_over_voxels() -> None:
    """True clusters of 8 and 2 voxels, the large one cut in 4 + 4: (1/2 + 1) / 2 and 6 / 10."""
    overlaps = Overlaps.of(np.repeat([0, 1], [8, 2]), np.repeat([0, 1, 2], [4, 4, 2]))
    assert overlaps.efficiency() == 0.75
    assert overlaps.pooled_efficiency() == 0.6
    assert overlaps.purity() == overlaps.pooled_purity() == 1
    assert overlaps.pairs == PairCounts(together=13, true=29, found=13, every=45)
    expected = 29 * 13 / 45
    assert overlaps.adjusted_rand_index() == pytest.approx((13 - expected) / (21 - expected))
    # Best Dice: of true clusters 2 x 4 / 12 and 1, of found ones 2/3, 2/3 and 1.
    assert overlaps.symmetric_best_dice() == pytest.approx(7 / 9)


def test_names_of_clusters_do_not_matter() -> None:
    true = np.array([0, 0, 1, 1, 2, 2, 2])
    same = Overlaps.of(true, np.array([70, 70, -1, -1, 5, 5, 5]))
    assert same.adjusted_rand_index() == 1
    assert same.adjusted_mutual_information() == pytest.approx(1, abs=1e-12)
    assert same.symmetric_best_dice() == same.efficiency() == same.purity() == 1


def test_singletons_have_nothing_in_common_with_one_cluster() -> None:
    one, singletons = np.zeros(7, int), np.arange(7)
    apart = Overlaps.of(one, singletons)
    assert apart.adjusted_rand_index() == apart.adjusted_mutual_information() == 0
    assert apart.efficiency() == pytest.approx(1 / 7)
    assert apart.purity() == 1
    assert Overlaps.of(singletons, singletons).adjusted_rand_index() == 1
    assert Overlaps.of(one, one).adjusted_mutual_information() == 1


def test_information_of_two_independent_halves() -> None:
    """Four voxels, halves across halves: no information; by chance a third of log 2 on average.

    Of the three ways to halve four voxels one is the true one, with log 2, and two have nothing.
    """
    overlaps = Overlaps.of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    chance = math.log(2) / 3
    expected = -chance / (math.log(2) - chance)
    assert overlaps.adjusted_mutual_information() == pytest.approx(expected)
    assert overlaps.adjusted_rand_index() == pytest.approx(-0.5)


def test_nothing_is_defined_of_no_voxels() -> None:
    nothing = Overlaps.of(np.empty(0, int), np.empty(0, int))
    for measure in (
        nothing.adjusted_rand_index,
        nothing.adjusted_mutual_information,
        nothing.efficiency,
        nothing.purity,
        nothing.pooled_efficiency,
        nothing.pooled_purity,
        nothing.symmetric_best_dice,
    ):
        assert math.isnan(measure())


def test_pairs_of_many_voxels_do_not_overflow() -> None:
    many = PairCounts(together=10**17, true=2 * 10**17, found=10**17, every=10**19)
    assert adjusted_rand(many) == pytest.approx(98 / 148)  # by chance 2 x 10^15


def test_clusterings_of_different_voxels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 voxels are not 2"):
        Overlaps.of(np.zeros(3), np.zeros(2))


@pytest.mark.realdata
def test_neighbouring_voxels_of_a_class_on_a_real_event(
    real_data: Path, facts: dict[str, Any], samples_of: Callable[[Mapping[str, Any]], Table]
) -> None:
    """Voxels of one true class within 1.999 of each other against the particles of the event.

    Measured with scikit-learn's DBSCAN and scores, apart from this project: ARI 0.577, purity 0.94,
    efficiency 1.00, as a pion and a muon touch at the vertex.
    """
    path = real_data / "sparse-reco/pilarnet/pilarnet_m_test_event7675.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is absent")
    with np.load(path, allow_pickle=False) as event:
        voxel, kind, particle = event["voxel"], event["segment_motif"], event["instance_particle"]
    known = particle >= 0
    found = connected(voxel[known], kind[known], NEAR)
    overlaps = Overlaps.of(particle[known], found)
    assert overlaps.adjusted_rand_index() == pytest.approx(0.577, abs=5e-4)
    assert overlaps.purity() == pytest.approx(0.94, abs=5e-3)
    assert overlaps.efficiency() == pytest.approx(1.00, abs=5e-3)
    # The oracle and the metrics say the same of the event.
    fields = {f"voxel_{axis}": voxel[:, n] for n, axis in enumerate("xyz")}
    fields |= {"deposit": np.ones(len(kind)), "semantic": kind, "fragment": particle}
    samples = samples_of({name: [values] for name, values in fields.items()})
    oracle = TrueLabels(TrueLabelsConfig(smallest=1), facts)
    metrics = EventMetrics(facts)
    numbers = metrics.summarise(metrics.measure(samples, oracle.predict(samples)))
    told = {one.name: one.value for one in numbers}
    assert told["fragment ARI"] == pytest.approx(57.7, abs=0.05)
    assert told["fragment purity"] == pytest.approx(100 * overlaps.purity())
    assert told["macro F1"] == 100
