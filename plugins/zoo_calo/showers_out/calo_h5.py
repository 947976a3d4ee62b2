"""Cells with energy, as ``zoo_calo.sources.calo_h5`` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import numpy as np

from zoo.api import Table, append_rows, growing_dataset, new_hdf5
from zoo_calo.showers_out.writer import Job, ShowerWriter, require_cells
from zoo_calo.sources.getting_high import GRID_ATTRIBUTE

__all__ = ["write"]

_COLUMNS = {"cell": "int32", "deposit": "float32", "offsets": "int64"}


class _Writer:
    def __init__(self, file: h5py.File, job: Job) -> None:
        self._job = job
        file.attrs[GRID_ATTRIBUTE] = json.dumps(job.grid.facts())
        for name, text in job.about.items():
            file.attrs[name] = text
        told = (("theta", job.angled), ("outside", job.outside))
        self._single = ["energy", *(name for name, there in told if there)]
        columns = _COLUMNS | dict.fromkeys(self._single, "float32")
        self._found = {
            name: growing_dataset(file, name, (), dtype) for name, dtype in columns.items()
        }
        append_rows(self._found["offsets"], np.zeros(1, np.int64))
        self._hits = 0

    def append(self, showers: Table) -> None:
        """See :class:`ShowerWriter`."""
        require_cells(showers, self._job.grid)
        for name in self._single:
            append_rows(self._found[name], showers[name])
        cell, deposit = showers["cell"], showers["deposit"]
        append_rows(self._found["cell"], cell.values)
        append_rows(self._found["deposit"], deposit.values)
        append_rows(self._found["offsets"], cell.offsets[1:] - cell.offsets[0] + self._hits)
        self._hits += len(cell.values)


@contextmanager
def write(job: Job) -> Iterator[ShowerWriter]:
    """A writer of this format."""
    with new_hdf5(job.path) as file:
        yield _Writer(file, job)
