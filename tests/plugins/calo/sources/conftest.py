"""What tests of files of showers share."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Layers:
    """Writes files of layers as Getting High and its successors do, without the plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def showers(
        self, shape: tuple[int, ...], count: int = 12, seed: int = 1
    ) -> tuple[Array, Array]:
        """Energies (count, 1), GeV, and sparse layers, MeV, with 30 MeV for each GeV."""
        rng = np.random.default_rng(seed)
        energy = rng.uniform(10, 100, (count, 1)).astype(np.float32)
        layers = np.zeros((count, *shape), np.float32)
        for row in range(count):
            where = tuple(rng.integers(0, size, 40) for size in shape)
            layers[(row, *where)] = rng.exponential(1.0, 40)
            layers[row] *= 30 * energy[row] / layers[row].sum()
        return energy, layers

    def write(self, group: str, energy: Array, layers: Array, **more: Array) -> Path:
        """One group, not compressed."""
        path = self.folder / "showers.hdf5"
        with h5py.File(path, "w") as file:
            place = file.create_group(group)
            for name, values in {"energy": energy, "layers": layers, **more}.items():
                place[name] = values
        return path


@pytest.fixture
def files(tmp_path: Path) -> Layers:
    """A writer of files in a folder of the test's own."""
    return Layers(tmp_path)
