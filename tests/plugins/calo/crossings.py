"""What single tracks leave in single cells, from Geant4: run it with python.

Makes the two spectra of ``zoo_calo.physics.spots``: quantiles of tracks within 2 mm of the axis,
and beyond 10 mm, in units of the most probable loss.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_calo.physics.locate import cell_at
from zoo_calo.physics.medium import most_probable_mev
from zoo_calo.physics.spots import SHARES
from zoo_calo.sources.config import Geant4Config
from zoo_calo.sources.geant4 import Geant4
from zoo_calo.sources.geant4_engine import deposits_of

Array = NDArray[np.float64]

_ENERGIES_GEV = {2.0: 24, 5.0: 24, 8.0: 24, 20.0: 6}  # and how many showers of each
_LEAST_MEV = 1e-3


def crossings(simulator: Geant4, key: int, energy_gev: float) -> tuple[Array, Array]:
    """Radius (mm) and energy (MeV) of every track in every cell that it crosses."""
    stack = simulator.stack
    rows: list[Array] = []
    deposits = deposits_of(simulator.setup, energy_gev, np.pi / 2, np.uint64(key))
    for path, found in deposits.items():
        plate = int(path.rpartition("Sensitive")[2])
        line, point = found.line, found.point
        for place, steps in (((line["start"] + line["end"]) / 2, line), (point["position"], point)):
            xy = 10 * place[:, :2]
            layer = np.full(len(steps), stack.layer[plate])
            cell = cell_at(simulator.grid, layer, xy[:, 0], xy[:, 1])
            rows.append(
                np.stack([steps["tid"], cell, np.hypot(*xy.T), steps["value"]], 1).astype(float)
            )
    every = np.concatenate(rows)
    every = every[every[:, 1] >= 0]
    _, at = np.unique(every[:, :2], axis=0, return_inverse=True)
    energy = np.bincount(at.ravel(), every[:, 3])
    radius = np.bincount(at.ravel(), every[:, 2] * every[:, 3]) / np.maximum(energy, 1e-12)
    return radius[energy > _LEAST_MEV], energy[energy > _LEAST_MEV]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="as many showers")
    given = parser.parse_args()
    settings: dict[str, Any] = {"detector": "ild-ecal"}
    simulator = Geant4(Geant4Config.model_validate(settings))
    unit, key = most_probable_mev(simulator.stack.sensitive[0]), 0
    found = []
    for energy, count in _ENERGIES_GEV.items():
        for _ in range(given.times * count):
            key += 1
            found.append(crossings(simulator, key, energy))
    radius, deposit = (np.concatenate([one[at] for one in found]) for at in (0, 1))
    sys.stdout.write(f"{len(deposit)} entries, shares {' '.join(f'{s:g}' for s in SHARES)}\n")
    for name, chosen in (("near", radius < 2), ("far", radius > 10)):
        quantiles = " ".join(f"{q:.3f}" for q in np.quantile(deposit[chosen], SHARES) / unit)
        sys.stdout.write(f"{name}: mean {deposit[chosen].mean() / unit:.3f}; {quantiles}\n")
    edges = [0, 1, 2, 3.5, 5, 7, 10, 15, 20, 30, 40, 60, 100]
    for low, high in pairwise(edges):
        chosen = (radius >= low) & (radius < high)
        sys.stdout.write(f"{low:g} to {high:g} mm: mean {deposit[chosen].mean() / unit:.2f}\n")


if __name__ == "__main__":
    main()
