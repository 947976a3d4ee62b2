"""The simulators of mini-track."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Simulator, Table, normal, row_ids, uniform
from zoo_miniatures.track.config import TracksConfig
from zoo_miniatures.track.physics import PADS, ROWS, VELOCITY, pad_shares, row_offsets

__all__ = ["Tracks", "Untimed"]

Array = NDArray[np.float64]
_PLACE, _CHARGE, _NOISE = 1, 2, 3  # tags of independent random numbers


class Tracks(Simulator):
    """Positions within 40 mm, slopes within 0.3, drift up to the depth of the volume."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "noise-x2": {"noise": 16.0},
        "diffusion+20%": {"diffusion": 0.3},
    }
    timed: ClassVar[bool] = True

    def __init__(self, config: TracksConfig) -> None:
        self.config = config
        self.facts: Mapping[str, Any] = {"diffusion": config.diffusion, "noise": config.noise}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        place = uniform(keys, 3, tag=_PLACE)
        position, slope = 80 * (place[:, 0] - 0.5), 0.6 * (place[:, 1] - 0.5)
        drift = self.config.depth * place[:, 2]
        columns: dict[str, Array] = {"position": position, "drift": drift}
        if self.timed:
            columns["drift_time"] = drift / VELOCITY
        if "pads" in fields:
            columns["pads"] = self._pads(position, slope, drift, keys)
        wanted = {name: columns[name].astype(np.float32) for name in columns if name in fields}
        return Table({"id": row_ids(keys, 1), **wanted})

    def _pads(self, position: Array, slope: Array, drift: Array, keys: NDArray[np.uint64]) -> Array:
        """Charges ``(N, ROWS, PADS)``, ADC: exponential tails per row, Gaussian noise per pad."""
        centre = position[:, None] + slope[:, None] * row_offsets()
        charge = 300 - 100 * np.log1p(-uniform(keys, ROWS, tag=_CHARGE))
        shares = pad_shares(centre, np.repeat(drift[:, None], ROWS, axis=1), self.facts)
        noise = self.config.noise * normal(keys, ROWS, PADS, tag=_NOISE)
        pads: Array = charge[..., None] * shares + noise
        return pads


class Untimed(Tracks):
    """A read-out that does not record when the charge arrived."""

    timed: ClassVar[bool] = False
