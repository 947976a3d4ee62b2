"""Ionisation against published numbers and the theory of compound Poisson processes."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_ha_tpc.physics.ionisation import cluster_sizes, electrons, mean_per_mm

MIDDLES = (np.arange(400_000) + 0.5) / 400_000


def test_sizes_are_a_distribution_and_its_tail_joins_the_table() -> None:
    sizes = cluster_sizes(1000)
    assert sizes.sum() == pytest.approx(1)
    # The published table adds up to 98.91 %, its tail to 1.09 %: nothing was to be scaled.
    assert sizes[1] == pytest.approx(0.656, rel=1e-4)
    assert sizes[19] == pytest.approx(0.00063, rel=1e-3)
    assert sizes[20] == pytest.approx(0.216 / 400, rel=1e-3)
    assert sizes[0] == 0


def test_electrons_per_cm() -> None:
    """94 (argon, Particle Data Group) to 100 (10 per mm in ModelHATPC)."""
    assert 94 <= 10 * mean_per_mm(3.4, 1000) <= 100


def test_steps_have_mean_variance_and_gaps_of_a_compound_poisson_process() -> None:
    clusters, largest = 3.4 * 3, 200
    sizes, size = cluster_sizes(largest), np.arange(largest + 1)
    number = electrons(MIDDLES, clusters, largest)
    assert number.mean() == pytest.approx(clusters * (sizes @ size), rel=1e-3)
    assert number.var() == pytest.approx(clusters * (sizes @ size**2), rel=1e-2)
    few = electrons(MIDDLES, 0.5, largest)
    assert (few == 0).mean() == pytest.approx(np.exp(-0.5), abs=1e-5)
    # One electron: one cluster of one.
    assert (few == 1).mean() == pytest.approx(0.5 * np.exp(-0.5) * 0.656, rel=1e-3)
    ends = electrons(np.array([0.0, 1 - 2**-53]), clusters, largest)
    assert ends[0] == 0
    assert 3 * largest < ends[1] < 6 * largest


def test_many_clusters_sum_to_many_electrons() -> None:
    number = electrons(MIDDLES[::100], 300.0, 30)
    mean = 300 * (cluster_sizes(30) @ np.arange(31))
    assert number.mean() == pytest.approx(mean, rel=1e-3)
