"""SimpleSim's files: positions in m, z vertical, an END index, and times that are all zero."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo_optics.sources.files_config import SimpleSimConfig
from zoo_optics.sources.flash_files import FlashFiles
from zoo_optics.sources.hdf5 import dataset, rows_of

__all__ = ["SimpleSim"]

Array = NDArray[np.float64]

_CM = 100.0


class SimpleSim(FlashFiles):
    """One file for each position, or a folder of them; see :class:`FlashFiles`."""

    unit: Literal["m", "cm"] = "m"
    config: SimpleSimConfig

    def __init__(self, config: SimpleSimConfig, path: str | Path) -> None:
        super().__init__(config, path)

    def flashes(self, file: h5py.File, rows: slice) -> tuple[Array, Array, Array]:
        """See :meth:`FlashFiles.flashes`; no direction is told, so it is zero."""
        dataset(file, "evt_id", ())
        position = _CM * rows_of(file, "positions", (1, 3), rows)[:, 0]
        return position, np.zeros_like(position), np.full(len(position), self.config.photons)

    def about(self) -> Mapping[str, Any]:
        """The format."""
        return {
            "emission": self.config.emission,
            "files": {"format": "SimpleSim", "unit": "m", "axes": "x, y, z"},
        }

    @property
    def isotropic(self) -> bool:
        """As the settings say."""
        return self.config.emission == "isotropic"
