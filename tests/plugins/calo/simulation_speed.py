"""CPU time per shower of the two simulators, by energy: run it with python.

One process and one thread. The best of several calls counts, for a busy machine makes all of them
slower. Geant4 needs calzone and GEANT4_DATA_DIR; without them it is left out. Its cost of a run for
every key, by which a sample is its key alone, is measured with photons of 1 MeV.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.api import PluginError
from zoo_calo.sources import geant4_engine
from zoo_calo.sources.config import Geant4Config, GflashConfig
from zoo_calo.sources.geant4 import Geant4
from zoo_calo.sources.gflash import Gflash
from zoo_calo.specs import SAMPLE

FIELDS = frozenset(SAMPLE)


def spent(simulator: Any, showers: int, calls: int) -> tuple[float, float]:
    """Best and median of several calls, CPU ms per shower."""
    keys = np.arange(showers, dtype=np.uint64)
    simulator.simulate(keys[:1], FIELDS)
    times = [timed(lambda: simulator.simulate(keys, FIELDS)) / showers for _ in range(calls)]
    return min(times), float(np.median(times))


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def cost_of_runs(simulator: Geant4, photons: int = 300) -> float:
    """ms that a run of its own costs a key, beyond the showers."""
    engine = geant4_engine._engine(simulator.setup)

    def run(count: int) -> None:
        engine.random.seed = 1
        particles = engine.particles().pid(22).generate(count)
        particles["energy"] = 1.0
        engine.run(particles)

    one_run = timed(lambda: run(photons))
    many_runs = timed(lambda: [run(1) for _ in range(photons)])
    return (many_runs - one_run) / photons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--energies", type=float, nargs="+", default=[1, 2, 5, 10, 20, 50])
    parser.add_argument("--detector", default="ild-ecal")
    parser.add_argument("--particle", default="gamma")
    parser.add_argument("--showers", type=int, default=256, help="of a call of gflash")
    parser.add_argument("--gev", type=float, default=60, help="in showers of a call of Geant4")
    parser.add_argument("--calls", type=int, default=3)
    given = parser.parse_args()
    for energy in given.energies:
        settings = {
            "detector": given.detector, "particle": given.particle, "energies_gev": [energy],
        }  # fmt: skip
        best, median = spent(
            Gflash(GflashConfig.model_validate(settings)), given.showers, given.calls
        )
        text = f"{energy:g} GeV: gflash {best:.3f} ms at best, {median:.3f} in the median"
        try:
            simulator = Geant4(Geant4Config.model_validate(settings))
        except PluginError as error:
            sys.stdout.write(f"{text}; {error.message}\n")
            continue
        showers = max(int(given.gev / energy), 1)
        slow, slow_median = spent(simulator, showers, given.calls)
        sys.stdout.write(
            f"{text}; geant4 {slow:.1f} ms, {slow_median:.1f}; {slow / best:.0f} times; "
            f"a run of its own costs {cost_of_runs(simulator):.3f} ms\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
