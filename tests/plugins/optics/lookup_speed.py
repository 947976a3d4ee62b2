"""Time per ray of the look-up and of a search over all sensors: run it with python.

The search is the one of simpleCherenkovSim's ``toyMC.py``: distances from the point where a ray
meets the wall to all sensors, and the smallest of them. The tank is the talk's, with 9946 sensors.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.lookup import SensorLookup
from zoo_optics.physics.walls import to_wall
from zoo_optics.sources.cherenkov import tank
from zoo_optics.sources.config import TankConfig


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest CPU time of several calls, s."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    detector, rng = tank(TankConfig()), np.random.default_rng(1)
    many, few = 200_000, 200
    lookup = SensorLookup(detector)
    start, way = detector.volume.points(rng.random((many, 3))), isotropic(rng.random((many, 2)))

    def nearest() -> None:
        distance, _ = to_wall(detector.volume, start[:few], way[:few])
        end = start[:few] + distance[:, None] * way[:few]
        np.linalg.norm(end[:, None] - detector.sensors.position_cm, axis=2).argmin(1)

    ours = 1e6 * best_of(5, lambda: lookup.first(start, way)) / many
    search = 1e6 * best_of(5, nearest) / few
    sys.stdout.write(
        f"look-up {ours:.2f} us/ray, search over {len(detector.sensors)} sensors "
        f"{search:.0f} us/ray: {search / ours:.0f} times faster\n"
    )


if __name__ == "__main__":
    main()
