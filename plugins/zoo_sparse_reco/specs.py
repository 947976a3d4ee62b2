"""What a sample and a prediction of the task ``sparse-semantic`` are. One row is one event.

The voxels of an event are all different and in rising order of (x, y, z), z fastest; columns of
voxels have the same offsets. Places of points are in voxels
(:mod:`zoo_sparse_reco.physics.voxel_grid`). Numbers of fragments, particles, groups and
interactions count within an event; -1: none, or unknown.

The truth goes beyond what this task learns: fragments belong to particles, fragments of one shower
to a group, particles to interactions. Later stages of the reconstruction read the same files.
"""

from __future__ import annotations

from typing import Any

from zoo.api import Field, Specs

__all__ = ["INPUTS", "PREDICTION", "SAMPLE", "STAGE_SAMPLE", "TRUTH", "VOXELS"]


def _voxel(dtype: str, meaning: str, **more: Any) -> Field:
    return Field(dims=("voxel",), dtype=dtype, ragged=True, meaning=meaning, **more)


def _of(dim: str, dtype: str, meaning: str, unit: str = "", **more: Any) -> Field:
    return Field(
        dims=(dim,),
        dtype=dtype,
        unit=unit,
        ragged=True,
        optional=True,
        meaning=meaning,
        **more,
    )


def _three(dim: str, meaning: str, unit: str) -> Field:
    """Three numbers each: along x, y and z, or of three planes."""
    return Field(
        dims=(dim, 3), dtype="float32", unit=unit, ragged=True, optional=True, meaning=meaning
    )


VOXELS: Specs = {
    "voxel_x": _voxel("uint16", "voxels with energy: number along x"),
    "voxel_y": _voxel("uint16", "along y"),
    "voxel_z": _voxel("uint16", "along z"),
    "deposit": _voxel("float32", "energy in each", unit="MeV"),
    "plane_charge": _three(
        "voxel", "charge on the wires of three planes that meet in the voxel", "e-"
    ),
}

TRUTH: Specs = {
    "semantic": _of("voxel", "int8", "class; 5: ghost, -1: unknown", minimum=-1, maximum=5),
    "fragment": _of("voxel", "int32", "connected piece of one particle", minimum=-1),
    "particle": _of("voxel", "int32", "particle that left most energy there", minimum=-1),
    "voxel_group": _of("voxel", "int32", "shower or track that it belongs to", minimum=-1),
    "interaction": _of("voxel", "int32", "interaction that it belongs to", minimum=-1),
    "pid": _of("voxel", "int8", "kind of that particle", minimum=-1, maximum=5),
    "point_x": _of("point", "float32", "where particles start and tracks end: x", "voxel"),
    "point_y": _of("point", "float32", "y", "voxel"),
    "point_z": _of("point", "float32", "z", "voxel"),
    "point_semantic": _of("point", "int8", "class of the particle", minimum=0, maximum=4),
    "point_end": _of("point", "int8", "0: it starts there, 1: it ends there", minimum=0, maximum=1),
    "point_particle": _of("point", "int32", "which particle", minimum=-1),
    "particle_id": _of("particle", "int32", "numbers that voxels and points refer to", minimum=0),
    "particle_parent": _of("particle", "int32", "number of its parent", minimum=-1),
    "particle_group": _of("particle", "int32", "its shower or track", minimum=-1),
    "particle_interaction": _of("particle", "int32", "its interaction", minimum=-1),
    "particle_primary": _of(
        "particle", "int8", "1: it comes from the vertex", minimum=-1, maximum=1
    ),
    "particle_pid": _of("particle", "int8", "its kind", minimum=-1, maximum=5),
    "particle_semantic": _of("particle", "int8", "its class", minimum=-1, maximum=4),
    "particle_energy": _of("particle", "float32", "kinetic energy at its start", "MeV", minimum=0),
    "particle_momentum": _three("particle", "momentum there", "MeV/c"),
    "particle_start": _three("particle", "where it starts", "voxel"),
    "particle_end": _three("particle", "where it ends", "voxel"),
    "interaction_id": _of("vertex", "int32", "numbers that particles refer to", minimum=0),
    "interaction_vertex": _three("vertex", "where it happened", "voxel"),
}
"""The event as it was, where that is known."""

SAMPLE: Specs = {**VOXELS, **TRUTH}

INPUTS: Specs = {
    "input_semantic": _of(
        "voxel", "int8", "class that a model gave; 5: ghost", minimum=-1, maximum=5
    ),
    "input_fragment": _of("voxel", "int32", "fragment that a model made; -1: none", minimum=-1),
    "input_particle": _of("voxel", "int32", "particle that a model made; -1: none", minimum=-1),
    "input_point_x": _of("input_point", "float32", "points that a model found: x", "voxel"),
    "input_point_y": _of("input_point", "float32", "y", "voxel"),
    "input_point_z": _of("input_point", "float32", "z", "voxel"),
    "input_point_semantic": _of(
        "input_point", "int8", "class of the particle", minimum=0, maximum=4
    ),
    "input_point_end": _of(
        "input_point", "float32", "probability of an end, not a start", minimum=0, maximum=1
    ),
}
"""What the stages before have said, for a later stage; where a column is absent the truth stands
for it."""

STAGE_SAMPLE: Specs = {**SAMPLE, **INPUTS}
"""What the tasks after ``sparse-semantic`` read: voxels, truth, and inputs from links."""

PREDICTION: Specs = {
    "semantic": _voxel(
        "int8", "class of each voxel of the sample, in its order", minimum=0, maximum=5
    ),
    "score": Field(
        dims=("voxel", 5),
        dtype="float32",
        ragged=True,
        optional=True,
        minimum=0,
        maximum=1,
        meaning="probability of each class, given that the voxel is no ghost",
    ),
    "ghost_score": _of("voxel", "float32", "probability of a ghost", minimum=0, maximum=1),
    "fragment": _of("voxel", "int32", "connected piece; -1: of none", minimum=-1),
    "point_x": _of("point", "float32", "where particles start and tracks end: x", "voxel"),
    "point_y": _of("point", "float32", "y", "voxel"),
    "point_z": _of("point", "float32", "z", "voxel"),
    "point_score": _of("point", "float32", "probability of a point", minimum=0, maximum=1),
    "point_semantic": _of("point", "int8", "class of the particle", minimum=0, maximum=4),
    "point_end": _of(
        "point", "float32", "probability of an end, not a start", minimum=0, maximum=1
    ),
}
"""What a model answers. Voxels that it calls ghosts have class 5 and no fragment."""
