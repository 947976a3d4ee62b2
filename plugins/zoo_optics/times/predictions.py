"""What a prediction tells of times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_optics.times.hits import Clock
from zoo_optics.times.shapes import COLUMNS, flat_share, shape_in

__all__ = ["time_columns"]


def time_columns(
    outputs: Mapping[str, Any], charge: NDArray[np.float64], clock: Clock
) -> dict[str, NDArray[np.float32]]:
    """Float32 columns of :data:`zoo_optics.times.fields.TIME_COLUMNS`.

    Args:
        outputs: Of the network, with its ``TIME_OUTPUTS`` (N, sensors).
        charge: (N, sensors), expected, dark hits included.
        clock: Of the data that the network learnt from.
    """
    shape = shape_in(outputs)
    columns = {
        **{name: np.asarray(outputs[name]) for name in COLUMNS},
        "time_mean": shape.mean_ns,
        "time_rms": shape.rms_ns,
        "time_flat": flat_share(charge, clock.dark),
        "time_window": np.tile(clock.window_ns, (len(charge), 1)),
    }
    return {name: value.astype(np.float32) for name, value in columns.items()}
