"""What a prediction of the task ``sparse-group`` is. Its samples are those of all later stages.

A node is an input cluster: a fragment, or a particle. ``node`` and ``group`` tell of each voxel
where it went; the fields of dim ``node`` what a node is, those of dim ``edge`` what is between two.
An algorithm that does all three stages tells each in ``stage_node`` and ``stage_group``, in the
order of :data:`~zoo_sparse_reco.grouping.stages.STAGES`; ``node`` and ``group`` are then those of
the last.
"""

from __future__ import annotations

from typing import Any

from zoo.api import Field, Specs

__all__ = ["PREDICTION"]


def _of(dims: tuple[str | int, ...], dtype: str, meaning: str, **more: Any) -> Field:
    return Field(dims=dims, dtype=dtype, ragged=True, meaning=meaning, **more)


def _maybe(dims: tuple[str | int, ...], dtype: str, meaning: str, **more: Any) -> Field:
    return _of(dims, dtype, meaning, optional=True, **more)


PREDICTION: Specs = {
    "stage": Field(
        dtype="int8",
        meaning="which stage: 0, showers, 1, tracks, 2, interactions; 3: all",
        minimum=0,
        maximum=3,
    ),
    "group": _of(("voxel",), "int32", "shower, track or interaction; -1: of no node", minimum=-1),
    "node": _of(("voxel",), "int32", "input cluster that is a node; -1: none", minimum=-1),
    "node_stage": _of(
        ("node",), "int8", "0: to showers, 1: to tracks, 2: to interactions", minimum=0, maximum=2
    ),
    "node_id": _of(("node",), "int32", "number of the input cluster", minimum=0),
    "node_group": _of(("node",), "int32", "its group, counted from 0 within a stage", minimum=0),
    "node_semantic": _of(
        ("node",), "int8", "0: shower, 1: track, 2: Michel, 3: delta", minimum=0, maximum=3
    ),
    "node_start": _maybe(("node", 3), "float32", "where it starts", unit="voxel"),
    "node_end": _maybe(("node", 3), "float32", "where it ends", unit="voxel"),
    "node_primary_score": _maybe(
        ("node",),
        "float32",
        "probability that it began the shower, or comes from the vertex",
        minimum=0,
        maximum=1,
    ),
    "node_pid_score": _maybe(
        ("node", 6), "float32", "probability of each kind of particle", minimum=0, maximum=1
    ),
    "node_momentum": _maybe(("node",), "float32", "momentum at its start", unit="MeV/c", minimum=0),
    "node_vertex": _maybe(("node", 3), "float32", "where its interaction happened", unit="voxel"),
    "edge_from": _maybe(("edge",), "int32", "row of a node in the fields of nodes", minimum=0),
    "edge_to": _maybe(("edge",), "int32", "row of another", minimum=0),
    "edge_score": _maybe(
        ("edge",), "float32", "probability that both are of one group", minimum=0, maximum=1
    ),
    "stage_node": _maybe(("voxel", 3), "int32", "`node` of each stage; -1: none", minimum=-1),
    "stage_group": _maybe(("voxel", 3), "int32", "`group` of each stage; -1: none", minimum=-1),
}
"""What a model answers."""
