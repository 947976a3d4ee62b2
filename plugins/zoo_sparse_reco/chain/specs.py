"""What the chain writes of events: tables of voxels, fragments, particles and interactions.

A column is named ``TABLE/COLUMN``. Rows of an event follow one another; numbers of fragments,
particles and interactions are those of rows, counted within the event, -1: of none. Places are in
voxels, NaN where nothing is known.
"""

from __future__ import annotations

from typing import Any

from zoo.api import Field, Specs

__all__ = ["RECO", "TABLES", "columns_of"]

TABLES = ("voxels", "fragments", "particles", "interactions")
"""Each with the dim of its rows: its own name."""


def _of(table: str, dtype: str, meaning: str, unit: str = "", more: tuple[int, ...] = ()) -> Field:
    dims: tuple[str | int, ...] = (table, *more)
    return Field(dims=dims, dtype=dtype, unit=unit, ragged=True, meaning=meaning)


def _table(table: str, **columns: Any) -> Specs:
    return {f"{table}/{name}": _of(table, *told) for name, told in columns.items()}


_THREE = (3,)

RECO: Specs = {
    **_table(
        "voxels",
        x=("uint16", "number along x"),
        y=("uint16", "along y"),
        z=("uint16", "along z"),
        deposit=("float32", "energy", "MeV"),
        semantic=("int8", "class; 5: ghost"),
        fragment=("int32", "row of its fragment; -1: none"),
        particle=("int32", "row of its particle; -1: none"),
        interaction=("int32", "row of its interaction; -1: none"),
    ),
    **_table(
        "fragments",
        particle=("int32", "row of its particle; -1: none"),
        semantic=("int8", "class of most of its voxels"),
        voxels=("int32", "how many"),
        energy=("float32", "sum over voxels", "MeV"),
        start=("float32", "where it starts", "voxel", _THREE),
        direction=("float32", "unit vector there", "", _THREE),
        primary=("float32", "score of the fragment that its particle begins with"),
    ),
    **_table(
        "particles",
        interaction=("int32", "row of its interaction; -1: none"),
        semantic=("int8", "class of most of its voxels"),
        fragments=("int32", "how many"),
        voxels=("int32", "how many"),
        energy=("float32", "kinetic energy by calorimetry: sum over voxels", "MeV"),
        energy_range=("float32", "kinetic energy by range, of tracks", "MeV"),
        length=("float32", "of tracks, along the way", "cm"),
        start=("float32", "where it starts", "voxel", _THREE),
        end=("float32", "where it ends", "voxel", _THREE),
        direction=("float32", "unit vector at the start", "", _THREE),
        pid=("int8", "likeliest kind; -1: unknown"),
        pid_score=("float32", "probability of each kind", "", (6,)),
        pid_by=("int8", "who says the kind; 0: energy and range, 1: the model"),
        primary=("int8", "1: it comes from the vertex"),
        primary_score=("float32", "probability of that; NaN: the model does not say"),
        momentum=("float32", "as the model says it", "MeV/c"),
        contained=("int8", "1: no voxel near the border of the grid"),
    ),
    **_table(
        "interactions",
        vertex=("float32", "where it happened", "voxel", _THREE),
        vertex_by=("int8", "who says so; 0: the lines of its particles, 1: the model"),
        particles=("int32", "how many"),
        primaries=("int32", "how many of them come from the vertex"),
        voxels=("int32", "how many"),
        energy=("float32", "sum over particles: by range where contained tracks", "MeV"),
        contained=("int8", "1: all of its particles are"),
    ),
}
"""Columns of the tables."""


def columns_of(table: str) -> Specs:
    """Columns of one table, by their names in it."""
    start = f"{table}/"
    return {
        name.removeprefix(start): field for name, field in RECO.items() if name.startswith(start)
    }
