"""Reconstructed events in the layout of SPINE's HDF5 files, its first version.

A dataset for each product with the objects of all events one after another, and a dataset
``events`` with a region reference into each of them for every event. Objects are compound, with
SPINE's names of attributes (RecoParticle, RecoInteraction); lists of voxels have variable length.
Places are in centimetres in the frame of the detector. What the chain does not tell has SPINE's
value for unknown: -1, or minus infinity of vectors. SPINE 1.4.3 reads it
(``docs/benchmarks/sparse_reco_in_spine.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, append_rows, new_hdf5
from zoo_sparse_reco.chain.files.reco_file import about_reco, read_reco
from zoo_sparse_reco.chain.objects.event import Members
from zoo_sparse_reco.chain.objects.interactions import best_energy
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import MASS
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid, grid_of

__all__ = ["write_spine"]

Array = NDArray[np.float64]

_PDG = (22, 11, 13, 211, 2212, 321)
_TAGS = ("g", "e", "mu", "pi", "p", "K")
_KINDS = len(Pid)
_UNITS = "cm"

_COMMON: list[tuple[Any, ...]] = [
    ("id", "i8"),
    ("index", h5py.vlen_dtype(np.int64)),
    ("size", "i8"),
    ("depositions_sum", "f4"),
    ("is_contained", "u1"),
    ("is_matched", "u1"),
    ("match_ids", h5py.vlen_dtype(np.int64)),
    ("match_overlaps", h5py.vlen_dtype(np.float32)),
    ("is_truth", "u1"),
    ("units", h5py.string_dtype()),
]
_PARTICLE = np.dtype(
    [
        *_COMMON,
        ("fragment_ids", h5py.vlen_dtype(np.int32)),
        ("interaction_id", "i8"),
        ("shape", "i8"),
        ("pid", "i8"),
        ("pdg_code", "i8"),
        ("is_primary", "u1"),
        ("length", "f4"),
        ("start_point", "f4", 3),
        ("end_point", "f4", 3),
        ("start_dir", "f4", 3),
        ("end_dir", "f4", 3),
        ("ke", "f4"),
        ("calo_ke", "f4"),
        ("csda_ke", "f4"),
        ("mcs_ke", "f4"),
        ("momentum", "f4", 3),
        ("p", "f4"),
        ("is_valid", "u1"),
        ("pid_scores", "f4", _KINDS),
        ("primary_scores", "f4", 2),
    ]
)
_INTERACTION = np.dtype(
    [
        *_COMMON,
        ("particle_ids", h5py.vlen_dtype(np.int32)),
        ("num_particles", "i8"),
        ("particle_counts", "i8", _KINDS),
        ("primary_particle_counts", "i8", _KINDS),
        ("vertex", "f4", 3),
        ("topology", h5py.string_dtype()),
    ]
)
_PRODUCTS: Mapping[str, tuple[Any, tuple[int, ...], str]] = {
    "index": ("i8", (), ""),
    "points": ("f4", (3,), ""),
    "depositions": ("f4", (), ""),
    "reco_particles": (_PARTICLE, (), "RecoParticle"),
    "reco_interactions": (_INTERACTION, (), "RecoInteraction"),
}


def write_spine(reco: Path, out: Path) -> None:
    """Write a file of reconstructed events in that layout, event by event.

    Args:
        reco: What :func:`~zoo_sparse_reco.chain.files.reco_file.write_reco` wrote.
        out: The file.

    Raises:
        DataError: The first is damaged.
        UsageError: The second cannot be written.
    """
    about = about_reco(reco)
    grid = grid_of(about)
    numbers = count()
    with new_hdf5(out) as file:
        info = file.create_dataset("info", (0,), maxshape=(None,), dtype="f4")
        info.attrs["version"] = "written by zoo sparse-reco in the layout of SPINE, version 1"
        info.attrs["cfg"] = json.dumps({"zoo": about["stages"]})  # YAML, which SPINE parses
        reference = [(name, h5py.regionref_dtype) for name in _PRODUCTS]
        for name, (dtype, size, class_name) in _PRODUCTS.items():
            made = file.create_dataset(name, (0, *size), maxshape=(None, *size), dtype=dtype)
            made.attrs["scalar"] = name == "index"
            if class_name:
                made.attrs["class_name"] = class_name
        events = file.create_dataset("events", (0,), maxshape=(None,), dtype=reference)
        for table in read_reco(reco):
            for row in range(table.rows):
                products = _event(table, row, grid, next(numbers))
                _append(file, events, products)


def _append(file: h5py.File, events: h5py.Dataset, products: Mapping[str, NDArray[Any]]) -> None:
    entry = np.empty(1, events.dtype)
    for name, values in products.items():
        found = file[name]
        first = len(found)
        if len(values):
            append_rows(found, values)
        entry[name] = found.regionref[first : first + len(values)]
    append_rows(events, entry)


def _event(table: Table, row: int, grid: VoxelGrid, number: int) -> dict[str, NDArray[Any]]:
    def of(name: str) -> NDArray[Any]:
        found: NDArray[Any] = table[name][row]
        return found

    place = np.stack([of(f"voxels/{axis}") for axis in "xyz"], axis=1) + 0.5
    return {
        "index": np.array([number]),
        "points": _in_cm(place, grid),
        "depositions": of("voxels/deposit"),
        "reco_particles": _particles(table, row, grid),
        "reco_interactions": _interactions(table, row, grid),
    }


def _particles(table: Table, row: int, grid: VoxelGrid) -> NDArray[Any]:
    columns = {
        name: table[name][row] for name in table if name.startswith(("particles/", "voxels/"))
    }
    count_ = len(columns["particles/pid"])
    found = np.zeros(count_, _PARTICLE)
    voxels = Members(columns["voxels/particle"].astype(np.int64), count_)
    fragments = Members(table["fragments/particle"][row].astype(np.int64), count_)
    kinetic = best_energy(columns)
    pid = columns["particles/pid"].astype(np.int64)
    momentum = _momentum(kinetic, pid)
    start_dir = columns["particles/direction"]
    _common(found, voxels, columns["voxels/deposit"], columns["particles/contained"])
    for number in range(count_):
        found["fragment_ids"][number] = fragments.of(number).astype(np.int32)
    found["interaction_id"] = columns["particles/interaction"]
    found["shape"] = columns["particles/semantic"]
    found["pid"] = pid
    found["pdg_code"] = np.array([*_PDG, -1])[pid]
    found["is_primary"] = columns["particles/primary"]
    found["length"] = _or_unknown(columns["particles/length"], -1)
    found["start_point"] = _or_unknown(_in_cm(columns["particles/start"], grid), -np.inf)
    found["end_point"] = _or_unknown(_in_cm(columns["particles/end"], grid), -np.inf)
    found["start_dir"] = _or_unknown(start_dir, -np.inf)
    found["end_dir"] = -np.inf
    found["ke"], found["calo_ke"] = kinetic, columns["particles/energy"]
    found["csda_ke"] = _or_unknown(columns["particles/energy_range"], -1)
    found["mcs_ke"] = -1
    found["momentum"] = _or_unknown(momentum[:, None] * start_dir, -np.inf)
    found["p"] = momentum
    found["is_valid"] = 1
    found["pid_scores"] = columns["particles/pid_score"]
    score = _or_unknown(columns["particles/primary_score"], -1)
    found["primary_scores"] = np.stack([np.where(score < 0, -1, 1 - score), score], axis=1)
    return found


def _interactions(table: Table, row: int, grid: VoxelGrid) -> NDArray[Any]:
    vertex = table["interactions/vertex"][row]
    found = np.zeros(len(vertex), _INTERACTION)
    of = table["particles/interaction"][row].astype(np.int64)
    pid, primary = table["particles/pid"][row].astype(np.int64), table["particles/primary"][row]
    voxels = Members(table["voxels/interaction"][row].astype(np.int64), len(vertex))
    contained = table["interactions/contained"][row]
    _common(found, voxels, table["voxels/deposit"][row], contained)
    for number in range(len(vertex)):
        own = np.flatnonzero(of == number)
        every, first = (
            np.bincount(kinds[kinds >= 0], minlength=_KINDS)
            for kinds in (pid[own], pid[own[primary[own] > 0]])
        )
        found["particle_ids"][number] = own.astype(np.int32)
        found["num_particles"][number] = len(own)
        found["particle_counts"][number], found["primary_particle_counts"][number] = every, first
        found["topology"][number] = "".join(_topology(first))
    found["vertex"] = _or_unknown(_in_cm(vertex, grid), -np.inf)
    return found


def _common(
    found: NDArray[Any], voxels: Members, deposit: NDArray[Any], contained: NDArray[Any]
) -> None:
    for number in range(len(found)):
        rows = voxels.of(number)
        found["id"][number] = number
        found["index"][number] = rows.astype(np.int64)
        found["depositions_sum"][number] = deposit[rows].sum()
        found["match_ids"][number] = np.zeros(0, np.int64)
        found["match_overlaps"][number] = np.zeros(0, np.float32)
        found["units"][number] = _UNITS
    found["size"] = voxels.sizes
    found["is_contained"] = contained


def _topology(counts: NDArray[np.int64]) -> Iterator[str]:
    return (f"{times}{tag}" for times, tag in zip(counts, _TAGS, strict=True) if times)


def _momentum(kinetic: Array, pid: NDArray[np.int64]) -> Array:
    """MeV/c, of kinetic energies; of an unknown kind that of no mass."""
    mass = np.array([*MASS[:_KINDS], 0.0])[pid]
    found: Array = np.sqrt(kinetic * (kinetic + 2 * mass))
    return found


def _in_cm(place: NDArray[Any], grid: VoxelGrid) -> Array:
    found: Array = (place * grid.voxel_mm + np.array(grid.origin_mm)) / 10
    return found


def _or_unknown(values: NDArray[Any], unknown: float) -> NDArray[Any]:
    return np.where(np.isnan(values), unknown, values)
