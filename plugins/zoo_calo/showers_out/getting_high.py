"""Layers, as Getting High has them: a group with ``energy``, ``layers``, ``theta`` of many angles.

The group is named as the published ones are; its attribute ``zoo_grid`` tells where cells are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

from zoo.api import DataError, Table, append_rows, growing_dataset, new_hdf5
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.showers import dense
from zoo_calo.showers_out.writer import Job, ShowerWriter
from zoo_calo.sources.getting_high import GRID_ATTRIBUTE

__all__ = ["group_name", "write"]

_HCAL_LAYERS = 48
_TOGETHER_BYTES = 16 * 2**20


class _Writer:
    def __init__(self, file: h5py.File, job: Job) -> None:
        self._job = job
        group = file.create_group(group_name(job.grid))
        group.attrs[GRID_ATTRIBUTE] = json.dumps(job.grid.facts())
        for name, text in job.about.items():
            group.attrs[name] = text
        self._layers = growing_dataset(group, "layers", job.grid.shape, "float32")
        names = ("energy", "theta") if job.angled else ("energy",)
        self._columns = {name: growing_dataset(group, name, (1,), "float32") for name in names}

    def append(self, showers: Table) -> None:
        """See :class:`ShowerWriter`."""
        step = max(_TOGETHER_BYTES // (4 * self._job.grid.cells), 1)
        for first in range(0, showers.rows, step):
            piece = showers.take(slice(first, first + step))
            energy = dense(piece["cell"], piece["deposit"], self._job.grid.cells)
            append_rows(self._layers, energy.reshape(-1, *self._job.grid.shape))
        for name, found in self._columns.items():
            append_rows(found, showers[name][:, None])


def group_name(grid: Grid) -> str:
    """Name of the group: that of the published files, where there is one of such layers."""
    layers, x, y = grid.shape
    if (layers, x, y) == (30, 30, 30):
        return "30x30"
    return "hcal_only" if layers == _HCAL_LAYERS else f"{layers}x{x}x{y}"


@contextmanager
def write(job: Job) -> Iterator[ShowerWriter]:
    """A writer of this format.

    Raises:
        DataError: The grid is no box.
    """
    if job.grid.box is None:
        raise DataError(
            "layers of rings are no layers of square cells",
            where=job.grid.name,
            remedy="write them as calochallenge or calo-h5",
        )
    with new_hdf5(job.path) as file:
        yield _Writer(file, job)
