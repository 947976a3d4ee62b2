"""Events per CPU second of the simulator: run it with python.

Events as PILArNet's, of about 4,000 voxels in 768^3; the same with ghosts; small ones in 192^3; one
event at a time. CPU time of one thread: a busy machine does not count, but makes all a little
slower, so the best of several calls stands beside the median.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.specs import SAMPLE

SETTINGS: dict[str, tuple[dict[str, Any], int]] = {
    "pilarnet": ({}, 64),
    "pilarnet, one at a time": ({}, 1),
    "pilarnet, ghosts": ({"ghosts": {}}, 64),
    "small": ({"preset": "small"}, 64),
    "20 vertices": ({"vertices": [20, 20], "rain": [0, 0]}, 8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3)
    given = parser.parse_args()
    fields = frozenset(SAMPLE)
    for name, (settings, number) in SETTINGS.items():
        events = Events(EventsConfig.model_validate(settings))
        calls = given.calls if number > 1 else 16 * given.calls
        spent, voxels = [], []
        for call in range(-1, calls):
            keys = np.arange(number, dtype=np.uint64) + np.uint64((call + 1) * number)
            start = time.process_time()
            table = events.simulate(keys, fields)
            if call >= 0:  # the first call makes tables of ranges
                spent.append(time.process_time() - start)
                voxels.append(table["deposit"].lengths.mean())
        sys.stdout.write(
            f"{name}: {number / min(spent):.0f} events/s at best, "
            f"{number * len(spent) / sum(spent):.0f} on average, "
            f"{np.mean(voxels):.0f} voxels each\n"
        )


if __name__ == "__main__":
    main()
