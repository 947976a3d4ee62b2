"""What tests of groupings share: a small grid, events of random clusters, events drawn by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.staged import STAND_INS, with_stand_ins
from zoo_sparse_reco.specs import STAGE_SAMPLE

Event = Mapping[str, Any]
TableOf = Callable[[Sequence[Event]], Table]
RandomEvents = Callable[..., Table]

SIDE = 64


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    return VoxelGrid(name="test", shape=(SIDE, SIDE, SIDE), voxel_mm=3.0).facts


def _table(events: Sequence[Event]) -> Table:
    """Events as dicts of columns, ``place`` (V, 3) and ``points`` (P, 3) among them; the truth
    stands for the inputs that are not given."""
    columns: dict[str, list[Any]] = {}
    for event in events:
        given = dict(event)
        place = np.asarray(given.pop("place"), np.int64).reshape(-1, 3)
        points = np.asarray(given.pop("points", np.zeros((0, 3))), np.float64).reshape(-1, 3)
        for number, axis in enumerate("xyz"):
            given[f"voxel_{axis}"] = place[:, number]
            given[f"point_{axis}"] = points[:, number]
        given.setdefault("deposit", np.ones(len(place)))
        for name in ("point_semantic", "point_end"):
            given.setdefault(name, np.zeros(len(points)))
        for name, values in given.items():
            columns.setdefault(name, []).append(_typed(name, values))
    made = {name: Ragged.of(rows) for name, rows in columns.items()}
    table = Table({"id": np.arange(1, len(events) + 1, dtype=np.uint64), **made})
    missing = frozenset(set(STAND_INS) - set(table))
    return with_stand_ins(table, missing | frozenset(table))


def _typed(name: str, values: Any) -> Any:
    field = STAGE_SAMPLE[name]
    found = np.asarray(values).astype(field.dtype)
    return found.reshape(-1, 3) if len(field.dims) == 2 else found


@pytest.fixture(scope="session")
def table_of() -> TableOf:
    return _table


def _random_event(rng: np.random.Generator, clusters: int) -> Event:
    """Blobs and lines of 1 to 30 voxels; groups of up to three of one class."""
    owner: dict[tuple[int, ...], int] = {}
    kinds = rng.integers(0, 4, clusters)
    for number in range(clusters):
        size = int(rng.integers(1, 31)) if number % 4 else 1
        start = rng.integers(8, SIDE - 8, 3)
        step = rng.normal(0, 1, 3)
        for k in range(size):
            spot = np.clip(np.round(start + k * step * rng.uniform(0.6, 1)), 0, SIDE - 1)
            owner.setdefault(tuple(int(one) for one in spot), number)
    place = np.array(sorted(owner)).reshape(-1, 3)
    fragment = np.array([owner[tuple(one)] for one in place.tolist()], np.int64)
    group = np.arange(clusters)
    for kind in range(4):
        of_kind = np.flatnonzero(kinds == kind)
        group[of_kind] = of_kind[(np.arange(len(of_kind)) // 3) * 3] if len(of_kind) else group[:0]
    points = rng.uniform(0, SIDE, (clusters, 3))
    for number in range(clusters):
        own = place[fragment == number]
        if len(own) and number % 2:
            points[number] = own[rng.integers(len(own))] + rng.uniform(0, 1, 3)
    interaction = group % 3
    return {
        "place": place,
        "deposit": rng.gamma(2, 0.3, len(place)),
        "semantic": kinds[fragment],
        "fragment": fragment,
        "particle": fragment,
        "voxel_group": group[fragment],
        "interaction": interaction[fragment],
        "pid": (kinds % 6)[fragment],
        "points": points,
        "point_semantic": kinds,
        "point_end": rng.integers(0, 2, clusters),
        "particle_id": np.arange(clusters),
        "particle_primary": (group == np.arange(clusters)) & (np.arange(clusters) % 2 == 0),
        "particle_momentum": rng.normal(0, 300, (clusters, 3)),
        "interaction_id": np.arange(3),
        "interaction_vertex": rng.uniform(0, SIDE, (3, 3)),
    }


@pytest.fixture(scope="session")
def random_events() -> RandomEvents:
    """``random_events(events, clusters=9, seed=0)``: a table with all truth."""

    def make(events: int, clusters: int = 9, seed: int = 0) -> Table:
        rng = np.random.default_rng(seed)
        return _table([_random_event(rng, clusters) for _ in range(events)])

    return make


def line(start: Sequence[float], direction: Sequence[float], length: int) -> Any:
    """Voxels along a straight line, from its start on, each once, (n, 3)."""
    along = np.arange(0, length, 0.25)[:, None]
    unit = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    voxels = np.floor(np.asarray(start, np.float64) + along * unit).astype(np.int64)
    _, first = np.unique(voxels, axis=0, return_index=True)
    return voxels[np.sort(first)]


@pytest.fixture(scope="session")
def line_of() -> Callable[..., Any]:
    return line
