"""Rows that are relative to the mean of whatever is measured together."""

from __future__ import annotations

from zoo.api import Table
from zoo_broken.base import PulseMetrics


class CentredMetrics(PulseMetrics):
    def measure(self, samples: Table, predictions: Table) -> Table:
        rows = super().measure(samples, predictions)
        return rows.with_columns({"residual": rows["residual"] - rows["residual"].mean()})
