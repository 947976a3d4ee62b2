"""Events per CPU second of the particle gun: run it with python.

The talk's gun; tracks that cross the whole plane; tracks of any direction and slope. The best of
several calls counts, for a busy machine makes all of them slower.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.specs import SAMPLE

SETTINGS: dict[str, dict[str, Any]] = {
    "from the face": {"start": "face"},
    "whole plane": {"start": "face", "phi_deg": [-5, 5], "least_length_mm": 1500},
    "anywhere": {"phi_deg": [-180, 180], "tan_lambda": [-1, 1]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=96, help="of a call")
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    keys, fields = np.arange(given.events, dtype=np.uint64), frozenset(SAMPLE)
    for name, settings in SETTINGS.items():
        start = time.process_time()
        gun = Gun(GunConfig.model_validate({**settings, "device": given.device}))
        table = gun.simulate(keys[:1], fields)
        built = time.process_time() - start
        spent = []
        for _ in range(given.calls):
            start = time.process_time()
            table = gun.simulate(keys, fields)
            spent.append(time.process_time() - start)
        sys.stdout.write(
            f"{name}: {given.events / min(spent):.0f} events/s at best, "
            f"{given.events / np.median(spent):.0f} in the median, "
            f"{table['hit_charge'].lengths.mean():.0f} hits each; built in {built:.2f} s\n"
        )


if __name__ == "__main__":
    main()
