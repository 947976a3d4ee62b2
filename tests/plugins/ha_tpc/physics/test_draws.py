"""Quick normal numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from zoo_ha_tpc.physics.draws import quick_normal

KEYS = np.arange(3000, dtype=np.uint64)


def test_they_are_normal_and_independent() -> None:
    drawn = quick_normal(KEYS, 10, tag=5)
    assert drawn.shape == (3000, 10)
    assert drawn.mean() == pytest.approx(0, abs=4 / np.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(1, abs=4 / np.sqrt(2 * drawn.size))
    for part in (0.001, 0.1, 0.5, 0.9, 0.999):
        error = 4 * np.sqrt(part * (1 - part) / drawn.size)
        assert (drawn < norm.ppf(part)).mean() == pytest.approx(part, abs=error)
    correlation = np.corrcoef(drawn.T) - np.eye(10)
    assert np.abs(correlation).max() < 5 / np.sqrt(3000)


def test_each_key_has_its_own_and_more_begin_with_fewer() -> None:
    drawn = quick_normal(KEYS, 9, tag=5)
    np.testing.assert_array_equal(drawn[[7, 2]], quick_normal(KEYS[[7, 2]], 9, tag=5))
    np.testing.assert_array_equal(drawn[:, :3], quick_normal(KEYS, 3, tag=5))
    assert not np.array_equal(drawn, quick_normal(KEYS, 9, tag=6))


def test_no_keys_no_numbers() -> None:
    assert quick_normal(KEYS[:0], 9, tag=5).shape == (0, 9)


def test_other_quantiles() -> None:
    assert (quick_normal(KEYS, 5, tag=5, quantiles=np.full(8192, 7.0)) == 7).all()
