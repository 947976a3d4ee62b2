"""Milliseconds per plane of the simulation and the deconvolution: run it with python.

A 1.4 m muon at several angles on 400 wires and 6000 ticks, analytic response and noise, warm.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.physics.tracks import muon_track


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest time of several calls, ms."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return 1e3 * min(spent)


def main() -> None:
    simulation, rng = Simulation(protodune_hd()), np.random.default_rng(1)
    for angle in (0, 30, 60, 85):
        clouds = simulation.drift(muon_track(1400.0, angle), rng)
        adc = simulation.waveforms(clouds, rng)["U"]
        steps = {
            "signal": best_of(5, lambda c=clouds: simulation.signal.waveforms(c, 0)),
            "noise": best_of(5, lambda: simulation.noise.waveforms(0, rng)),
            "deconvolution": best_of(5, lambda a=adc: simulation.deconvolver(a, 0)),
        }
        text = ", ".join(f"{name} {value:.0f} ms" for name, value in steps.items())
        sys.stdout.write(f"U, {angle} degrees: {text}\n")


if __name__ == "__main__":
    main()
