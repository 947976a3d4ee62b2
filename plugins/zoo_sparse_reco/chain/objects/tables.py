"""Tables of one event: voxels, fragments, particles, interactions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.objects.event import Event
from zoo_sparse_reco.chain.objects.fragments import fragments_of
from zoo_sparse_reco.chain.objects.interactions import interaction_columns
from zoo_sparse_reco.chain.objects.particles import particle_columns, particles_of
from zoo_sparse_reco.chain.specs import RECO
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["tables_of"]


def tables_of(event: Event, grid: VoxelGrid) -> dict[str, NDArray[Any]]:
    """Columns of :data:`~zoo_sparse_reco.chain.specs.RECO`, of one event.

    Args:
        event: What the stages say; it may have no voxel.
        grid: Of its voxels.
    """
    fragments = fragments_of(event)
    made = particles_of(event, fragments, grid)
    columns: dict[str, NDArray[Any]] = {
        **{f"voxels/{axis}": event.place[:, number] for number, axis in enumerate("xyz")},
        "voxels/deposit": event.deposit,
        "voxels/semantic": event.semantic,
        "voxels/fragment": fragments.number,
        "voxels/particle": event.particle,
        "voxels/interaction": _of_particles([one.interaction for one in made], event),
        **fragments.columns(event),
        **particle_columns(event, made, grid),
    }
    columns |= interaction_columns(event, columns)
    return {name: np.asarray(columns[name]).astype(field.dtype) for name, field in RECO.items()}


def _of_particles(values: list[int], event: Event) -> NDArray[np.int64]:
    """A number of particles, for their voxels; -1: of no particle."""
    return np.array([*values, -1], np.int64)[event.particle]
