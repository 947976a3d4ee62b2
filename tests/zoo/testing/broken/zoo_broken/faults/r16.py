"""Numbers that fail on no rows; numbers that leave out what is not finite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.api import Number, Table
from zoo_broken.base import PulseMetrics


class LargestMetrics(PulseMetrics):
    def summarise(self, rows: Table) -> Sequence[Number]:
        largest = float(np.abs(rows["residual"]).max())
        return (*super().summarise(rows), Number(name="largest", value=largest, unit="mm"))


class SilentMetrics(PulseMetrics):
    def summarise(self, rows: Table) -> Sequence[Number]:
        return super().summarise(rows.take(np.isfinite(rows["residual"])))
