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


@pytest.fixture(scope="session")
def drawn_events() -> Table:
    """Six events drawn by hand, of a muon with its Michel electron, a shower, a delta and blips.

    Voxels of 3 mm: a muon leaves 0.6 MeV in each and 1.5 where it stops (the median of Geant4 is
    1.9 and 3.8 MeV/cm), an electron about 0.5.
    """
    return Table.concat([_drawn_event(seed) for seed in range(6)])


def _line(start: Any, direction: Any, length: float) -> Any:
    along = np.arange(0, length, 0.4)[:, None]
    return np.asarray(start) + along * np.asarray(direction) / np.linalg.norm(direction)


def _drawn_event(seed: int) -> Table:
    random = np.random.default_rng(seed)
    start = np.array([20.0, 40.0, 30.0]) + random.uniform(-8, 8, 3)
    direction = np.array([1.0, 0.2, 0.4]) + random.normal(0, 0.1, 3)
    muon = _line(start, direction, 90)
    away = np.cross(direction, [0, 0, 1]) + random.normal(0, 0.3, 3)
    michel = _line(muon[-1], away, 14)[3:]
    delta = _line(muon[90] + np.array([0, 1.5, 0]), [0.1, 1, 0.2], 7)
    axis = np.array([0.3, 0.5, 1.0])
    shower = [_line(start + np.array([0, 25, 10]), axis, 45)]
    for branch in range(14):
        foot = shower[0][10 + 6 * branch] + random.normal(0, 2, 3) * branch / 7
        shower.append(_line(foot, axis + random.normal(0, 0.4, 3), 9))
    blips = random.uniform(5, 120, (12, 3))
    ghosts = muon[::6] + random.normal(0, 6, (len(muon[::6]), 3))
    pieces: list[tuple[int, int, Any, float]] = [
        (1, 0, muon, 0.6),
        (2, 1, michel, 0.5),
        (3, 2, delta, 0.5),
        (0, 3, np.concatenate(shower), 0.55),
        *((4, 4 + n, blip[None], 0.2) for n, blip in enumerate(blips)),
        (5, -1, ghosts, 0.3),
    ]
    found: dict[tuple[int, ...], tuple[int, int, float]] = {}
    for kind, piece, places, energy in pieces:
        for number, place in enumerate(np.floor(places).astype(int)):
            near_end = kind == 1 and number > len(places) - 12
            deposit = float(energy * random.gamma(16, 1 / 16) * (2.5 if near_end else 1))
            found.setdefault(tuple(np.maximum(place, 0)), (kind, piece, deposit))
    voxel = np.array(sorted(found))
    values = [found[tuple(one)] for one in voxel]
    points = np.array([muon[0], muon[-1], michel[0], delta[0], shower[0][0]])
    fields = {
        **{f"voxel_{axis}": voxel[:, n] for n, axis in enumerate("xyz")},
        "deposit": [value[2] for value in values],
        "semantic": [value[0] for value in values],
        "fragment": [value[1] for value in values],
        "particle": [value[1] for value in values],
        **{f"point_{axis}": points[:, n] for n, axis in enumerate("xyz")},
        "point_semantic": [1, 1, 2, 3, 0],
        "point_end": [0, 1, 0, 0, 0],
    }
    charge = np.repeat(np.array(fields["deposit"])[:, None] * 3e4, 3, axis=1)
    wrong = np.array(fields["semantic"]) == 5
    charge[wrong] *= random.lognormal(0, 0.8, (int(wrong.sum()), 3))
    charge *= random.normal(1, 0.08, charge.shape)
    ragged = {
        name: Ragged.of([np.array(values, SAMPLE[name].dtype)]) for name, values in fields.items()
    }
    ragged["plane_charge"] = Ragged.of([charge.astype(np.float32)])
    return Table({"id": np.array([seed], np.uint64), **ragged})
