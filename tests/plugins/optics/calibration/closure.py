"""How well calibrations close: yields of 15 % and a shift of 3 cm in boxes of argon.

``python tests/plugins/optics/calibration/closure.py PHOTONS [RUN ...]`` makes eight data sets of
300 flashes by ``lar-box`` and calibrates each run on each of them, and the simulation's own light
(``known``), of which nothing is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table, load
from zoo_optics.calibration.fit import calibrate
from zoo_optics.calibration.frozen import FrozenLight
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

Array = NDArray[np.float64]

SHIFT = np.array([1.5, -2.0, 1.7])
SETS, FLASHES = 8, 300


class Known(Predictor):
    """The light of the box as the simulation has it."""

    needs: frozenset[str] = frozenset({"position", "photons"})

    def __init__(self) -> None:
        self.box = LarBox(LarBoxConfig())

    def predict(self, samples: Table, keys: Any = None) -> Table:
        """``charge`` float64 (N, sensors)."""
        seen = self.box.visibility(samples["position"].astype(np.float64))
        return Table({"id": samples.ids, "charge": seen * samples["photons"][:, None]})


def data(number: int, photons: int) -> tuple[Table, Array]:
    """One data set and its yields."""
    faults = {"yield_rms": 0.15, "seed": number, "position_error_cm": (-SHIFT).tolist()}
    settings = {"margin_cm": 10, "photons": [photons, photons], "faults": faults}
    box = LarBox(LarBoxConfig.model_validate(settings))
    keys = np.arange(1000 * number, 1000 * number + FLASHES, dtype=np.uint64)
    return box.simulate(keys, frozenset({"position", "photons", "charge"})), box.faults.yields


def closure(predictor: Predictor, photons: int) -> dict[str, Array]:
    """Differences from the truth and pulls of all data sets."""
    found: dict[str, list[Array]] = {}
    for number in range(SETS):
        table, yields = data(number, photons)
        best = calibrate(FrozenLight(predictor, len(yields)), table)
        off, logs = best.offset_cm - SHIFT, np.log(best.yields / yields)
        for name, values in {
            "offset": off,
            "offset, counting": off / np.sqrt(np.diag(best.offset_covariance)),
            "offset, scatter": off / np.sqrt(np.diag(best.offset_scatter)),
            "yields": logs,
            "yields, counting": logs / best.errors,
            "yields, scatter": logs / best.scatter,
        }.items():
            found.setdefault(name, []).append(values)
    return {name: np.array(values) for name, values in found.items()}


def main(words: Sequence[str]) -> None:
    """Print a line for each model."""
    photons = int(words[0])
    models: dict[str, Any] = {"known": Known()} | {run: load(run) for run in words[1:]}
    for name, predictor in models.items():
        found = closure(predictor, photons)
        rms = {part: float(np.sqrt(np.mean(np.square(x)))) for part, x in found.items()}
        near = {part: float((np.abs(x) < 2).mean()) for part, x in found.items()}
        sys.stdout.write(
            f"{name}: offset off by {found['offset'].mean(0).round(2)} cm on average, RMS "
            f"{rms['offset']:.2f} cm, RMS of pulls {rms['offset, counting']:.2f} by counting, "
            f"{rms['offset, scatter']:.2f} by scatter; yields RMS {100 * rms['yields']:.2f} %, "
            f"pulls {rms['yields, counting']:.2f}, {rms['yields, scatter']:.2f}; within 2 sigma "
            f"{100 * near['offset, counting']:.0f} % and {100 * near['yields, counting']:.0f} %\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
