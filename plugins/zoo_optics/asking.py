"""What a model answers at points of our choice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table

__all__ = ["answers", "visibility_by"]

Array = NDArray[np.float64]


def answers(predictor: Predictor, position_cm: Array, sensors: int) -> Table:
    """Predictions of flashes of one photon at points (N, 3), cm, a row each.

    Args:
        predictor: What :func:`zoo.api.load` returns; a classical one is fitted.
        position_cm: Where light starts.
        sensors: How many the detector has.

    Raises:
        DataError: If the model answers for another number of sensors, or needs more than a point.
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
    told = predictor.predict(samples)
    if told["charge"].shape != (rows, sensors):
        raise DataError(
            f"the model answers for {told['charge'].shape[-1]} sensors, the data have {sensors}",
            where="geometry",
            remedy="take a model that was trained for this detector",
        )
    return told


def visibility_by(predictor: Predictor, position_cm: Array, sensors: int) -> Array:
    """Probability of detection, float64 (N, sensors), of points (N, 3), cm.

    Raises:
        DataError: As :func:`answers`.
    """
    found: Array = answers(predictor, position_cm, sensors)["charge"].astype(np.float64)
    return found
