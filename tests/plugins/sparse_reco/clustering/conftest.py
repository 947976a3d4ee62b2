"""Small events by hand: two tracks that meet, two showers, low energy and a ghost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import STAGE_SAMPLE

Rows = Mapping[str, Sequence[Any]]
Make = Callable[[Sequence[Mapping[str, Any]]], Table]


@pytest.fixture(scope="session")
def grid() -> VoxelGrid:
    return VoxelGrid(name="small", shape=(64, 64, 64), voxel_mm=3.0)


@pytest.fixture(scope="session")
def table() -> Make:
    """A table of events, each with ``voxels`` (V, 3) and fields by name; inputs are the truth."""

    def make(events: Sequence[Mapping[str, Any]]) -> Table:
        columns: dict[str, Any] = {"id": np.arange(1, len(events) + 1, dtype=np.uint64)}
        rows = [_fields(event) for event in events]
        for name in rows[0]:
            dtype = STAGE_SAMPLE[name].dtype
            columns[name] = Ragged.of([np.asarray(row[name]).astype(dtype) for row in rows])
        return Table(columns)

    return make


def _fields(event: Mapping[str, Any]) -> dict[str, Any]:
    voxels = np.asarray(event["voxels"]).reshape(-1, 3)
    fields = {f"voxel_{axis}": voxels[:, n] for n, axis in enumerate("xyz")}
    fields |= {name: value for name, value in event.items() if name != "voxels"}
    fields.setdefault("deposit", np.full(len(voxels), 0.5))
    fields.setdefault("interaction", np.zeros(len(voxels)))
    fields.setdefault("input_semantic", fields["semantic"])
    return fields


@pytest.fixture(scope="session")
def drawn(table: Make) -> Callable[..., Table]:
    """``drawn(count, seed=0)``: events of about 90 voxels with all truth."""

    def make(count: int, seed: int = 0) -> Table:
        rng = np.random.default_rng(seed)
        made = table([_event(rng) for _ in range(count)])
        return made.with_columns({"id": made.ids + np.uint64(1000 * seed)})

    return make


def _event(rng: np.random.Generator) -> dict[str, Any]:
    x, y = rng.integers(18, 40, 2)
    line = np.arange(20)
    one = np.column_stack([np.full(20, x), np.full(20, y), 10 + line])
    other = np.column_stack([x + line, np.full(20, y), np.full(20, 30)])
    first = np.array([x - 12, y - 8, 10]) + rng.integers(-2, 3, (40, 3))
    second = np.array([x - 12, y + 12, 40]) + rng.integers(-2, 3, (40, 3))
    blip, ghost = [[x - 10, y, 60]], [[x, y - 15, 50]]
    pieces = (
        (1, 1, one),
        (1, 2, other),
        (0, 3, first),
        (0, 5, second),
        (4, 6, blip),
        (5, -1, ghost),
    )
    place = np.concatenate([piece for *_, piece in pieces])
    kind = np.concatenate([np.full(len(piece), kind) for kind, _, piece in pieces])
    number = np.concatenate([np.full(len(piece), number) for _, number, piece in pieces])
    voxels, chosen = np.unique(place, axis=0, return_index=True)
    points = np.array([[x, y, 10], [x, y, 30], [x + 19, y, 30]]) + 0.5
    truth = {
        "deposit": 0.3 + 0.4 * rng.random(len(voxels)),
        "semantic": kind[chosen],
        "fragment": number[chosen],
        "input_point_semantic": [1, 1, 1],
    }
    inputs = {f"input_point_{axis}": points[:, n] for n, axis in enumerate("xyz")}
    return {"voxels": voxels, **truth, **inputs}
