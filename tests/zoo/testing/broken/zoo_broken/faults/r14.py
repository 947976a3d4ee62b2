"""Two events, again and again under new keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, row_ids
from zoo_broken.base import Pulses


class RepeatedPulses(Pulses):
    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        found = super().simulate(keys % np.uint64(2), fields)
        return found.with_columns({"id": row_ids(keys, 1)})
