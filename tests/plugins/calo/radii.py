"""Radii of electromagnetic showers, from Geant4: run it with python.

Fits the factors on the radii of ``zoo_calo.physics.response`` to the share of the energy within 25
radii from 2 to 60 mm, in six groups of layers, of photons of 2 to 20 GeV in ``ild-ecal``; tells the
RMS of the difference for the factors as they are, for none, and for the fit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from zoo_calo.physics.components import components
from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.gflash import Gflash
from zoo_calo.physics.response import Response
from zoo_calo.sources.config import Geant4Config
from zoo_calo.sources.geant4 import Geant4
from zoo_calo.sources.geant4_engine import deposits_of, steps_of

Array = NDArray[np.float64]

_ENERGIES_GEV = {2.0: 24, 5.0: 24, 8.0: 24, 20.0: 6}  # and how many showers of each
_GROUPS = ((4, 7), (7, 10), (10, 13), (13, 16), (16, 20), (20, 25))
_RADII_MM = np.geomspace(2, 60, 25)
_NAMES = ("core", "tail", "core_growth", "core_share")
_NONE = (1.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class Measured:
    """Energy within radii (groups, radii) of Geant4 showers of one energy."""

    energy_gev: float
    within: Array


def measured() -> list[Measured]:
    """Geant4 showers."""
    simulator, key, found = Geant4(Geant4Config(detector="ild-ecal")), 0, []
    for energy, count in _ENERGIES_GEV.items():
        parts = []
        for _ in range(count):
            key += 1
            deposits = deposits_of(simulator.setup, energy, np.pi / 2, np.uint64(key))
            parts.append(np.stack(steps_of(deposits, np.inf), 1))
        plate, x, y, deposit = np.concatenate(parts).T
        radius, within = np.hypot(x, y), []
        for low, high in _GROUPS:
            of = (plate >= low) & (plate < high)
            inside = radius[of][:, None] < _RADII_MM
            within.append((deposit[of][:, None] * inside).sum(0) / deposit[of].sum())
        found.append(Measured(energy, np.stack(within)))
    return found


def expected(response: Response, energy_gev: float, showers: int = 60) -> Array:
    """The same of parametrised showers, (groups, radii)."""
    matter = Gflash(read_stack("ild-ecal"), response).matter
    keys, ones = np.arange(showers, dtype=np.uint64), np.ones(showers)
    seen, share = np.zeros(30), np.zeros((len(_RADII_MM), 30))
    for part in components(matter, "gamma", energy_gev * ones, ones, keys):
        seen += part.visible.sum(0)
        for at, radius in enumerate(_RADII_MM):
            share[at] += (part.visible * part.radial.within(np.array(radius))).sum(0)
    rows = [share[:, low:high].sum(1) / seen[low:high].sum() for low, high in _GROUPS]
    return np.stack(rows)


def main() -> None:
    geant4, nominal = measured(), read_stack("ild-ecal").response

    def difference(factors: Array) -> Array:
        response = replace(nominal, **dict(zip(_NAMES, map(float, factors), strict=True)))
        rows = [expected(response, one.energy_gev) - one.within for one in geant4]
        return np.concatenate([row.ravel() for row in rows])

    own = [getattr(nominal, name) for name in _NAMES]
    fit = least_squares(difference, own, max_nfev=8, diff_step=0.02).x
    for name, factors in (("none", _NONE), ("as they are", own), ("fit", fit)):
        rms = float(np.sqrt(np.mean(difference(np.asarray(factors)) ** 2)))
        text = ", ".join(f"{n} {f:.2f}" for n, f in zip(_NAMES, factors, strict=True))
        sys.stdout.write(f"{name}: {text}; RMS {rms:.3f}\n")


if __name__ == "__main__":
    main()
