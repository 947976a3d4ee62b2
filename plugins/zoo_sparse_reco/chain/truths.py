"""Stages that answer the truth, as far as what they are given allows.

With them in the place of models one sees where efficiency is lost. Of voxels that an earlier stage
has lost nothing is said; a cluster that an earlier stage has made of several true ones belongs
where most of its voxels do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Ragged, Table
from zoo_sparse_reco.chain.joining import numbered
from zoo_sparse_reco.chain.objects.event import Members
from zoo_sparse_reco.physics.labels import Pid, Semantic

__all__ = ["SHOWERS", "TRACKS", "TrueClasses", "TrueFragments", "TrueGroups", "TrueInteractions"]

Whole = NDArray[np.int64]

SHOWERS = (Semantic.SHOWER, Semantic.MICHEL, Semantic.DELTA)
"""Classes of the fragments that are grouped into showers."""

TRACKS = (Semantic.TRACK,)
"""Classes of the fragments that are grouped into tracks."""

_POINTS = ("point_x", "point_y", "point_z", "point_semantic", "point_end")


class TrueClasses(Predictor):
    """True classes and points; a voxel whose class nobody knows is of low energy."""

    needs = frozenset({"semantic", *_POINTS})

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``semantic`` and points."""
        semantic: Ragged = samples["semantic"]
        low = np.where(semantic.values < 0, Semantic.LOW_ENERGY, semantic.values)
        points = {name: samples[name] for name in _POINTS if name in samples}
        end = points["point_end"]
        points["point_end"] = Ragged(end.values.astype(np.float32), end.offsets)
        told = Ragged(low.astype(np.int8), semantic.offsets)
        return Table({"id": samples.ids, "semantic": told, **points})


class TrueFragments(Predictor):
    """True fragments of the voxels that are of a class with fragments; a class splits them."""

    needs = frozenset({"fragment", "input_semantic"})

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``fragment``."""
        rows = [
            _split(samples["fragment"][row], samples["input_semantic"][row])
            for row in range(samples.rows)
        ]
        values = np.concatenate([np.zeros(0, np.int32), *rows])
        return Table(
            {"id": samples.ids, "fragment": Ragged(values, samples["input_semantic"].offsets)}
        )


class TrueGroups(Predictor):
    """Fragments of some classes in their true showers and tracks.

    Args:
        classes: Of the fragments.
    """

    needs = frozenset({"voxel_group", "particle", "input_semantic", "input_fragment"})

    def __init__(self, classes: Sequence[int]) -> None:
        self.classes = classes

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``group`` and nodes; the fragment with the voxels that began the group is primary."""
        rows = [self._event(samples, row) for row in range(samples.rows)]
        return _nodes_table(samples, rows, samples["input_fragment"].offsets)

    def _event(self, samples: Table, row: int) -> Mapping[str, NDArray[Any]]:
        fragment, semantic = samples["input_fragment"][row], samples["input_semantic"][row]
        node, given, members = _clusters(fragment)
        chosen = np.isin(members.most(semantic), self.classes)
        true = members.most(samples["voxel_group"][row], known=True)
        begins = members.most(samples["particle"][row], known=True) == true
        group = np.full(len(given), -1)
        group[chosen] = numbered(_own_where_unknown(true)[chosen])
        return {
            "group": np.array([*group, -1], np.int32)[node],
            "node_id": given[chosen].astype(np.int32),
            "node_group": group[chosen].astype(np.int32),
            "node_primary_score": (begins & (true >= 0))[chosen].astype(np.float32),
        }


class TrueInteractions(Predictor):
    """Particles in their true interactions, with their true kinds, momenta and vertices."""

    needs = frozenset(
        {
            *("interaction", "voxel_group", "pid", "input_particle"),
            *("particle_id", "particle_primary", "particle_momentum"),
            *("interaction_id", "interaction_vertex"),
        }
    )

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``group``, the interaction, and nodes with all heads."""
        rows = [self._event(samples, row) for row in range(samples.rows)]
        return _nodes_table(samples, rows, samples["input_particle"].offsets)

    def _event(self, samples: Table, row: int) -> Mapping[str, NDArray[Any]]:
        node, given, members = _clusters(samples["input_particle"][row])
        true = members.most(samples["interaction"][row], known=True)
        pid = members.most(samples["pid"][row], known=True)
        group = numbered(_own_where_unknown(true))
        who = _rows_of(
            samples["particle_id"][row], members.most(samples["voxel_group"][row], known=True)
        )
        momentum = np.linalg.norm(samples["particle_momentum"][row], axis=1)
        where = _rows_of(samples["interaction_id"][row], true)
        return {
            "group": np.array([*group, -1], np.int32)[node],
            "node_id": given.astype(np.int32),
            "node_group": group,
            "node_primary_score": _taken(samples["particle_primary"][row] > 0, who, 0.0),
            "node_pid_score": np.eye(len(Pid) + 1, dtype=np.float32)[pid][:, : len(Pid)],
            "node_momentum": _taken(momentum, who, np.nan),
            "node_vertex": _taken(samples["interaction_vertex"][row], where, np.nan),
        }


def _split(fragment: NDArray[Any], semantic: NDArray[Any]) -> NDArray[np.int32]:
    kept = (fragment >= 0) & (semantic >= 0) & (semantic < Semantic.LOW_ENERGY)
    both = fragment.astype(np.int64) * int(Semantic.LOW_ENERGY) + semantic
    return numbered(np.where(kept, both, -1))


def _clusters(cluster: NDArray[Any]) -> tuple[Whole, Whole, Members]:
    """Clusters of voxels (v,) counted without gaps, their old numbers (n,), and their voxels."""
    node = numbered(cluster).astype(np.int64)
    given = np.unique(cluster[cluster >= 0]).astype(np.int64)
    return node, given, Members(node, len(given))


def _own_where_unknown(group: Whole) -> Whole:
    """A group of its own for each node without one."""
    open_ = group < 0
    found = group.copy()
    found[open_] = group.max(initial=-1) + 1 + np.arange(open_.sum())
    return found


def _rows_of(ids: NDArray[Any], wanted: Whole) -> Whole:
    """Rows (n,) in a list of numbers of the wanted ones (n,); -1: it is not there."""
    rows = {int(one): row for row, one in enumerate(ids)}
    return np.array([rows.get(int(one), -1) for one in wanted], np.int64)


def _taken(values: NDArray[Any], rows: Whole, nothing: float) -> NDArray[np.float32]:
    held = np.concatenate([values, np.full((1, *values.shape[1:]), nothing)]).astype(np.float32)
    taken: NDArray[np.float32] = held[rows]
    return taken


def _nodes_table(
    samples: Table, rows: Sequence[Mapping[str, NDArray[Any]]], offsets: Whole
) -> Table:
    columns: dict[str, Any] = {"id": samples.ids}
    for name in rows[0] if rows else ():
        column = Ragged.of([one[name] for one in rows])
        columns[name] = Ragged(column.values, offsets) if name == "group" else column
    return Table(columns)
