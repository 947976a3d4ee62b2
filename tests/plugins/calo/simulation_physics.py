"""Response, resolution, hits and profile of a simulator, by energy: run it with python.

Energies are sums over cells above half of a MIP, with the weights of the layers. The fit of the
stochastic term is that of a / sqrt(E) to rms90 / mean90.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.response_fit import width90
from zoo_calo.sources.config import Geant4Config, GflashConfig
from zoo_calo.sources.geant4 import Geant4
from zoo_calo.sources.gflash import Gflash
from zoo_calo.specs import SAMPLE

Array = NDArray[np.float64]


def mean90(values: Array) -> float:
    """Mean of the shortest interval that holds 90 per cent of the values."""
    ordered = np.sort(values)
    count = int(np.ceil(0.9 * len(ordered)))
    lengths = ordered[count - 1 :] - ordered[: len(ordered) - count + 1]
    first = int(np.argmin(lengths))
    return float(ordered[first : first + count].mean())


def observed(grid: Grid, table: Table) -> tuple[Array, Array, Array]:
    """Visible energy and hits of every shower, and the mean energy of every layer."""
    shower = np.repeat(np.arange(table.rows), table["cell"].lengths)
    cell, deposit = table["cell"].values, table["deposit"].values.astype(np.float64)
    deposit = np.where(deposit > grid.threshold_mev, deposit, 0)
    energy = np.bincount(shower, grid.weight[cell] * deposit, table.rows)
    hits = np.bincount(shower, deposit > 0, table.rows)
    return energy, hits, np.bincount(grid.layer[cell], deposit, grid.layers) / table.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", choices=["gflash", "geant4"], default="gflash")
    parser.add_argument("--detector", default="ild-ecal")
    parser.add_argument("--particle", default="gamma")
    parser.add_argument("--theta", type=float, default=90.0, help="degrees; 90 is normal")
    parser.add_argument("--energies", type=float, nargs="+", default=[1, 2, 5, 10, 20, 50])
    parser.add_argument("--showers", type=int, nargs="+", default=[300, 300, 300, 200, 100, 50])
    given = parser.parse_args()
    line = "{:>6} {:>6} {:>9} {:>9} {:>7} {:>9} {:>7} {:>7} {:>8}\n"
    sys.stdout.write(
        line.format("GeV", "n", "ms", "MeV/GeV", "+-", "rms90 %", "a %", "hits", "layer")
    )
    widths, errors, energies = [], [], []
    for energy, count in zip(given.energies, given.showers, strict=True):
        settings: dict[str, Any] = {
            "detector": given.detector, "particle": given.particle, "energies_gev": [energy],
            "theta_deg": [given.theta, given.theta],
        }  # fmt: skip
        simulator: Gflash | Geant4
        if given.source == "gflash":
            simulator = Gflash(GflashConfig.model_validate(settings))
        else:
            simulator = Geant4(Geant4Config.model_validate(settings))
        start = time.process_time()
        table = simulator.simulate(np.arange(count, dtype=np.uint64), frozenset(SAMPLE))
        spent = 1e3 * (time.process_time() - start) / count
        seen, hits, layers = observed(simulator.grid, table)
        width, mean = width90(seen) / mean90(seen), mean90(seen)
        widths.append(width)
        errors.append(width / np.sqrt(2 * 0.9 * count))
        energies.append(energy)
        depth = float(np.average(np.arange(len(layers)), weights=layers))
        numbers = (
            f"{energy:g}",
            count,
            f"{spent:.2f}",
            f"{mean / energy:.2f}",
            f"{width90(seen) / energy / np.sqrt(0.9 * count):.2f}",
            f"{100 * width:.2f}",
            f"{100 * width * np.sqrt(energy):.1f}",
            f"{hits.mean():.1f}",
            f"{depth:.2f}",
        )
        sys.stdout.write(line.format(*numbers))
        share = " ".join(f"{one:.4f}" for one in layers / layers.sum())
        sys.stdout.write(f"       share of layers: {share}\n")
        sys.stdout.flush()
    weight = 1 / np.array(energies) / np.array(errors) ** 2
    terms = np.array(widths) * np.sqrt(energies)
    term = float(np.average(terms, weights=weight))
    sys.stdout.write(f"a = {100 * term:.2f} +- {100 / np.sqrt(weight.sum()):.2f} % sqrt(GeV)\n")


if __name__ == "__main__":
    main()
