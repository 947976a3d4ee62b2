"""Who a voxel belongs to, by cases small enough to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo_sparse_reco.physics.connected import VoxelKeys, neighbours, pieces_together
from zoo_sparse_reco.physics.deposits import Pieces
from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.particles import Nodes, Role
from zoo_sparse_reco.physics.truth import ParticleRows, VoxelRows, label
from zoo_sparse_reco.physics.voxel_sums import summed

SHAPE = (40, 40, 40)
KEYS = VoxelKeys(SHAPE)


def tree(*rows: dict[str, Any]) -> Nodes:
    """Nodes of one event: parent, pid, role, and what differs from the usual."""
    count = len(rows)

    def column(name: str, usual: int) -> np.ndarray:
        return np.array([row.get(name, usual) for row in rows])

    return Nodes(
        column("event", 0),
        column("interaction", 0),
        column("parent", -1),
        np.array([row.get("group", number) for number, row in enumerate(rows)]),
        column("pid", Pid.MUON),
        column("role", Role.TRACK),
        column("nuclear", 0).astype(bool),
        column("parent", -1) < 0,
        np.full(count, 100.0),
        np.tile([0.0, 0, 1], (count, 1)),
        np.full((count, 3), 1.0) + np.arange(count)[:, None],
        np.full((count, 3), 2.0) + np.arange(count)[:, None],
    )


def line(start: tuple[int, int, int], length: int, axis: int = 2) -> list[tuple[int, int, int]]:
    places = np.tile(start, (length, 1))
    places[:, axis] += np.arange(length)
    return [(int(x), int(y), int(z)) for x, y, z in places]


def labelled(
    nodes: Nodes, *deposits: tuple[int, list[tuple[int, int, int]], float]
) -> tuple[VoxelRows, ParticleRows, dict[tuple[int, ...], int]]:
    """Truth of nodes that leave some energy in each of some voxels, and where each voxel is."""
    owner = np.concatenate([np.full(len(places), node) for node, places, _ in deposits])
    voxel = np.concatenate([np.array(places) for _, places, _ in deposits])
    energy = np.concatenate([np.full(len(places), each) for _, places, each in deposits])
    pieces = Pieces(owner, voxel, energy)
    sums = summed(pieces, nodes.event[owner], KEYS, len(nodes), 0.05)
    voxels, particles = label(sums, nodes, KEYS)
    rows = zip(voxels.x.tolist(), voxels.y.tolist(), voxels.z.tolist(), strict=True)
    return voxels, particles, {place: row for row, place in enumerate(rows)}


def test_voxels_below_the_threshold_are_left_out() -> None:
    """0.03 MeV of one particle are not enough, of two they are; outside nothing counts."""
    nodes = tree({}, {})
    voxels, _, _ = labelled(
        nodes,
        (0, [(1, 1, 1), (2, 2, 2), (-1, 2, 2), (2, 40, 2)], 0.03),
        (1, [(2, 2, 2)], 0.03),
    )
    assert voxels.deposit.tolist() == [pytest.approx(0.06)]
    assert voxels.x.tolist() == [2]


def test_michel_goes_before_track_before_shower_before_delta() -> None:
    nodes = tree(
        {},
        {"role": Role.MICHEL, "pid": Pid.ELECTRON, "parent": 0},
        {"role": Role.SHOWER, "pid": Pid.ELECTRON},
        {"role": Role.DELTA, "pid": Pid.ELECTRON, "parent": 0},
    )
    shared = (5, 5, 5)
    for present, winner in (
        ((0, 1, 2, 3), Semantic.MICHEL),
        ((0, 2, 3), Semantic.TRACK),
        ((2, 3), Semantic.SHOWER),
    ):
        places = {0: line((5, 5, 5), 4), 1: line((5, 5, 5), 4, 0), 2: line((5, 5, 5), 12, 1)}
        places[3] = [shared, *line((6, 6, 6), 5, 0)]
        # The less a particle leaves, the earlier it comes here: energy must not matter.
        chosen = [(node, places[node], 0.1 + node) for node in present]
        voxels, _, rows = labelled(nodes, *chosen)
        assert voxels.semantic[rows[shared]] == winner


def test_of_two_tracks_the_one_that_left_more_has_the_voxel() -> None:
    nodes = tree({}, {"pid": Pid.PROTON})
    voxels, particles, rows = labelled(
        nodes, (0, line((5, 5, 1), 9), 0.5), (1, line((1, 5, 5), 9, 0), 2.0)
    )
    crossing = rows[5, 5, 5]
    assert voxels.pid[crossing] == Pid.PROTON
    assert particles.pid[voxels.particle[crossing]] == Pid.PROTON
    # The other track is in two pieces then.
    muon = voxels.fragment[voxels.pid == Pid.MUON]
    assert len(np.unique(muon)) == 2
    assert len(np.unique(voxels.particle[voxels.pid == Pid.MUON])) == 1


@pytest.mark.parametrize(("own", "kept"), [(2, False), (3, True)])
def test_small_delta_rays_are_their_parents(own: int, kept: bool) -> None:
    """Voxels that the parent has too do not count."""
    nodes = tree({}, {"role": Role.DELTA, "pid": Pid.ELECTRON, "parent": 0})
    places = line((5, 5, 5), own + 2, 0)  # two of the track's voxels... of which one is shared
    voxels, particles, rows = labelled(
        nodes, (0, [*line((5, 5, 1), 9), places[1]], 0.5), (1, places, 0.5)
    )
    far = rows[places[-1]]
    assert voxels.semantic[far] == (Semantic.DELTA if kept else Semantic.TRACK)
    assert len(particles) == (2 if kept else 1)
    if kept:
        assert particles.parent.tolist() == [-1, 0]
        assert particles.group.tolist() == [0, 1]


def test_showers_come_in_fragments() -> None:
    """The first fragment is what began the shower; small ones are low-energy."""
    photon = {"role": Role.SHOWER, "pid": Pid.PHOTON, "group": 1}
    nodes = tree(
        {},
        {**photon, "parent": 0},  # a photon of the muon's vertex, without energy of its own
        {**photon, "parent": 1},
        {**photon, "parent": 2},
        {**photon, "parent": 2},
        {**photon, "parent": 2},
    )
    voxels, particles, rows = labelled(
        nodes,
        (0, line((1, 1, 1), 5), 0.5),
        (5, line((30, 9, 5), 20), 0.5),
        (2, line((9, 9, 5), 15), 0.5),
        (3, line((20, 9, 5), 9), 0.5),
        (4, line((10, 10, 20), 12), 0.5),  # touches the first: part of it
    )
    first, second, small = rows[9, 9, 5], rows[30, 9, 5], rows[20, 9, 5]
    assert voxels.semantic[small] == Semantic.LOW_ENERGY
    for name in ("fragment", "particle", "group", "interaction", "pid"):
        assert getattr(voxels, name)[small] == -1
    assert voxels.particle[first] == voxels.particle[rows[10, 10, 31]] == 1
    assert voxels.particle[second] == 2
    assert particles.group.tolist() == [0, 1, 1]
    assert particles.parent.tolist() == [-1, 0, 1]
    # It starts where its first electrons were freed, not where the photon was made.
    np.testing.assert_array_equal(particles.start[1], nodes.start[2])
    np.testing.assert_array_equal(particles.start[2], nodes.start[5])
    assert particles.semantic.tolist() == [Semantic.TRACK, Semantic.SHOWER, Semantic.SHOWER]


def test_single_voxels_of_nucleons_are_low_energy() -> None:
    nodes = tree({}, {"pid": Pid.PROTON, "nuclear": 1, "parent": 0})
    voxels, particles, rows = labelled(nodes, (0, line((1, 1, 1), 5), 0.5), (1, [(9, 9, 9)], 0.5))
    assert voxels.semantic[rows[9, 9, 9]] == Semantic.LOW_ENERGY
    assert len(particles) == 1


def test_events_are_apart() -> None:
    """The same voxel in two events, and numbers that start anew."""
    nodes = tree({}, {"event": 1}, {"event": 1})
    voxels, particles, _ = labelled(
        nodes,
        (0, [(0, 0, 39)], 0.5),
        (1, [(0, 0, 39), (0, 1, 0)], 0.5),
        (2, [(39, 39, 39)], 0.5),
    )
    assert voxels.event.tolist() == [0, 1, 1, 1]
    assert voxels.particle.tolist() == [0, 0, 0, 1]
    # (0, 0, 39) and (0, 1, 0) follow each other but do not touch.
    assert voxels.fragment.tolist() == [0, 0, 1, 2]
    assert particles.event.tolist() == [0, 1, 1]


def test_neighbours_by_all_pairs() -> None:
    rng = np.random.default_rng(8)
    voxel = np.unique(rng.integers(0, 7, (90, 3)), axis=0)
    key = KEYS.of(np.zeros(len(voxel), np.int64), voxel)
    one, other = neighbours(key, KEYS)
    found = {frozenset(pair) for pair in zip(one.tolist(), other.tolist(), strict=True)}
    gap = np.abs(voxel[:, None] - voxel[None]).max(axis=2)
    expected = {frozenset((i, j)) for i, j in np.argwhere(gap == 1).tolist()}
    assert found == expected
    assert len(one) == len(found)


def test_pieces_by_flood_fill() -> None:
    rng = np.random.default_rng(9)
    voxel = np.unique(rng.integers(0, 9, (150, 3)), axis=0)
    labels = rng.integers(0, 2, len(voxel))
    key = KEYS.of(np.zeros(len(voxel), np.int64), voxel)
    found = pieces_together(key, labels, KEYS)
    near = np.abs(voxel[:, None] - voxel[None]).max(axis=2) <= 1
    near &= labels[:, None] == labels[None]
    seen, number = np.full(len(voxel), -1), 0
    for start in range(len(voxel)):
        if seen[start] < 0:
            reached = np.arange(len(voxel)) == start
            while (grown := near[reached].any(axis=0)).sum() > reached.sum():
                reached = grown
            seen[reached] = number
            number += 1
    np.testing.assert_array_equal(found, seen)
