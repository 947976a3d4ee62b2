"""Rules of distance and direction that join nodes; distances in voxels, angles in degrees.

Shower: a fragment joins one of more energy that it touches or in whose cone it lies, the cone
standing on that one's start about the way to its middle; of several the one at the smallest angle,
of those it touches the nearest.

Track: fragments join whose ends are near to each other and that go on in one direction.

Interaction: particles join that come near to each other where at least one of them starts or ends;
a Michel electron or a delta ray joins the nearest track. A shower that joins nothing so points back
to one of the starts of other particles: to that at the smallest angle from its axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.grouping.classical.scene import Scene, unit
from zoo_sparse_reco.grouping.stages import CLASSES
from zoo_sparse_reco.physics.connected import linked

__all__ = ["GRIDS", "ROUND", "Cuts", "Joined", "joined"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_SHOWER, _TRACK, _MICHEL = (CLASSES.index(name) for name in ("shower", "track", "michel"))


@dataclass(frozen=True)
class Cuts:
    """Of one stage.

    Attributes:
        touch: Nodes whose closest voxels are this near touch.
        angle: Largest opening of cones, or between directions.
        reach: Longest way in a cone.
    """

    touch: float
    angle: float
    reach: float


ROUND: Mapping[str, Cuts] = {
    "shower": Cuts(touch=2.0, angle=20.0, reach=150.0),
    "track": Cuts(touch=10.0, angle=15.0, reach=0.0),
    "interaction": Cuts(touch=5.0, angle=15.0, reach=150.0),
}
"""By the name of the stage: what stands in before a fit."""


def _grid(touch: Any, angle: Any, reach: Any) -> tuple[Cuts, ...]:
    return tuple(Cuts(*one) for one in product(touch, angle, reach))


GRIDS: Mapping[str, tuple[Cuts, ...]] = {
    "shower": _grid((1.0, 2.0, 4.0, 8.0), (5, 10, 15, 20, 30, 45), (25, 50, 100, 200, 500)),
    "track": _grid((1.0, 2.0, 5.0, 10.0, 20.0, 40.0), (5, 10, 20, 40), (0,)),
    "interaction": _grid((2.0, 3.0, 5.0, 8.0, 12.0), (2, 5, 10, 15, 25), (0, 50, 100, 200, 500)),
}
"""What a fit tries."""


@dataclass(frozen=True, eq=False)
class Joined:
    """Of nodes (n,).

    Attributes:
        group: Over all events, 0, 1, ... as they appear.
        first: Whether it began its shower; of interactions, whether it comes from the vertex.
        vertex: Of its group, (n, 3), voxels.
    """

    group: Whole
    first: NDArray[np.bool_]
    vertex: Floats


def joined(scene: Scene, stage: str, cuts: Cuts) -> Joined:
    """Groups of a stage by its rule."""
    return {"shower": _showers, "track": _tracks, "interaction": _interactions}[stage](scene, cuts)


def _showers(scene: Scene, cuts: Cuts) -> Joined:
    count = len(scene.nodes)
    small, large, gap = _directed(scene)
    # Each pair once: the fragment of less energy joins, of equal energies the later one.
    begins = (scene.energy[large] > scene.energy[small]) | (
        (scene.energy[large] == scene.energy[small]) & (large < small)
    )
    small, large, gap = small[begins], large[begins], gap[begins]
    way = scene.middle[small] - scene.start[large]
    angle = _degrees(unit(way), scene.axis[large])
    inside = (angle <= cuts.angle) & (np.linalg.norm(way, axis=1) <= cuts.reach)
    touching = gap <= cuts.touch
    kept = inside | touching
    # Those that touch come before all others.
    key = np.where(touching, gap - 1e3, angle)
    parent = _best(small[kept], large[kept], key[kept], count)
    has = parent >= 0
    group = linked(count, np.flatnonzero(has), parent[has])
    return Joined(group, ~has, scene.start)


def _tracks(scene: Scene, cuts: Cuts) -> Joined:
    way = unit(scene.end - scene.start)
    along = np.abs(np.einsum("ij,ij->i", way[scene.one], way[scene.other]))
    straight = along >= np.cos(np.radians(cuts.angle))
    at_ends = scene.contact.max(axis=1, initial=0) <= _END
    kept = (scene.gap <= cuts.touch) & straight & at_ends
    group = linked(len(scene.nodes), scene.one[kept], scene.other[kept])
    return Joined(group, np.ones(len(scene.nodes), bool), scene.start)


_END = 5.0  # voxels from the start or end of a node that count as there


def _interactions(scene: Scene, cuts: Cuts) -> Joined:
    count, kind = len(scene.nodes), scene.nodes.semantic
    pair_kinds = np.stack([kind[scene.one], kind[scene.other]], axis=1)
    secondary = (pair_kinds >= _MICHEL).any(axis=1)
    near = (scene.gap <= cuts.touch) & (scene.contact.min(axis=1, initial=np.inf) <= _END)
    near &= ~secondary
    small, large, gap = _directed(scene)
    to_track = (kind[small] >= _MICHEL) & (kind[large] == _TRACK) & (gap <= _END)
    parent = _best(small[to_track], large[to_track], gap[to_track], count)
    has = parent >= 0
    one = np.concatenate([scene.one[near], np.flatnonzero(has)])
    other = np.concatenate([scene.other[near], parent[has]])
    alone = np.ones(count, bool)
    alone[one] = alone[other] = False
    way = scene.start[small] - scene.start[large]
    angle = _degrees(unit(way), scene.axis[small])
    back = alone[small] & (kind[small] == _SHOWER) & (kind[large] <= _TRACK)
    back &= (angle <= cuts.angle) & (np.linalg.norm(way, axis=1) <= cuts.reach)
    parent = _best(small[back], large[back], angle[back], count)
    pointing = parent >= 0
    group = linked(
        count,
        np.concatenate([one, np.flatnonzero(pointing)]),
        np.concatenate([other, parent[pointing]]),
    )
    vertex = _vertices(scene, group)
    at_vertex = np.linalg.norm(scene.start - vertex, axis=1) <= _END
    return Joined(group, (at_vertex & (kind <= _TRACK)) | pointing, vertex)


def _vertices(scene: Scene, group: Whole) -> Floats:
    """Of each node's group (n, 3): the start near to which most starts of the group lie.

    Of equally many that of the node of most energy.
    """
    starts = np.zeros(len(group))
    pairs = np.linalg.norm(scene.start[scene.one] - scene.start[scene.other], axis=1) <= _END
    pairs &= group[scene.one] == group[scene.other]
    kind = scene.nodes.semantic
    for node, partner in ((scene.one, scene.other), (scene.other, scene.one)):
        counted = pairs & (kind[partner] <= _TRACK)
        starts += np.bincount(node[counted], minlength=len(group))
    starts[kind > _TRACK] = -1
    order = np.lexsort((-scene.energy, -starts, group))
    _, first = np.unique(group[order], return_index=True)
    return scene.start[order[first]][group]


def _directed(scene: Scene) -> tuple[Whole, Whole, Floats]:
    """Both directions of each pair: from, to, and the gap."""
    return (
        np.concatenate([scene.one, scene.other]),
        np.concatenate([scene.other, scene.one]),
        np.concatenate([scene.gap, scene.gap]),
    )


def _best(node: Whole, partner: Whole, key: Floats, count: int) -> Whole:
    """The partner (count,) of the smallest key; -1: none."""
    order = np.lexsort((partner, key, node))
    found = np.full(count, -1, np.int64)
    nodes, first = np.unique(node[order], return_index=True)
    found[nodes] = partner[order][first]
    return found


def _degrees(one: Floats, other: Floats) -> Floats:
    """Angles (p,) between unit vectors (p, 3); 90 with one of length 0."""
    cosine = np.clip(np.einsum("ij,ij->i", one, other), -1, 1)
    angles: Floats = np.degrees(np.arccos(cosine))
    return angles
