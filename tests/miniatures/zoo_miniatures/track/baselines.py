"""Classical reconstruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table
from zoo_miniatures.track.config import BaselineConfig
from zoo_miniatures.track.physics import PITCH, VELOCITY, edges, pad_shares, row_offsets

__all__ = ["Centroid", "DiffusionFit"]

Array = NDArray[np.float64]


class Centroid(Predictor):
    """Centres of charge in the rows, then a line; its spread on training tracks is its sigma."""

    needs = frozenset({"pads"})
    targets = frozenset({"position"})

    def __init__(self, config: BaselineConfig, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.sigma = config.sigma

    def fit(self, training: Iterable[Table]) -> None:
        residuals = [self.positions(part) - part["position"] for part in training]
        self.sigma = float(np.quantile(np.abs(np.concatenate(residuals)), 0.6827))

    def positions(self, samples: Table) -> Array:
        """Positions ``(N,)`` in the middle of the plane, mm: the line's value there."""
        centres = self.centres(samples)
        offsets = row_offsets()
        slope = (centres @ offsets)[:, None] / (offsets @ offsets)
        positions: Array = (centres - slope * offsets).mean(1)
        return positions

    def centres(self, samples: Table) -> Array:
        """Centre of charge ``(N, ROWS)`` of each row, mm, from pads above three sigma of noise."""
        pads = samples["pads"].astype(np.float64)
        charge = np.where(pads > 3 * self.facts["noise"], pads, 0.0)
        middle = edges()[:-1] + PITCH / 2
        centres: Array = charge @ middle / np.maximum(charge.sum(2), 1e-9)
        return centres

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        position = self.positions(samples).astype(np.float32)
        return Table(
            {
                "id": samples.ids,
                "position": position,
                "sigma": np.full_like(position, self.sigma),
                "accepted": np.ones(len(position), np.int8),
            }
        )


class DiffusionFit(Centroid):
    """Least squares of the expected charge shares, whose width the drift time tells."""

    needs = frozenset({"pads", "drift_time"})

    def centres(self, samples: Table) -> Array:
        centres = super().centres(samples)
        pads = samples["pads"].astype(np.float64)
        drift = np.repeat(samples["drift_time"][:, None] * VELOCITY, pads.shape[1], axis=1)
        seen = pads / np.maximum(pads.sum(2, keepdims=True), 1e-9)
        for _ in range(5):  # Gauss-Newton; the centroid is a good start
            model = pad_shares(centres, drift, self.facts)
            slope = (pad_shares(centres + 0.1, drift, self.facts) - model) / 0.1
            step = ((seen - model) * slope).sum(2) / np.maximum((slope**2).sum(2), 1e-9)
            centres = centres + step.clip(-PITCH / 2, PITCH / 2)
        return centres
