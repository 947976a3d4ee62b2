"""What tests of the networks share: a small grid and events drawn on it by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Event = dict[str, Any]
Events = Callable[..., Table]


@pytest.fixture(scope="session")
def grid() -> VoxelGrid:
    return VoxelGrid(name="small", shape=(32, 32, 32), voxel_mm=3.0)


@pytest.fixture(scope="session")
def table() -> Callable[[Sequence[Event]], Table]:
    """A table of events, each a dict: ``voxels`` (V, 3) and any fields by name."""

    def make(events: Sequence[Event]) -> Table:
        columns: dict[str, Any] = {"id": np.arange(1, len(events) + 1, dtype=np.uint64)}
        for axis, name in enumerate(("voxel_x", "voxel_y", "voxel_z")):
            columns[name] = _ragged([e["voxels"][:, axis] for e in events], "uint16")
        for name in events[0]:
            if name != "voxels":
                dtype = np.asarray(events[0][name]).dtype.name
                columns[name] = _ragged([e[name] for e in events], dtype)
        return Table(columns)

    return make


def _ragged(rows: Sequence[Any], dtype: str) -> Ragged:
    return Ragged.of([np.asarray(row).astype(dtype) for row in rows])


@pytest.fixture(scope="session")
def events(table: Callable[[Sequence[Event]], Table]) -> Events:
    """A track along z and a blob: ``events(count, seed=0)``, 40 to 60 voxels, all truth."""

    def make(count: int, seed: int = 0) -> Table:
        rng = np.random.default_rng(seed)
        made = table([_event(rng) for _ in range(count)])
        return made.with_columns({"id": made.ids + np.uint64(1000 * seed)})

    return make


def _event(rng: np.random.Generator) -> Event:
    """A track of 20 voxels from z = 5, a shower of some voxels around its end, three ghosts."""
    x, y = rng.integers(8, 24, 2)
    track = np.column_stack([np.full(20, x), np.full(20, y), np.arange(5, 25)])
    blob = np.array([x, y, 27]) + rng.integers(-2, 3, (30, 3))
    ghosts = np.array([[1, 1, 1], [2, 30, 4], [30, 3, 3]])
    stacked = np.concatenate([track, blob, ghosts])
    label = np.repeat([1, 0, 5], [len(track), len(blob), len(ghosts)])
    voxels, first = np.unique(stacked, axis=0, return_index=True)
    semantic = label[first]
    starts = np.array([[x, y, 5], [x, y, 24], [x, y, 25]]) + 0.5
    return {
        "voxels": voxels,
        "deposit": (0.3 + 0.4 * rng.random(len(voxels)) + (semantic == 0)).astype(np.float32),
        "semantic": semantic.astype(np.int8),
        "particle": np.select([semantic == 1, semantic == 0], [7, 9], -1).astype(np.int32),
        "plane_charge": (2e4 * rng.random((len(voxels), 3))).astype(np.float32),
        "point_x": starts[:, 0].astype(np.float32),
        "point_y": starts[:, 1].astype(np.float32),
        "point_z": starts[:, 2].astype(np.float32),
        "point_semantic": np.array([1, 1, 0], np.int8),
        "point_end": np.array([0, 1, 0], np.int8),
        "point_particle": np.array([7, 7, 9], np.int32),
    }
