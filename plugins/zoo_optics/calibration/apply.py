"""A model as a calibration has it: yields on its charges, its light where it really starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table

__all__ = ["Calibrated", "Constants", "read_calibration"]

Array = NDArray[np.float64]


class Constants:
    """What was calibrated.

    Attributes:
        yields: float64 (sensors,); 1 for sensors that nothing told.
        offset_cm: float64 (3,), to be added to positions as they are believed.
        geometry: Digest of the sensors.
    """

    def __init__(self, yields: Array, offset_cm: Array, geometry: str) -> None:
        self.yields, self.offset_cm, self.geometry = yields, offset_cm, geometry

    def require_same_detector(self, facts: Mapping[str, Any]) -> None:
        """Check that data have the sensors of the calibration.

        Raises:
            DataError: Naming both digests.
        """
        theirs = str(facts["geometry"]["digest"])
        if self.geometry != theirs:
            raise DataError(
                f"it is of the sensors {self.geometry[:12]}, the data have {theirs[:12]}",
                where="calibration: geometry",
                remedy="calibrate on data of the same detector",
            )


def read_calibration(path: Path) -> Constants:
    """What ``zoo optics calibrate`` wrote.

    Raises:
        DataError: If it is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        yields = np.array([1.0 if y is None else y for y in content["yields"]], dtype=np.float64)
        offset = np.array(content["offset_cm"], dtype=np.float64)
        geometry = str(content["geometry"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"no calibration ({error!r})",
            where=str(path),
            remedy="`zoo optics calibrate` writes one",
        ) from error
    sane = np.isfinite(yields).all() and (yields >= 0).all() and np.isfinite(offset).all()
    if yields.ndim != 1 or offset.shape != (3,) or not sane:
        raise DataError(
            f"yields of shape {yields.shape} and an offset of shape {offset.shape}, or a value "
            "that is negative or not finite",
            where=str(path),
            remedy="`zoo optics calibrate` writes it again",
        )
    return Constants(yields, offset, geometry)


class Calibrated(Predictor):
    """A predictor whose charges are multiplied by yields, of points that are shifted.

    Args:
        predictor: What :func:`zoo.api.load` returns.
        constants: Of the same sensors.
        facts: Those of the data.

    Raises:
        DataError: If the calibration is of another detector.
    """

    def __init__(
        self, predictor: Predictor, constants: Constants, facts: Mapping[str, Any]
    ) -> None:
        constants.require_same_detector(facts)
        self.predictor, self.constants = predictor, constants
        self.needs, self.targets = predictor.needs, predictor.targets

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``charge`` float32 (N, sensors), photo-electrons expected."""
        shifted = samples["position"] + self.constants.offset_cm.astype(np.float32)
        found = self.predictor.predict(samples.with_columns({"position": shifted}), keys)
        charge = found["charge"] * self.constants.yields.astype(np.float32)
        return found.with_columns({"charge": charge})
