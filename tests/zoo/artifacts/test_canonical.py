"""Canonical JSON and digests."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.artifacts.canonical import canonical_json, digest, is_array, parse_json, tidy
from zoo.errors import PluginError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values)
def test_it_loads_back_and_is_a_fixed_point(value: object) -> None:
    text = canonical_json(value)
    json.loads(text, parse_constant=pytest.fail)  # strict JSON: no NaN
    assert canonical_json(parse_json(text)) == text


def test_order_and_container_do_not_matter() -> None:
    one = {"b": (1, 2.0), "a": {"y": True, "x": None}}
    other = {"a": {"x": None, "y": True}, "b": [1, 2.0]}
    assert canonical_json(one) == canonical_json(other) == '{"a":{"x":null,"y":true},"b":[1,2.0]}'


def test_numpy_scalars_are_numbers() -> None:
    assert canonical_json([np.float32(0.5), np.int64(3), np.bool_(True), np.str_("x")]) == (
        '[0.5,3,true,"x"]'
    )
    assert math.isnan(parse_json(canonical_json(np.float64("nan"))))


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": b"x"}, {"a": 1j}, {"a": object()}])
def test_what_cannot_be_stored_is_named(value: Any) -> None:
    with pytest.raises(PluginError, match=r"a: a .* cannot be stored"):
        canonical_json(value)


def test_an_array_has_no_place_in_json() -> None:
    with pytest.raises(PluginError, match="geometry/pitch: an array"):
        canonical_json({"geometry": {"pitch": np.zeros(2)}})


def test_digest_is_the_sha256_of_the_json() -> None:
    assert digest({"b": 1, "a": [2]}) == hashlib.sha256(b'{"a":[2],"b":1}').hexdigest()


def test_digest_sees_content_type_and_shape_of_arrays() -> None:
    base = np.arange(6, dtype=np.float32)
    digests = {
        digest({"a": base}),
        digest({"a": base.astype(np.float64)}),
        digest({"a": base.reshape(2, 3)}),
        digest({"a": base[::-1]}),
    }
    assert len(digests) == 4
    assert digest({"a": np.ascontiguousarray(base.reshape(2, 3).T)}) == digest(
        {"a": base.reshape(2, 3).T}
    )


def test_tidy_is_for_other_readers() -> None:
    assert tidy({"a": (float("nan"), np.float32("inf"), np.arange(2)), 3: {"b", "a"}}) == {
        "a": [None, None, [0, 1]],
        "3": ["a", "b"],
    }


def test_scalars_are_no_arrays() -> None:
    assert is_array(np.zeros(1))
    assert not is_array(np.float64(1))
    assert not is_array([1])
