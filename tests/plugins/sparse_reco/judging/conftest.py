"""Small events by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import PREDICTION, SAMPLE

Rows = Mapping[str, Sequence[Any]]


@pytest.fixture
def facts() -> dict[str, Any]:
    """Of a small grid in the scheme ``spine``."""
    return VoxelGrid(name="test", shape=(64, 64, 64), voxel_mm=3.0).facts


@pytest.fixture
def hip_mip_facts() -> dict[str, Any]:
    """The same, in the scheme ``hip-mip``."""
    return VoxelGrid(name="test", shape=(64, 64, 64), voxel_mm=3.0, scheme="hip-mip").facts


def _table(specs: Mapping[str, Any], columns: Rows) -> Table:
    count = len(next(iter(columns.values())))
    ragged = {
        name: Ragged.of([np.array(row, specs[name].dtype) for row in rows])
        for name, rows in columns.items()
    }
    return Table({"id": np.arange(count, dtype=np.uint64), **ragged})


@pytest.fixture
def samples_of() -> Callable[[Rows], Table]:
    """Samples from lists, one a row of each field."""
    return lambda columns: _table(SAMPLE, columns)


@pytest.fixture
def predictions_of() -> Callable[[Rows], Table]:
    """Predictions from lists, one a row of each field."""
    return lambda columns: _table(PREDICTION, columns)
