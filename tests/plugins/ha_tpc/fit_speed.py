"""Tracks per second of CPU of the classical fits on events of the gun: run it with python.

python tests/plugins/ha_tpc/fit_speed.py 2000
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from zoo.api import Table
from zoo_ha_tpc.baselines import ChargeFit, FirstPad, OracleFit, TrackFit
from zoo_ha_tpc.charge_fit import ChargeFitConfig
from zoo_ha_tpc.fitting.config import FirstPadConfig, OracleFitConfig, TrackFitConfig
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.specs import SAMPLE


def rate(rows: int, work: Callable[[], object]) -> float:
    """Rows per second of CPU."""
    start = time.process_time()
    work()
    return rows / (time.process_time() - start)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    gun = Gun(GunConfig(start="face"))
    samples: Table = gun.simulate(np.arange(number, dtype=np.uint64), frozenset(SAMPLE))
    fit = TrackFit(TrackFitConfig(), gun.facts)
    calibrating = rate(number, lambda: fit.fit(iter([samples])))
    sys.stdout.write(f"{samples['hit_row'].lengths.mean():.0f} hits a track\n")
    sys.stdout.write(f"calibration of track-fit {calibrating:.0f} tracks/s\n")
    for name, model in (
        ("track-fit", fit),
        ("charge-fit", ChargeFit(ChargeFitConfig(), gun.facts)),
        ("first-pad", FirstPad(FirstPadConfig(), gun.facts)),
        ("oracle-fit", OracleFit(OracleFitConfig(), gun.facts)),
    ):
        sys.stdout.write(
            f"{name} {rate(number, lambda model=model: model.predict(samples)):.0f} tracks/s\n"
        )


if __name__ == "__main__":
    main()
