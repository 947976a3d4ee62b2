"""Flashes to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenVectorConfig


def codec(**settings: Any) -> OpticsCodec:
    return OpticsCodec(SirenVectorConfig.model_validate(settings), {}, {})


def table(**columns: Any) -> Table:
    return Table(
        {
            "id": np.array([7, 9], np.uint64),
            "position": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
            "direction": np.array([[0, 0, 1], [0, 0.6, 0.8]], np.float32),
            "photons": np.array([10, 1000], np.float32),
            "charge": np.array([[1, 0], [2, 30]], np.float32),
            **columns,
        }
    )


def test_positions_stay_in_centimetres_and_targets_as_they_are() -> None:
    batch = codec().encode(table())
    assert list(batch.inputs) == ["position"]
    np.testing.assert_array_equal(batch.inputs["position"], table()["position"])
    np.testing.assert_array_equal(batch.targets["charge"], table()["charge"])
    np.testing.assert_array_equal(batch.targets["photons"], table()["photons"])
    np.testing.assert_array_equal(batch.ids, [7, 9])


def test_directions_come_after_positions_where_they_are_wanted() -> None:
    batch = codec(direction=True).encode(table())
    assert list(batch.inputs) == ["position", "direction"]
    assert codec(direction=True).needs == {"position", "direction"}


def test_flashes_without_direction_are_refused_where_one_is_wanted() -> None:
    flat = table(direction=np.array([[0, 0, 0], [0, 0, 1]], np.float32))
    with pytest.raises(DataError, match="1 of 2 flashes have no direction"):
        codec(direction=True).encode(flat)


def test_charge_is_photons_times_visibility() -> None:
    found = codec().decode({"visibility": np.array([[0.1, 0.5], [0.02, 0]])}, table())
    np.testing.assert_allclose(found["charge"], [[1, 5], [20, 0]], rtol=1e-6)
    assert found["charge"].dtype == np.float32
    np.testing.assert_array_equal(found.ids, [7, 9])
