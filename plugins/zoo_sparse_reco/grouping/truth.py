"""What is true of nodes: each has what most of its voxels have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.grouping.nodes import Nodes, majority
from zoo_sparse_reco.grouping.stages import Stage
from zoo_sparse_reco.physics.labels import Pid

__all__ = ["NodeTruth", "momenta_of", "truth_of", "types_of", "vertices_of"]

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NodeTruth:
    """Of nodes, int64 (n,); -1: unknown.

    Attributes:
        group: What it is to be joined into, numbered over all events.
        particle: Row of its particle among all particles of all events; of an interaction's nodes
            the one that began the shower or track.
        primary: 1: it began its shower, or its particle comes from the vertex; 0: not.
    """

    group: Whole
    particle: Whole
    primary: Whole


def truth_of(samples: Table, nodes: Nodes, stage: Stage) -> NodeTruth:
    """Groups, particles and primaries.

    Args:
        samples: With the column of the stage's groups; for primaries of showers ``particle``, for
            those of interactions and for particles ``particle_id`` and ``particle_primary``. What
            is absent is unknown.
        nodes: Of these samples.
        stage: Which.
    """
    group, of_event = _numbered(samples, stage.group, nodes)
    unknown = np.full(len(nodes), -1)
    if stage.name == "interaction":
        particle = _rows_of_particles(samples, nodes, _majority(samples, "voxel_group", nodes))
        primary = _of_rows(samples, "particle_primary", particle)
        return NodeTruth(group, particle, primary)
    # The first fragment of a group bears the number of the group.
    own = _majority(samples, "particle", nodes)
    known = (own >= 0) & (of_event >= 0)
    return NodeTruth(group, unknown, np.where(known, own == of_event, -1))


def types_of(samples: Table, nodes: Nodes) -> Whole:
    """Kind of the particle of each node (n,), :class:`~zoo_sparse_reco.physics.labels.Pid`."""
    column = samples["pid"].values.astype(np.int64)
    return majority(nodes.owner, column[nodes.voxel], len(nodes), len(Pid))


def momenta_of(samples: Table, truth: NodeTruth) -> Floats:
    """Momentum of the particle of each node (n,), MeV/c; NaN: unknown."""
    vectors = samples["particle_momentum"].values.astype(np.float64)
    found = np.full(len(truth.particle), np.nan)
    known = truth.particle >= 0
    found[known] = np.linalg.norm(vectors[truth.particle[known]], axis=1)
    return found


def vertices_of(samples: Table, nodes: Nodes) -> Floats:
    """Vertex of the interaction of each node (n, 3), voxels; NaN: unknown."""
    number = _majority(samples, "interaction", nodes)
    row = _rows_in(samples["interaction_id"], nodes.event, number)
    found = np.full((len(nodes), 3), np.nan)
    known = row >= 0
    found[known] = samples["interaction_vertex"].values[row[known]]
    return found


def _majority(samples: Table, name: str, nodes: Nodes) -> Whole:
    """Number within the event, (n,); -1 where nobody tells it."""
    if name not in samples:
        return np.full(len(nodes), -1)
    column = samples[name].values.astype(np.int64)
    most = int(column.max(initial=-1)) + 1
    return majority(nodes.owner, column[nodes.voxel], len(nodes), most)


def _numbered(samples: Table, name: str, nodes: Nodes) -> tuple[Whole, Whole]:
    """Number over all events, and within the event."""
    own = _majority(samples, name, nodes)
    width = int(own.max(initial=-1)) + 1
    return np.where(own >= 0, nodes.event * width + own, -1), own


def _rows_of_particles(samples: Table, nodes: Nodes, number: Whole) -> Whole:
    if "particle_id" not in samples:
        return np.full(len(nodes), -1)
    return _rows_in(samples["particle_id"], nodes.event, number)


def _rows_in(column: Any, event: Whole, number: Whole) -> Whole:
    """Row (n,) of the entry of a ragged column with a number in an event; -1: there is none."""
    ids = column.values.astype(np.int64)
    width = int(max(ids.max(initial=-1), number.max(initial=-1))) + 1
    key = np.repeat(np.arange(len(column)), column.lengths) * width + ids
    order = np.argsort(key, kind="stable")
    wanted = event * width + number
    at = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    if not len(key):
        return np.full(len(number), -1)
    found = order[at]
    return np.where((number >= 0) & (key[found] == wanted), found, -1)


def _of_rows(samples: Table, name: str, row: Whole) -> Whole:
    found = np.full(len(row), -1)
    if name in samples:
        known = row >= 0
        found[known] = samples[name].values[row[known]]
    return found
