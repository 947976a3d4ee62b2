"""The light of points by any model of the task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table

__all__ = ["visibility_by"]

Array = NDArray[np.float64]


def visibility_by(predictor: Predictor, position_cm: Array, sensors: int) -> Array:
    """Probability of detection, float64 (N, sensors), of points (N, 3), cm.

    Raises:
        DataError: If the model answers for another number of sensors.
    """
    rows = len(position_cm)
    samples = Table(
        {
            "id": np.arange(rows, dtype=np.uint64),
            "position": position_cm.astype(np.float32),
            "photons": np.ones(rows, dtype=np.float32),
            "charge": np.zeros((rows, sensors), dtype=np.float32),
        }
    )
    found: Array = predictor.predict(samples)["charge"].astype(np.float64)
    if found.shape != (rows, sensors):
        raise DataError(
            f"the model answers for {found.shape[-1]} sensors, the data have {sensors}",
            where="geometry",
            remedy="take a model that was trained for this detector",
        )
    return found
