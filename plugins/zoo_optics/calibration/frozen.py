"""The light of a model that stays as it is, and how it changes with the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table

__all__ = ["FrozenLight", "Parts", "parts_of"]

Array = NDArray[np.float64]

LEAST_VISIBILITY = 1e-12
"""Below it a model's answer counts as this much."""
STEP_CM = 0.5
"""Of the differences: small against what light changes over, large against float32's noise."""
_PAIRS = 1 << 18  # flash and sensor that are worked on at a time


@dataclass(frozen=True)
class Parts:
    """Some flashes.

    Attributes:
        position_cm: (N, 3), as it is believed.
        photons: (N,).
        charge: (N, S), 0 where ``alive`` is 0.
        alive: (N, S) or (1, 1), 0 for dead sensors, else 1.
    """

    position_cm: Array
    photons: Array
    charge: Array
    alive: Array


class FrozenLight:
    """Visibilities of a model and their slopes.

    Args:
        predictor: What :func:`zoo.api.load` returns.
        sensors: Number of sensors of the data.
    """

    def __init__(self, predictor: Predictor, sensors: int) -> None:
        self.predictor, self.sensors = predictor, sensors

    def visibility(self, position_cm: Array) -> Array:
        """(N, S) at points (N, 3), at least 1e-12.

        Raises:
            DataError: If the model answers for another number of sensors, or not in numbers.
        """
        rows = len(position_cm)
        samples = Table(
            {
                "id": np.arange(rows, dtype=np.uint64),
                "position": position_cm.astype(np.float32),
                "photons": np.ones(rows, dtype=np.float32),
            }
        )
        found: Array = self.predictor.predict(samples)["charge"].astype(np.float64)
        if found.shape != (rows, self.sensors) or not np.isfinite(found).all():
            raise DataError(
                f"answers of shape {found.shape} for {self.sensors} sensors, or not all finite",
                where="model",
                remedy="take a model that was trained for this detector",
            )
        return np.maximum(found, LEAST_VISIBILITY)

    def with_slopes(self, position_cm: Array) -> tuple[Array, Array]:
        """Visibilities (N, S) and slopes of their logarithms (N, S, 3), per cm."""
        slopes = [
            np.log(self.visibility(position_cm + step) / self.visibility(position_cm - step))
            for step in STEP_CM * np.eye(3)
        ]
        return self.visibility(position_cm), np.stack(slopes, axis=2) / (2 * STEP_CM)


def parts_of(samples: Table) -> Iterator[Parts]:
    """A few flashes at a time.

    Args:
        samples: ``position``, ``photons``, ``charge`` and, where sensors are dead, ``alive``.
    """
    sensors = samples["charge"].shape[1]
    step = max(1, _PAIRS // sensors)
    for first in range(0, samples.rows, step):
        some = samples.take(slice(first, first + step))
        alive = some["alive"].astype(np.float64) if "alive" in some else np.ones((1, 1))
        yield Parts(
            some["position"].astype(np.float64),
            some["photons"].astype(np.float64),
            some["charge"].astype(np.float64) * alive,
            alive,
        )
