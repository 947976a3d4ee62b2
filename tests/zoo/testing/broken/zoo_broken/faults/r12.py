"""Noise that is drawn for all keys of a call together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_broken.base import Pulses


class TogetherPulses(Pulses):
    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        found = super().simulate(keys, fields)
        if "pulse" not in found:
            return found
        draws = np.random.default_rng(int(keys[0])).normal(0, 0.1, found["pulse"].shape)
        return found.with_columns({"pulse": (found["pulse"] + draws).astype(np.float32)})
