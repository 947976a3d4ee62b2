"""Labelled events as the columns of a table: classes of the scheme, points, ghosts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, generator
from zoo_sparse_reco.physics.deposits import electrons_per_mev
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.kinds import hip_mip_of
from zoo_sparse_reco.physics.labels import GHOST, Pid, Semantic
from zoo_sparse_reco.physics.truth import ParticleRows, VoxelRows
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.physics.wire_planes import record
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["columns_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_NUMBERS = {
    **dict.fromkeys(("fragment", "particle", "voxel_group", "interaction"), np.int32),
    "pid": np.int8,
}


def columns_of(
    voxels: VoxelRows,
    particles: ParticleRows,
    vertices: list[Array],
    *,
    config: EventsConfig,
    grid: VoxelGrid,
    keys: NDArray[np.uint64],
) -> dict[str, Ragged]:
    """All fields of a sample that the settings give.

    Args:
        voxels: Of all events.
        particles: Likewise.
        vertices: (n, 3) of each event, cm.
        config: Settings.
        grid: Of the voxels.
        keys: (events,), for the noise of the detector.
    """
    events = len(keys)
    per_voxel = _voxel_columns(voxels, config, grid, keys)
    offsets = _offsets(per_voxel.pop("event"), events)
    columns = {name: Ragged(column, offsets) for name, column in per_voxel.items()}
    of_particles = _particle_columns(particles, grid)
    offsets = _offsets(particles.event, events)
    columns |= {name: Ragged(column, offsets) for name, column in of_particles.items()}
    points = _point_columns(particles, grid)
    offsets = _offsets(points.pop("event"), events)
    columns |= {name: Ragged(column, offsets) for name, column in points.items()}
    counts = np.array([len(places) for places in vertices], np.int64)
    offsets = offsets_of(counts)
    numbers = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
    where = np.concatenate([np.zeros((0, 3)), *vertices])
    columns["interaction_id"] = Ragged(numbers.astype(np.int32), offsets)
    columns["interaction_vertex"] = Ragged(_in_grid(where, grid), offsets)
    return columns


def _voxel_columns(
    voxels: VoxelRows, config: EventsConfig, grid: VoxelGrid, keys: NDArray[np.uint64]
) -> dict[str, Any]:
    seen = _direct(voxels) if config.ghosts is None else _by_planes(voxels, config, grid, keys)
    if spread := config.detector.energy_noise:
        factor = np.maximum(1 + spread * _noise(seen.event, keys), 0.01)
        seen = replace(seen, deposit=seen.deposit * factor)
    semantic = _in_scheme(voxels.semantic, voxels.pid, voxels.proton, grid.scheme)
    ghost = seen.source < 0
    found: dict[str, Any] = {
        "event": seen.event,
        "voxel_x": seen.voxel[:, 0].astype(np.uint16),
        "voxel_y": seen.voxel[:, 1].astype(np.uint16),
        "voxel_z": seen.voxel[:, 2].astype(np.uint16),
        "deposit": seen.deposit.astype(np.float32),
        "semantic": np.full(len(ghost), GHOST, np.int8),
    }
    found["semantic"][~ghost] = semantic[seen.source[~ghost]]
    for name, dtype in _NUMBERS.items():
        found[name] = np.full(len(ghost), -1, dtype)
        found[name][~ghost] = getattr(voxels, name.removeprefix("voxel_"))[seen.source[~ghost]]
    if seen.charge is not None:
        found["plane_charge"] = seen.charge.astype(np.float32)
    return found


@dataclass(frozen=True)
class _Seen:
    """Recorded voxels."""

    event: Whole
    voxel: Whole
    deposit: Array
    source: Whole  # row of the voxel with energy; -1: a ghost
    charge: Array | None = None


def _direct(voxels: VoxelRows) -> _Seen:
    place = np.stack([voxels.x, voxels.y, voxels.z], axis=1)
    return _Seen(voxels.event, place, voxels.deposit, np.arange(len(place)))


def _by_planes(
    voxels: VoxelRows, config: EventsConfig, grid: VoxelGrid, keys: NDArray[np.uint64]
) -> _Seen:
    assert config.ghosts is not None
    per_mev = electrons_per_mev(config.detector.recombination, config.detector.field_kv_cm)
    true = _direct(voxels)
    bounds = np.searchsorted(voxels.event, np.arange(len(keys) + 1))
    event, place = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    charge, source = [np.zeros((0, 3))], [np.zeros(0, np.int64)]
    for one, key in enumerate(keys):
        own = slice(bounds[one], bounds[one + 1])
        seen = record(
            true.voxel[own],
            true.deposit[own] * per_mev,
            grid.shape,
            spread=config.ghosts.spread,
            least_charge=config.ghosts.least_charge,
            noise=(config.ghosts.relative_noise, config.ghosts.noise_electrons),
            rng=generator(key),
        )
        event.append(np.full(len(seen.source), one))
        place.append(seen.voxel)
        charge.append(seen.charge)
        source.append(np.where(seen.source >= 0, seen.source + bounds[one], -1))
    charges = np.concatenate(charge)
    return _Seen(
        np.concatenate(event),
        np.concatenate(place),
        charges.min(axis=1) / per_mev,
        np.concatenate(source),
        charges,
    )


def _noise(event: Whole, keys: NDArray[np.uint64]) -> Array:
    """Standard normal numbers of voxels (v,), in the order of events."""
    counts = np.bincount(event, minlength=len(keys))
    own = child_keys(keys, np.zeros(len(keys), np.int64))
    draws = [generator(key).standard_normal(count) for key, count in zip(own, counts, strict=True)]
    return np.concatenate([np.zeros(0), *draws])


def _in_scheme(
    semantic: Whole, pid: NDArray[Any], proton: NDArray[np.bool_], scheme: str
) -> NDArray[np.int8]:
    """Classes of the scheme; what tracks of protons left is of them in ``hip-mip``."""
    return semantic.astype(np.int8) if scheme == "spine" else hip_mip_of(semantic, pid, proton)


def _particle_columns(rows: ParticleRows, grid: VoxelGrid) -> dict[str, NDArray[Any]]:
    return {
        "particle_id": rows.number.astype(np.int32),
        "particle_parent": rows.parent.astype(np.int32),
        "particle_group": rows.group.astype(np.int32),
        "particle_interaction": rows.interaction.astype(np.int32),
        "particle_primary": rows.primary.astype(np.int8),
        "particle_pid": rows.pid.astype(np.int8),
        "particle_semantic": _particle_classes(rows, grid),
        "particle_energy": rows.kinetic.astype(np.float32),
        "particle_momentum": rows.momentum.astype(np.float32),
        "particle_start": _in_grid(rows.start, grid),
        "particle_end": _in_grid(rows.end, grid),
    }


def _particle_classes(rows: ParticleRows, grid: VoxelGrid) -> NDArray[np.int8]:
    proton = (rows.semantic == Semantic.TRACK) & (rows.pid == Pid.PROTON)
    return _in_scheme(rows.semantic, rows.pid, proton, grid.scheme)


def _point_columns(rows: ParticleRows, grid: VoxelGrid) -> dict[str, Any]:
    """A start of every particle, and an end of every track."""
    count = len(rows)
    track = rows.semantic == Semantic.TRACK
    row = np.concatenate([np.arange(count), np.flatnonzero(track)])
    is_end = np.concatenate([np.zeros(count, np.int8), np.ones(track.sum(), np.int8)])
    order = np.lexsort((is_end, row))
    row, is_end = row[order], is_end[order]
    place = np.where(is_end[:, None] > 0, rows.end[row], rows.start[row])
    place = _in_grid(place, grid)
    return {
        "event": rows.event[row],
        "point_x": place[:, 0],
        "point_y": place[:, 1],
        "point_z": place[:, 2],
        "point_semantic": _particle_classes(rows, grid)[row],
        "point_end": is_end,
        "point_particle": rows.number[row].astype(np.int32),
    }


def _in_grid(place_cm: Array, grid: VoxelGrid) -> NDArray[np.float32]:
    """Places in voxels, float32, which rounding must not carry out of the grid."""
    most = np.nextafter(np.array(grid.shape, np.float32), np.float32(0))
    found = (place_cm * (10 / grid.voxel_mm)).astype(np.float32)
    clipped: NDArray[np.float32] = np.clip(found, np.float32(0), most)
    return clipped


def _offsets(event: Whole, events: int) -> NDArray[np.int64]:
    return offsets_of(np.bincount(event, minlength=events))
