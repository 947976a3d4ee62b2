"""What tests of masked voxels share: a small grid, and events of straight tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Make = Callable[[Sequence[NDArray[np.int64]], Sequence[NDArray[np.float64]]], Table]
Events = Callable[..., Table]


@pytest.fixture(scope="session")
def grid() -> VoxelGrid:
    return VoxelGrid(name="small", shape=(40, 40, 40), voxel_mm=3.0)


@pytest.fixture(scope="session")
def table() -> Make:
    """A table of events from voxels (V, 3) in rising order and energies (V,)."""

    def make(places: Sequence[NDArray[np.int64]], energies: Sequence[NDArray[np.float64]]) -> Table:
        columns = {
            f"voxel_{axis}": Ragged.of([one[:, number].astype(np.uint16) for one in places])
            for number, axis in enumerate("xyz")
        }
        deposit = Ragged.of([np.asarray(one, np.float32) for one in energies])
        ids = np.arange(1, len(places) + 1, dtype=np.uint64)
        return Table({"id": ids, **columns, "deposit": deposit})

    return make


@pytest.fixture(scope="session")
def events(table: Make) -> Events:
    """Three straight tracks each, with energies of their own: ``events(count, seed=0)``."""

    def make(count: int, seed: int = 0) -> Table:
        rng = np.random.default_rng(seed)
        drawn = [_event(rng) for _ in range(count)]
        made = table([place for place, _ in drawn], [energy for _, energy in drawn])
        semantic = Ragged(np.ones(len(made["deposit"].values), np.int8), made["deposit"].offsets)
        ids = made.ids + np.uint64(1000 * seed)
        return made.with_columns({"id": ids, "semantic": semantic})

    return make


def _event(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    places, energies = [], []
    for _ in range(3):
        start, end = rng.uniform(1, 39, (2, 3))
        steps = np.linspace(start, end, 200)
        track = np.unique(np.floor(steps).astype(np.int64), axis=0)
        places.append(track)
        energies.append(rng.uniform(0.2, 3) * np.exp(0.1 * rng.normal(size=len(track))))
    place, first = np.unique(np.concatenate(places), axis=0, return_index=True)
    return place, np.concatenate(energies)[first]
