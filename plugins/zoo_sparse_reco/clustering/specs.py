"""What a prediction of the task ``sparse-cluster`` is."""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["PREDICTION"]

PREDICTION: Specs = {
    "fragment": Field(
        dims=("voxel",),
        dtype="int32",
        ragged=True,
        minimum=-1,
        meaning="fragment of each voxel, numbered within the event; -1: of none",
    ),
}
"""Voxels of low energy, ghosts and those of no known class are of none."""
