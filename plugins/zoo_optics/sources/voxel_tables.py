"""Tables of visibilities by voxel as samples: one flash in the middle of every voxel.

A table that was simulated is an estimate with counting noise: photons times visibility are the
counts that were seen. They are the charges, and not what is expected, which nobody knows; only of
a table made by a formula (``exact``) they are both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, ConfigError, DataError, Table, file_digest, sample_ids
from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.sources.faults import alive_channels
from zoo_optics.sources.files_config import TablesConfig
from zoo_optics.sources.geometries import load_detector
from zoo_optics.sources.looks import require_light, require_near
from zoo_optics.sources.opdets import load_opdets
from zoo_optics.sources.sensor_order import require_facing, require_order

__all__ = ["Grid", "VoxelTable"]

Array = NDArray[np.float64]

_BLOCK_BYTES = 1 << 20
_LOOKS = 16  # places of the table that are looked at


@dataclass(frozen=True)
class Grid:
    """Where voxels are.

    Attributes:
        box: Around them, cm.
        shape: Voxels along x, y, z.
        x_fastest: Whether x runs first in the order of the voxels; else z does.
        reversed_axes: Axes counted from the highest corner.
    """

    box: Box
    shape: tuple[int, int, int]
    x_fastest: bool
    reversed_axes: frozenset[str] = frozenset()

    def centres(self, rows: NDArray[np.int64]) -> Array:
        """Middles of voxels by number, float64 (N, 3), cm."""
        order: Literal["F", "C"] = "F" if self.x_fastest else "C"
        index = np.stack(np.unravel_index(rows, self.shape, order=order), axis=1).astype(np.float64)
        share = (index + 0.5) / np.array(self.shape)
        flipped = np.array([axis in self.reversed_axes for axis in "xyz"])
        share = np.where(flipped, 1 - share, share)
        centres: Array = self.box.low + share * (self.box.high - self.box.low)
        return centres


class VoxelTable:
    """All voxels of one table.

    Args:
        config: Settings.
        path: The file.
        grid: Where its voxels are.
        channels: Columns of the table.
        voxel_bytes: What one takes in the file, unpacked.
        together: Voxels that the file has packed together.

    Attributes:
        path: The file.
        grid: Its voxels.
        detector: The sensors around the grid's box.
        photons: Of each voxel.
        fields: ``expected`` only of an exact table.
        facts: The geometry, and how the file is read.

    Raises:
        ConfigError: No geometry or no number of photons is given.
        DataError: The table is not what it seems.
    """

    def __init__(
        self,
        config: TablesConfig,
        path: Path,
        grid: Grid,
        channels: int,
        *,
        voxel_bytes: int,
        together: int = 1,
    ) -> None:
        self.config, self.path, self.grid = config, path, grid
        self.photons = self._photons()
        sensors, self._columns = _sensors(config, grid.box, channels, path)
        self.detector = Detector(sensors, grid.box)
        require_near(sensors, grid.box, f"{config.geometry} and {path}")
        self.voxels = int(np.prod(grid.shape))
        packs = _BLOCK_BYTES // (voxel_bytes * together)
        self.rows = config.rows or max(1, packs) * together
        self.fields = frozenset({"position", "photons", "charge"})
        self.fields |= {"expected"} if config.exact else set()
        self.facts: Mapping[str, Any] = {
            **self.detector.facts(),
            "emission": "isotropic",
            "channels": self._columns.tolist(),
            "voxels": list(grid.shape),
            "files": {"unit": "cm", "photons": self.photons, "exact": config.exact},
        }
        self._alive = alive_channels(self._columns, config.dead) if config.dead else None
        if self._alive is not None:
            self.fields |= {"alive"}
            self.facts = {**self.facts, "alive": self._alive}
        self._digest = ""
        self._look()

    def visibility(self, first: int, count: int) -> Array:
        """Of some voxels, float64 (count, channels), read in one piece.

        Raises:
            DataError: The file is damaged.
        """
        raise NotImplementedError  # abstract: each format has its own

    def told_photons(self) -> float:
        """How many photons a voxel had, where the file tells; else 0."""
        return 0.0

    def blocks(self) -> Sequence[Block]:
        """Runs of voxels in the order of the file."""
        return [
            Block(f"voxels from {first}", min(self.rows, self.voxels - first), f"voxels {first}")
            for first in range(0, self.voxels, self.rows)
        ]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Voxels of a block: only these are read.

        Raises:
            DataError: A visibility is none, or a field is asked for that the table has not.
        """
        unknown = fields - self.fields - {"id"}
        if unknown:
            raise DataError(
                f"it has no {', '.join(sorted(unknown))}",
                where=str(self.path),
                remedy="set data.options.exact if the table comes from a formula"
                if unknown == {"expected"}
                else f"its fields are {sorted(self.fields)}",
            )
        start = int(block.key.rsplit(" ", 1)[1])
        number = np.arange(start, start + block.rows)[rows]
        if not self._digest:
            self._digest = file_digest(self.path)
        columns: dict[str, Any] = {
            "id": sample_ids(self._digest, number),
            "position": self.grid.centres(number).astype(np.float32),
            "photons": np.full(len(number), self.photons, np.float32),
        }
        if fields & {"charge", "expected"}:
            seen = (self.photons * self._seen(int(number[0]), len(number))).astype(np.float32)
            columns |= {"charge": seen, "expected": seen}
        if self._alive is not None:
            columns["alive"] = np.tile(self._alive, (len(number), 1))
        return Table(columns).select(fields)

    def _seen(self, first: int, count: int) -> Array:
        """Visibility of the geometry's sensors, checked."""
        found = self.visibility(first, count)[:, self._columns]
        wrong = ~((found >= 0) & (found <= 1))
        if wrong.any():
            row, channel = np.argwhere(wrong)[0]
            raise DataError(
                f"{int(wrong.sum())} visibilities are not between 0 and 1, the first "
                f"{found[row, channel]:.4g} of channel {self._columns[channel]}",
                where=f"{self.path}, voxel {first + row}",
                remedy="a visibility is a probability: divide counts by the photons of a voxel",
            )
        return found

    def _photons(self) -> float:
        photons = self.config.photons or self.told_photons()
        if not photons:
            raise ConfigError(
                "it is not told how many photons a voxel was simulated with",
                where="data.options.photons",
                remedy="set it: visibilities below its inverse are unknown",
            )
        return photons

    def _look(self) -> None:
        """Refuse what is not what it seems, in runs of voxels that are spread over the table."""
        blocks = self.blocks()
        chosen = np.unique(np.linspace(0, len(blocks) - 1, min(_LOOKS, len(blocks))).astype(int))
        each = max(1, self.config.look // len(chosen))
        position, seen = [], []
        for number in chosen:
            rows = min(each, blocks[number].rows)
            first = number * self.rows + (blocks[number].rows - rows) // 2
            position.append(self.grid.centres(np.arange(first, first + rows)))
            seen.append(self._seen(first, rows))
        where, places, shares = str(self.path), np.concatenate(position), np.concatenate(seen)
        require_light(shares.astype(np.float32), where)
        if len(shares) > 1 and np.all(shares == shares[0]):
            raise DataError(
                f"all {len(shares)} voxels looked at are copies of one",
                where=where,
                remedy="the library was filled with one event: make it again",
            )
        if self.config.agreement > -10:
            require_facing(places, shares, self.detector.sensors, where)
            require_order(places, shares, self.detector.sensors, self.config.agreement, where)


def _sensors(
    config: TablesConfig, box: Box, channels: int, path: Path
) -> tuple[Sensors, NDArray[np.int64]]:
    """The sensors of the geometry, and the column of each in the table."""
    if not config.geometry:
        raise ConfigError(
            "the geometry is missing",
            where="data.options.geometry",
            remedy="give the file of the sensors: .npz, Wire-Cell's opdet-geom.json, WCSim's .txt",
        )
    file = Path(config.geometry)
    if _has_opdets(file):
        sensors, number = load_opdets(file, box, config.sensor_radius_cm)
        fits = int(number.max()) < channels
    else:
        sensors = load_detector(file, radius_cm=config.sensor_radius_cm).sensors
        number = np.arange(len(sensors))
        fits = len(sensors) == channels
    if not fits:
        raise DataError(
            f"{channels} channels, the geometry has {len(sensors)} sensors up to number "
            f"{int(number.max())}",
            where=f"{path} and {file}",
            remedy="give the geometry that the table was made with",
        )
    return sensors, number


def _has_opdets(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8")) if file.suffix == ".json" else {}
    except (OSError, ValueError):
        return False  # the loader of geometries says what is wrong
    return isinstance(content, dict) and "opdets" in content
