"""Fields of an event and of its reconstruction."""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["PREDICTION", "SAMPLE"]

SAMPLE: Specs = {
    "position": Field(
        dims=("hit", 3),
        dtype="float32",
        unit="mm",
        ragged=True,
        meaning="x, y, z of a hit; hits are sorted by layer, then by azimuth",
    ),
    "layer": Field(
        dims=("hit",), dtype="int32", ragged=True, meaning="0 is innermost", minimum=0, maximum=7
    ),
    "particle": Field(
        dims=("hit",),
        dtype="int32",
        ragged=True,
        meaning="index of the particle behind a hit; -1: noise",
        minimum=-1,
    ),
    "momentum": Field(
        dims=("particle",),
        dtype="float32",
        unit="GeV",
        ragged=True,
        meaning="transverse momentum of each particle",
        minimum=0.0,
    ),
}
PREDICTION: Specs = {
    "track": Field(
        dims=("hit",),
        dtype="int32",
        ragged=True,
        meaning="number of the track that a hit is on; -1: none",
        minimum=-1,
    ),
}
