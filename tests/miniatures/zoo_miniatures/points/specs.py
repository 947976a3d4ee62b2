"""Fields of mini-points."""

from __future__ import annotations

from zoo.api import Field, Specs

_LABEL = Field(
    dims=("voxel",),
    dtype="int32",
    ragged=True,
    meaning="0: track, 1: shower",
    minimum=0,
    maximum=1,
)
_VERTEX = Field(dims=(3,), dtype="float32", unit="voxel", meaning="where all particles start")
SAMPLE: Specs = {
    "voxels": Field(
        dims=("voxel", 3),
        dtype="int32",
        ragged=True,
        meaning="integer coordinates, unique in an event, sorted",
        minimum=0,
    ),
    "charge": Field(
        dims=("voxel",),
        dtype="float32",
        unit="MIP",
        ragged=True,
        meaning="charge of a voxel",
        minimum=0.0,
    ),
    "label": _LABEL,
    "particle": Field(
        dims=("voxel",), dtype="int32", ragged=True, meaning="which particle of the event"
    ),
    "vertex": _VERTEX,
}
PREDICTION: Specs = {
    "label": _LABEL,
    "score": Field(
        dims=("voxel",),
        dtype="float32",
        ragged=True,
        meaning="probability of shower",
        minimum=0.0,
        maximum=1.0,
    ),
    "vertex": _VERTEX,
}
