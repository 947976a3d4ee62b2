"""Which hits belong to which event: START and END indices, detected or refused."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import DataError
from zoo_optics.sources.hit_index import hit_cuts


def cuts(index: list[int], hits: int, kind: str = "auto") -> list[int]:
    return hit_cuts(np.array(index), hits, kind, "FILE:/event_hits_index").tolist()  # type: ignore[arg-type]


def test_start_and_end_are_told_apart() -> None:
    # Three events of 4, 3 and 3 hits.
    assert cuts([0, 4, 7], 10) == [0, 4, 7, 10]
    assert cuts([4, 7, 10], 10) == [0, 4, 7, 10]


@pytest.mark.parametrize(("index", "kind"), [([0], "start"), ([10], "end")])
def test_one_event(index: list[int], kind: str) -> None:
    assert cuts(index, 10) == cuts(index, 10, kind) == [0, 10]


def test_events_without_hits() -> None:
    assert cuts([0, 4, 4], 10) == [0, 4, 4, 10]
    assert cuts([0], 0) == [0, 0]
    assert cuts([], 0) == [0]


def test_ambiguous_is_refused_and_can_be_told() -> None:
    with pytest.raises(DataError, match="ambiguous: it begins with 0 and ends with 10") as caught:
        cuts([0, 4, 10], 10)
    assert "data.options.index" in caught.value.remedy
    assert cuts([0, 4, 10], 10, "start") == [0, 4, 10, 10]
    assert cuts([0, 4, 10], 10, "end") == [0, 0, 4, 10]


def test_neither_is_refused() -> None:
    with pytest.raises(DataError, match="begins with 2 and ends with 8 for 10 hits: no START") as e:
        cuts([2, 5, 8], 10)
    assert e.value.where == "FILE:/event_hits_index"
    with pytest.raises(DataError, match="no END index"):
        cuts([0, 4, 7], 10, "end")


def test_damaged_is_refused() -> None:
    with pytest.raises(DataError, match="1 entries are smaller than the one before"):
        cuts([0, 7, 4], 10)
    with pytest.raises(DataError, match="entries from 0 to 12 for 10 hits"):
        cuts([0, 7, 12], 10)
    with pytest.raises(DataError, match="for 10 hits"):
        cuts([], 10)
