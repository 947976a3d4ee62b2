"""Hits as images, with numpy: for metrics and displays. Networks do it on their device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table

__all__ = ["images"]


def images(
    samples: Table, shape: tuple[int, int], channels: Sequence[str] = ("hit_charge",)
) -> NDArray[np.float32]:
    """One image for each event and channel; 0 where a pad saw nothing.

    Args:
        samples: With ``hit_row``, ``hit_column`` and the channels.
        shape: Rows and columns of the plane.
        channels: Ragged fields of the hits, in their units.

    Returns:
        float32 (N, channels, rows, columns).

    Raises:
        DataError: A hit is outside of the plane, or a field is missing.
    """
    hit_row, hit_column = samples["hit_row"], samples["hit_column"]
    row, column = hit_row.values.astype(np.int64), hit_column.values
    for index, pads, axis in zip((row, column), shape, ("rows", "columns"), strict=True):
        if len(index) and index.max() >= pads:
            raise DataError(
                f"{axis} up to {index.max()}; the plane has 0 to {pads - 1}",
                where=f"hit_{axis.removesuffix('s')}",
                remedy="read the samples with their own pad plane",
            )
    pads = shape[0] * shape[1]
    event = np.repeat(np.arange(samples.rows), hit_row.lengths)
    place = event * (len(channels) * pads) + row * shape[1] + column
    found = np.zeros(samples.rows * len(channels) * pads, np.float32)
    for number, name in enumerate(channels):
        found[place + number * pads] = samples[name].values
    return found.reshape(samples.rows, len(channels), *shape)
