"""Visible energy and depth of showers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from scipy.stats import wasserstein_distance

from zoo.api import Metrics, Number, Table

__all__ = ["ShowerMetrics"]


class ShowerMetrics(Metrics):
    """Distributions of generated showers against simulated ones of the same energies."""

    needs: ClassVar[frozenset[str]] = frozenset({"energy", "layers"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {"energy": (10.0, 40.0, 70.0, 100.0)}
    primary: ClassVar[str] = "visible W1"

    def measure(self, samples: Table, predictions: Table) -> Table:
        columns = {"id": samples.ids, "energy": samples["energy"].astype(np.float64)}
        for name, table in (("true", samples), ("generated", predictions)):
            layers = table["layers"].astype(np.float64)
            visible = layers.sum(1)
            depth = layers @ (np.arange(layers.shape[1]) + 0.5)
            columns[f"visible_{name}"] = visible / columns["energy"]
            columns[f"depth_{name}"] = depth / np.maximum(visible, 1e-9)
        return Table(columns)

    def summarise(self, rows: Table) -> Sequence[Number]:
        true, generated = rows["visible_true"], rows["visible_generated"]
        visible = depth = bias = float("nan")
        if rows.rows:
            visible = float(wasserstein_distance(true, generated))
            depth = float(wasserstein_distance(rows["depth_true"], rows["depth_generated"]))
            bias = float(generated.mean() / true.mean() - 1)
        return (
            Number(name="visible W1", value=100 * visible, unit="%"),
            Number(
                name="visible bias",
                value=100 * bias,
                unit="%",
                better="zero",
                margin=1.0,
                absolute=True,
            ),
            Number(name="depth W1", value=depth, unit="layers"),
        )
