"""WatChMaL's digitised hits: positions in cm, y vertical, a START index, angles, energies, labels.

Frame of the file to ours: (x, y, z) becomes (x, -z, y), for positions and directions alike. Angles
are the polar one from y and the azimuth from x towards z.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError, open_hdf5
from zoo_optics.sources.files_config import WatchmalConfig
from zoo_optics.sources.flash_files import FlashFiles
from zoo_optics.sources.hdf5 import dataset, rows_of
from zoo_optics.sources.upright import direction_of_angles, upright

__all__ = ["Watchmal"]

Array = NDArray[np.float64]


class Watchmal(FlashFiles):
    """A file, or a folder of them; see :class:`FlashFiles`.

    Raises:
        ConfigError: It is not told how many photons an event has.
    """

    config: WatchmalConfig

    def __init__(self, config: WatchmalConfig, path: str | Path) -> None:
        if not (config.photons or config.photons_per_mev):
            raise ConfigError(
                "it is not told how many photons an event starts",
                where="data.options.photons",
                remedy="set data.options.photons, or data.options.photons_per_mev",
            )
        super().__init__(config, path)

    def flashes(self, file: h5py.File, rows: slice) -> tuple[Array, Array, Array]:
        """See :meth:`FlashFiles.flashes`."""
        position = upright(rows_of(file, "positions", (1, 3), rows)[:, 0])
        angles = rows_of(file, "angles", (2,), rows)
        if np.any((angles[:, 0] < -1e-6) | (angles[:, 0] > np.pi + 1e-6)):
            raise DataError(
                f"polar angles from {angles[:, 0].min():.3g} to {angles[:, 0].max():.3g}",
                where=f"{file.filename}:/angles",
                remedy="write radians, polar from 0 to pi, then azimuth",
            )
        photons = np.full(len(position), self.config.photons)
        if self.config.photons_per_mev:
            energy = rows_of(file, "energies", (1,), rows)[:, 0]
            photons = np.rint(self.config.photons_per_mev * energy)
        return position, direction_of_angles(angles), photons

    def about(self) -> Mapping[str, Any]:
        """The format, and how many events have which label."""
        labels: dict[str, int] = {}
        for event_file in self.files:
            with open_hdf5(event_file.path) as file:
                found = np.asarray(dataset(file, "labels", ())[:])
            for label, count in zip(*np.unique(found, return_counts=True), strict=True):
                labels[str(label)] = labels.get(str(label), 0) + int(count)
        return {
            "emission": "directed",
            "files": {"format": "WatChMaL", "unit": "cm", "axes": "x, -z, y"},
            "labels": labels,
        }

    @property
    def isotropic(self) -> bool:
        """Never: events are particles."""
        return False
