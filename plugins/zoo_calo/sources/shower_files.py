"""What all files of showers share: blocks, ids, the fields that are asked for, and a first look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import Block, DataError, Ragged, Table, file_digest, sample_ids
from zoo_calo.physics.grid import Grid
from zoo_calo.sources.files_config import FilesConfig
from zoo_calo.sources.looks import (
    require_angles,
    require_deposits,
    require_particles,
    require_plausible,
)

__all__ = ["ShowerFile", "ShowerFiles", "visible"]

_CELLS = frozenset({"cell", "deposit"})
_PIECE = 8  # showers that are looked at together


@dataclass(frozen=True, slots=True)
class ShowerFile:
    """One file.

    Attributes:
        path: The file.
        showers: How many it has.
        rows: How many are read together.
    """

    path: Path
    showers: int
    rows: int


class ShowerFiles:
    """All showers of a file, or of all files in a folder.

    Args:
        config: Settings.
        path: What was asked for.
        files: By name.
        grid: Of the cells.
        fields: What every shower has.
        about: What the facts say of the files.

    Attributes:
        path: What was asked for.
        files: By name.
        grid: Of the cells.
        fields: What every shower has.
        facts: The grid, and how the files are read.

    Raises:
        DataError: There is no shower, or showers are not what they seem.
    """

    def __init__(
        self,
        config: FilesConfig,
        path: Path,
        *,
        files: Sequence[ShowerFile],
        grid: Grid,
        fields: frozenset[str],
        about: Mapping[str, Any],
    ) -> None:
        self.config = config
        self.path = path
        self.files = files
        self.grid = grid
        self.fields = fields
        self.facts: Mapping[str, Any] = {**grid.facts(), "files": dict(about)}
        self._digests: dict[Path, str] = {}
        self._by_key: dict[str, tuple[ShowerFile, range]] = {}
        for file in files:
            for first in range(0, file.showers, file.rows):
                run = range(first, min(first + file.rows, file.showers))
                self._by_key[f"{file.path.name}, showers {first} to {run.stop - 1}"] = (file, run)
        if not self._by_key:
            raise DataError("no showers", where=str(path), remedy="give another file")
        self._look()

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """Columns of some showers of a file: those asked for, without ``id``.

        Raises:
            DataError: The file is damaged.
        """
        raise NotImplementedError  # abstract: each format has its own

    def blocks(self) -> Sequence[Block]:
        """Runs of showers; no run crosses a file."""
        return [Block(key, len(rows), key) for key, (_, rows) in self._by_key.items()]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Showers of a run: only what is asked for is read.

        Raises:
            DataError: The file is damaged, lacks a field, or an energy is none.
        """
        file, run = self._by_key[block.key]
        chosen = run[rows]
        unknown = fields - self.fields - {"id"}
        if unknown:
            raise DataError(
                f"it has no {', '.join(sorted(unknown))}",
                where=str(file.path),
                remedy=f"its fields are {', '.join(sorted(self.fields))}",
            )
        columns = dict(self._checked(file.path, chosen, fields - {"id"}))
        columns["id"] = sample_ids(self._digest(file.path), np.asarray(chosen))
        return Table(columns).select(fields)

    def _checked(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        # Cells and their energies are one list: whoever asks for one makes both.
        wanted = fields | _CELLS if fields & _CELLS else fields
        columns = self.showers(path, rows, wanted) if wanted else {}
        where = f"{path}, showers {rows.start} to {rows.stop - 1}"
        if "deposit" in columns:
            require_deposits(columns["deposit"].values, where)
        if "energy" in columns:
            require_particles(columns["energy"], where)
        if "theta" in columns:
            require_angles(columns["theta"], where)
        return columns

    def _look(self) -> None:
        """Read showers, spread over all files, in pieces of a few, none twice."""
        asked = self.fields & {"energy", "theta", "outside", *_CELLS}
        total = sum(file.showers for file in self.files)
        energies, seen = [], []
        for file in self.files:
            starts = np.arange(0, file.showers, _PIECE)
            wanted = max(self.config.look * file.showers // (total * _PIECE), 1)
            places = np.linspace(0, len(starts) - 1, min(wanted, len(starts))).astype(int)
            for first in starts[np.unique(places)].tolist() if len(starts) else []:
                rows = range(first, min(first + _PIECE, file.showers))
                columns = self._checked(file.path, rows, asked)
                energies.append(columns["energy"])
                seen.append(visible(columns))
        require_plausible(
            np.concatenate(energies),
            np.concatenate(seen),
            self.config.plausible_mev_per_gev,
            self.config.most_empty,
            str(self.path),
        )

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_digest(path)
        return self._digests[path]


def visible(columns: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Energy of each shower (N,), MeV, in and outside of the grid."""
    deposit: Ragged = columns["deposit"]
    shower = np.repeat(np.arange(len(deposit)), deposit.lengths)
    total = np.bincount(shower, deposit.values, minlength=len(deposit))
    return np.asarray(total + columns.get("outside", 0.0), np.float32)
