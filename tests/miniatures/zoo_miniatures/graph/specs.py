"""Fields of mini-graph."""

from __future__ import annotations

from zoo.api import Field, Specs

SAMPLE: Specs = {
    "nodes": Field(
        dims=("fragment", 5),
        dtype="float32",
        ragged=True,
        meaning="centre (3, voxels), mean predicted shower score, voxels in it",
    ),
    "edges": Field(
        dims=("pair", 2),
        dtype="int64",
        ragged=True,
        meaning="ordered pairs of fragments, counted within the event",
        minimum=0,
    ),
    "same": Field(
        dims=("pair",),
        dtype="float32",
        ragged=True,
        meaning="1 where most voxels of both belong to one particle",
        minimum=0,
        maximum=1,
    ),
}
PREDICTION: Specs = {
    "probability": Field(
        dims=("pair",),
        dtype="float32",
        ragged=True,
        meaning="that the two fragments belong to one particle",
        minimum=0.0,
        maximum=1.0,
    ),
}
