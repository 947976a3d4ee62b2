"""Tables: columns keyed by id, dense or ragged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.contract.table import Ragged, Table
from zoo.errors import DataError


def ragged(*rows: list[float]) -> Ragged:
    return Ragged.of([np.array(row, dtype=np.float64) for row in rows])


def table(n: int = 3, start: int = 0) -> Table:
    return Table(
        {
            "id": np.arange(start, start + n, dtype=np.uint64),
            "image": np.arange(start * 4, (start + n) * 4, dtype=np.float32).reshape(n, 2, 2),
            "hits": Ragged.of([np.arange(float(row)) for row in range(start, start + n)]),
        }
    )


def test_ragged_rows_and_lengths() -> None:
    column = ragged([1.0], [], [2.0, 3.0])
    assert len(column) == 3
    assert column.offsets.dtype == np.int64
    np.testing.assert_array_equal(column.offsets, [0, 1, 1, 3])
    np.testing.assert_array_equal(column.lengths, [1, 0, 2])
    np.testing.assert_array_equal(column[2], [2.0, 3.0])
    np.testing.assert_array_equal(column[1], [])


def test_ragged_rows_of_points() -> None:
    column = Ragged.of([np.zeros((2, 3)), np.ones((1, 3))])
    assert column.values.shape == (3, 3)
    assert column[1].tolist() == [[1.0, 1.0, 1.0]]


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6), st.data())
def test_taking_rows_is_what_a_list_would_do(rows: list[list[int]], data: st.DataObject) -> None:
    column = Ragged.of([np.array(row, dtype=np.int64) for row in rows])
    index = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    taken = column.take(np.array(index, dtype=np.intp))
    assert len(taken) == len(index)
    assert [taken[i].tolist() for i in range(len(index))] == [rows[i] for i in index]


def test_a_table_needs_ids_and_equal_lengths() -> None:
    with pytest.raises(DataError, match="no column 'id'"):
        Table({"x": np.zeros(2)})
    with pytest.raises(DataError, match="differ in length"):
        Table({"id": np.arange(2, dtype=np.uint64), "x": np.zeros(3)})
    with pytest.raises(DataError, match="differ in length"):
        Table({"id": np.arange(2, dtype=np.uint64), "x": ragged([1.0])})


def test_a_missing_column_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'image'"):
        table()["imgae"]
    assert table().get("image") is not None


def test_it_is_a_mapping_of_columns() -> None:
    assert len(table()) == 3
    assert list(table()) == ["id", "image", "hits"]
    assert "image" in table()
    assert "none" not in table()
    assert table().get("none") is None
    assert table().get("none", 1.5) == 1.5
    assert table().get("image", None) is not None
    assert table().rows == 3
    assert repr(table()) == "Table(3 rows: id, image, hits)"


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([2, 0, 2], [2, 0, 2]),
        (np.array([True, False, True]), [0, 2]),
        (slice(1, None), [1, 2]),
        (np.array([], dtype=np.intp), []),
        ([-1], [2]),
    ],
)
def test_take(index: slice, expected: list[int]) -> None:
    taken = table().take(index)
    assert taken.ids.tolist() == expected
    assert taken["image"].shape == (len(expected), 2, 2)
    assert taken["hits"].lengths.tolist() == expected
    np.testing.assert_array_equal(taken["image"], table()["image"][expected])


def test_select_and_with_columns_leave_the_original() -> None:
    original = table()
    assert list(original.select(["hits"])) == ["id", "hits"]
    assert list(original.select(frozenset({"id"}))) == ["id"]
    changed = original.with_columns({"image": np.zeros(3), "new": np.ones(3)})
    assert list(changed) == ["id", "image", "hits", "new"]
    assert original["image"].shape == (3, 2, 2)


def test_concat_is_the_inverse_of_cutting() -> None:
    whole = table(5)
    joined = Table.concat([whole.take(slice(0, 2)), whole.take(slice(2, 2)), whole.take([2, 3, 4])])
    np.testing.assert_array_equal(joined.ids, whole.ids)
    np.testing.assert_array_equal(joined["image"], whole["image"])
    np.testing.assert_array_equal(joined["hits"].offsets, whole["hits"].offsets)
    np.testing.assert_array_equal(joined["hits"].values, whole["hits"].values)


def test_columns_of_one_event_keep_sharing_their_offsets() -> None:
    rows = ragged([1.0, 2.0], [], [3.0])
    both = Table(
        {"id": np.arange(3), "a": rows, "b": Ragged(rows.values.astype(np.uint8), rows.offsets)}
    )
    taken = Table.concat([both, both]).take([5, 0, 0, 1])
    assert taken["a"].offsets is taken["b"].offsets
    for name in ("a", "b"):
        assert [row.tolist() for row in taken[name]] == [[3], [1, 2], [1, 2], []]


def test_concat_refuses_what_does_not_fit() -> None:
    with pytest.raises(DataError, match="no tables"):
        Table.concat([])
    with pytest.raises(DataError, match=r"differ in columns: \['hits'\]"):
        Table.concat([table(), table().select(["image"])])
