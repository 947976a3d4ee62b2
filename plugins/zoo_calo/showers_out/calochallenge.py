"""Voxels, as the CaloChallenge has them, and their binning as XML beside the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree as ET

import h5py

from zoo.api import (
    DataError,
    Table,
    append_rows,
    growing_dataset,
    new_hdf5,
    write_atomically,
)
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.showers import dense
from zoo_calo.showers_out.writer import Job, ShowerWriter

__all__ = ["binning_xml", "write"]

_MEV = 1000.0  # in a GeV
_TOGETHER_BYTES = 16 * 2**20
_PARTICLES = {22: "photon", 11: "electron", -11: "positron", 211: "pion", -211: "pion"}


class _Writer:
    def __init__(self, file: h5py.File, job: Job) -> None:
        self._job = job
        for name, text in job.about.items():
            file.attrs[name] = text
        self._energy = growing_dataset(file, "incident_energies", (1,), "float32")
        self._showers = growing_dataset(file, "showers", (job.grid.cells,), "float32")

    def append(self, showers: Table) -> None:
        """See :class:`ShowerWriter`."""
        step = max(_TOGETHER_BYTES // (4 * self._job.grid.cells), 1)
        for first in range(0, showers.rows, step):
            piece = showers.take(slice(first, first + step))
            append_rows(self._showers, dense(piece["cell"], piece["deposit"], self._job.grid.cells))
        append_rows(self._energy, _MEV * showers["energy"][:, None])


def binning_xml(grid: Grid, pdg: int) -> str:
    """The bins of a grid of rings as the CaloChallenge tells them."""
    root = ET.Element("Bins")
    name = _PARTICLES.get(pdg, "particle")
    bin_ = ET.SubElement(root, "Bin", {"pid": str(pdg), "name": name})
    for number, ring in enumerate(grid.rings):
        edges = ",".join(
            f"{edge:g}" if float(f"{edge:g}") == edge else repr(edge) for edge in ring.r_mm
        )
        told = {"id": str(number), "r_edges": edges, "n_bin_alpha": str(ring.alphas)}
        ET.SubElement(bin_, "Layer", told)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


@contextmanager
def write(job: Job) -> Iterator[ShowerWriter]:
    """A writer of this format.

    Raises:
        DataError: The grid has no rings, or showers have angles, which the format does not hold.
    """
    if not job.grid.rings:
        raise DataError(
            "square cells are no rings of the CaloChallenge",
            where=job.grid.name,
            remedy="write them as getting-high or calo-h5",
        )
    if job.angled:
        raise DataError(
            "the format of the CaloChallenge has no angles",
            where="theta",
            remedy="write them as calo-h5, or leave the angle out",
        )
    with new_hdf5(job.path) as file:
        yield _Writer(file, job)
    write_atomically(job.path.with_suffix(".xml"), binning_xml(job.grid, job.pdg))
