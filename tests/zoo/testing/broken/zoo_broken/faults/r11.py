"""A field of another type than is declared; a unit that changes between samples and predictions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import Field, Specs, Table
from zoo_broken.base import Pulses

PREDICTION: Specs = {
    "position": Field(dtype="float32", unit="cm", meaning="estimate of the position"),
}


class DoublePulses(Pulses):
    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        found = super().simulate(keys, fields)
        if "pulse" not in found:
            return found
        return found.with_columns({"pulse": found["pulse"].astype(np.float64)})
