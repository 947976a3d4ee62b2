from __future__ import annotations

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_ha_tpc.dense import images


def hits() -> Table:
    offsets = np.array([0, 2, 2, 3])  # the second event has none

    def column(*values: int, dtype: type = np.uint16) -> Ragged:
        return Ragged(np.array(values, dtype), offsets)

    return Table(
        {
            "id": np.arange(3, dtype=np.uint64),
            "hit_row": column(0, 63, 5, dtype=np.uint8),
            "hit_column": column(143, 0, 7, dtype=np.uint8),
            "hit_charge": column(65535, 2, 30),
            "hit_time": column(400, 440, 480),
        }
    )


def test_pads_get_their_values() -> None:
    found = images(hits(), (64, 144), ("hit_charge", "hit_time"))
    assert found.shape == (3, 2, 64, 144)
    assert found.dtype == np.float32
    assert np.argwhere(found[:, 0]).tolist() == [[0, 0, 143], [0, 63, 0], [2, 5, 7]]
    assert found[:, 0].sum() == 65535 + 2 + 30
    assert found[0, :, 0, 143].tolist() == [65535, 400]
    assert found[2, :, 5, 7].tolist() == [30, 480]


def test_another_plane_is_refused() -> None:
    with pytest.raises(DataError, match="rows up to 63; the plane has 0 to 31"):
        images(hits(), (32, 144))
    with pytest.raises(DataError, match="columns up to 143; the plane has 0 to 35"):
        images(hits(), (64, 36))
