"""What writes showers, and which formats there are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from zoo.api import DataError, Table, UsageError
from zoo_calo.physics.grid import Grid

__all__ = ["FORMATS", "Job", "ShowerWriter", "open_writer", "require_cells"]

FORMATS: Mapping[str, str] = {
    "calo-h5": "zoo_calo.showers_out.calo_h5:write",
    "getting-high": "zoo_calo.showers_out.getting_high:write",
    "calochallenge": "zoo_calo.showers_out.calochallenge:write",
    "lcio": "zoo_calo.showers_out.lcio_out:write",
}
"""Format to a function of a job, which returns a context with a writer."""


class ShowerWriter(Protocol):
    """Writes showers in pieces."""

    def append(self, showers: Table) -> None:
        """Write some: ``energy``, ``cell``, ``deposit``, and ``theta`` in all pieces or none.

        Raises:
            DataError: Cells are not of the grid.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is written where.

    Attributes:
        path: The file.
        grid: Of the cells.
        angled: Whether showers have ``theta``.
        outside: Whether showers have ``outside``; formats without a place for it leave it out.
        map: Cell map through which hits get places in a detector; empty: in the grid's frame.
        collection: Name of the hits.
        pdg: Kind of the particle.
        about: Texts by name that tell how the file came to be, where the format has a place.
    """

    path: Path
    grid: Grid
    angled: bool = False
    outside: bool = False
    map: str = ""
    collection: str = "SimCalorimeterHit"
    pdg: int = 22
    about: Mapping[str, str] = field(default_factory=dict)


def open_writer(format_: str, job: Job) -> AbstractContextManager[ShowerWriter]:
    """A writer, for the time of a ``with``; the file appears when that ends well.

    Raises:
        UsageError: There is no such format, or the file cannot be written.
        DataError: The format does not hold such a grid.
    """
    if format_ not in FORMATS:
        raise UsageError(
            f"no such format '{format_}'", where="format", remedy=f"known: {', '.join(FORMATS)}"
        )
    module, _, name = FORMATS[format_].partition(":")
    make: Any = getattr(import_module(module), name)
    return cast("AbstractContextManager[ShowerWriter]", make(job))


def require_cells(showers: Table, grid: Grid) -> None:
    """Refuse cells that the grid does not have.

    Raises:
        DataError: There are some.
    """
    values = showers["cell"].values
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < grid.cells:
        raise DataError(
            f"cells {int(values.min())} to {int(values.max())}, and the grid has {grid.cells}",
            where="cell",
            remedy="write showers with the grid that they were made on",
        )
