from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zoo.data.keys import combine, generator, mix, normal, row_ids, sample_ids, text_key, uniform

WORDS = st.integers(-(2**63), 2**64 - 1)


def test_mix_is_the_finaliser_of_splitmix64():
    # The first five outputs for the seed 1234567: Rosetta Code, "Pseudo-random
    # numbers/Splitmix64", which quotes Vigna's splitmix64.c.
    golden = np.uint64(0x9E3779B97F4A7C15)
    states = np.uint64(1234567) + golden * np.arange(1, 6, dtype=np.uint64)
    assert mix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(WORDS, min_size=1, max_size=4))
def test_combine_broadcasts_and_agrees_with_single_keys(values: list[int], parts: list[int]):
    array = np.asarray([value % 2**64 for value in values], np.uint64)
    together = combine(*parts, array)
    assert together.shape == array.shape
    assert together.tolist() == [int(combine(*parts, value)) for value in values]


def test_combine_depends_on_order_and_number_of_parts():
    keys = [combine(1, 2), combine(2, 1), combine(1, 2, 0), combine(0, 1, 2), combine(3), combine()]
    assert len({int(key) for key in keys}) == len(keys)
    grid = combine(np.arange(300)[:, None], np.arange(300))
    assert len(np.unique(grid)) == 300 * 300


@pytest.mark.parametrize("tag", [0, 5])
def test_uniform_is_uniform_and_independent_between_keys_and_draws(tag: int):
    draws = uniform(np.arange(2000, dtype=np.uint64), 100, tag=tag)
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-3
    # Neighbouring keys and neighbouring draws: |r| < 5 / sqrt(n) for independent numbers.
    for one, other in ((draws[:-1], draws[1:]), (draws[:, :-1], draws[:, 1:])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(one.size)
    joint = np.histogram2d(draws[:-1].ravel(), draws[1:].ravel(), bins=16)[0]
    assert stats.chisquare(joint.ravel()).pvalue > 1e-3


def test_normal_is_standard_normal():
    draws = normal(np.arange(1000, dtype=np.uint64), 10, 10)
    assert draws.shape == (1000, 10, 10)
    assert stats.kstest(draws.ravel(), "norm").pvalue > 1e-3
    assert np.isfinite(draws).all()


@given(st.lists(WORDS, min_size=1, max_size=6), st.integers(0, 3), st.integers(1, 4))
def test_a_draw_depends_on_its_key_alone(values: list[int], tag: int, size: int):
    keys = np.asarray([value % 2**64 for value in values], np.uint64)
    together = uniform(keys, size, 2, tag=tag)
    for key, row in zip(keys, together, strict=True):
        np.testing.assert_array_equal(uniform(key[None], size, 2, tag=tag)[0], row)
    longer = uniform(keys, size + 3, 2, tag=tag)
    np.testing.assert_array_equal(longer[:, :size], together)
    assert not np.array_equal(uniform(keys, size, 2, tag=tag + 1), together)


def test_generator_is_philox_of_the_key():
    expected = np.random.Generator(np.random.Philox(key=77)).standard_normal(3)
    np.testing.assert_array_equal(generator(np.uint64(77)).standard_normal(3), expected)


def test_ids_are_distinct_and_ordered_by_key():
    keys = np.arange(1000, dtype=np.uint64)
    ids = row_ids(keys, 3)
    assert ids.shape == (3000,)
    assert len(np.unique(ids)) == 3000
    np.testing.assert_array_equal(ids.reshape(-1, 3)[7], row_ids(keys[7:8], 3))
    digest = "00000000000000ff" + "0" * 48
    np.testing.assert_array_equal(sample_ids(digest, np.arange(4)), combine(255, np.arange(4)))


def test_text_key_is_the_beginning_of_sha256():
    # sha256 of "abc": FIPS 180-2, appendix B.1
    assert text_key("abc") == 0xBA7816BF8F01CFEA
