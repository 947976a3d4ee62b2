"""Images and lists of hits become hits as the task declares them, or are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.sources.files_config import TrackFilesConfig

__all__ = ["HIT_FIELDS", "hits_of_images", "hits_of_lists"]

Array = NDArray[Any]
HIT_FIELDS = frozenset({"hit_row", "hit_column", "hit_charge", "hit_time", "hit_width"})
_LARGEST = np.iinfo(np.uint16).max


@dataclass(frozen=True)
class _Hits:
    """Flat: event, row, column, and values by name (``charge``, ``time``, ``width``)."""

    events: int
    event: Array
    row: Array
    column: Array
    values: Mapping[str, Array]


def hits_of_images(
    images: Mapping[str, Array], config: TrackFilesConfig, plane: PadPlane, where: str
) -> dict[str, Ragged]:
    """Hits of images: the pads whose charge is not 0.

    Args:
        images: ``charge`` and maybe ``time`` and ``width``, each (N, ...) as the file has them.
        config: Order and direction of the axes, scales.
        plane: Whose pads these are.
        where: Names the file in errors.

    Raises:
        DataError: An image has not the shape of the plane, or a charge is no charge.
    """
    turned = {name: _upright(image, config, plane, where) for name, image in images.items()}
    charge = turned["charge"]
    _require_charges(charge, where)
    event, row, column = np.nonzero(charge)
    values = {name: image[event, row, column] for name, image in turned.items()}
    return _columns(_Hits(len(charge), event, row, column, values), config, where)


def hits_of_lists(
    lists: Mapping[str, Array],
    offsets: Array,
    config: TrackFilesConfig,
    plane: PadPlane,
    where: str,
) -> dict[str, Ragged]:
    """Hits of lists, in the order of the pads.

    Args:
        lists: ``row``, ``column``, ``charge`` and maybe ``time`` and ``width``, each (H,).
        offsets: (N + 1,), where the hits of each event begin and the last ones end.
        config: Direction of the axes, scales.
        plane: Whose pads these are.
        where: Names the file in errors.

    Raises:
        DataError: A pad is not of the plane or comes twice, or a charge is no charge.
    """
    _require_charges(lists["charge"], where)
    event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    seen = lists["charge"] != 0
    place = {
        axis: _counted(lists[axis], pads, axis, config, where)
        for axis, pads in zip(("row", "column"), plane.shape, strict=True)
    }
    order = np.lexsort((place["column"], place["row"], event))
    order = order[seen[order]]
    event, row, column = event[order], place["row"][order], place["column"][order]
    same = (np.diff(event) == 0) & (np.diff(row) == 0) & (np.diff(column) == 0)
    if same.any():
        first = int(np.flatnonzero(same)[0])
        raise DataError(
            f"{np.count_nonzero(same)} hits are on the pad of another hit of their event, "
            f"row {row[first]}, column {column[first]}",
            where=where,
            remedy="give each pad once: its largest amplitude",
        )
    values = {n: lists[n][order] for n in ("charge", "time", "width") if n in lists}
    return _columns(_Hits(len(offsets) - 1, event, row, column, values), config, where)


def _upright(image: Array, config: TrackFilesConfig, plane: PadPlane, where: str) -> Array:
    """(N, rows, columns) of the plane."""
    turned = image.swapaxes(-1, -2) if config.axes == "columns-rows" else image
    if turned.shape[1:] != plane.shape:
        transposed = turned.shape[1:] == plane.shape[::-1]
        other = "columns-rows" if config.axes == "rows-columns" else "rows-columns"
        raise DataError(
            f"images of {image.shape[1:]} pads, axes {config.axes}; the plane '{plane.name}' has "
            f"{plane.shape[0]} rows and {plane.shape[1]} columns",
            where=where,
            remedy=f"--set data.options.axes={other}"
            if transposed
            else "read files of one geometry, with its data.options.plane",
        )
    if "rows" in config.flipped:
        turned = turned[:, ::-1]
    return turned[:, :, ::-1] if "columns" in config.flipped else turned


def _counted(index: Array, pads: int, axis: str, config: TrackFilesConfig, where: str) -> Array:
    """Rows or columns in our order, int64."""
    found: Array = index.astype(np.int64)
    if len(found) and (found.min() < 0 or found.max() >= pads or np.any(found != index)):
        raise DataError(
            f"{axis}s from {index.min():g} to {index.max():g}; the plane has 0 to {pads - 1}",
            where=where,
            remedy="count from 0, and read files of one geometry, with its data.options.plane; "
            "are rows and columns swapped?",
        )
    return pads - 1 - found if f"{axis}s" in config.flipped else found


def _require_charges(charge: Array, where: str) -> None:
    if charge.dtype.kind == "f" and not np.isfinite(charge).all():
        wrong, what = np.count_nonzero(~np.isfinite(charge)), "not finite"
    else:
        wrong, what = np.count_nonzero(charge < 0), "negative"
    if wrong:
        raise DataError(
            f"{wrong} charges are {what}",
            where=where,
            remedy="subtract no pedestal below 0, and write 0 where a pad saw nothing",
        )


def _columns(hits: _Hits, config: TrackFilesConfig, where: str) -> dict[str, Ragged]:
    offsets = np.zeros(hits.events + 1, np.int64)
    np.cumsum(np.bincount(hits.event, minlength=hits.events), out=offsets[1:])
    found = {
        "hit_row": Ragged(hits.row.astype(np.uint8), offsets),
        "hit_column": Ragged(hits.column.astype(np.uint8), offsets),
    }
    for name, values in hits.values.items():
        scale = config.charge_scale if name == "charge" else config.time_scale_ns
        setting = "charge_scale" if name == "charge" else "time_scale_ns"
        counts = _counts(values, scale, f"{where}: {name}", setting)
        if name == "charge":
            _require_counts(counts, where)
        found[f"hit_{name}"] = Ragged(counts, offsets)
    return found


def _counts(values: Array, scale: float, where: str, setting: str) -> NDArray[np.uint16]:
    """Rounded, in the range of the task's integers."""
    scaled = np.rint(values.astype(np.float64) * scale)
    if not np.all((scaled >= 0) & (scaled <= _LARGEST)):
        raise DataError(
            f"values from {values.min():.6g} to {values.max():.6g} become integers from "
            f"{scaled.min():.6g} to {scaled.max():.6g}, of which 0 to {_LARGEST} are possible",
            where=where,
            remedy=f"set data.options.{setting}, and write no value where there is none",
        )
    return scaled.astype(np.uint16)


def _require_counts(charge: NDArray[np.uint16], where: str) -> None:
    """Charges in other units than ADC would be lost in rounding."""
    lost = np.count_nonzero(charge == 0)
    if lost:
        raise DataError(
            f"{lost} of {len(charge)} charges are below half an ADC count",
            where=where,
            remedy="set data.options.charge_scale, what charges are to be multiplied with: 4096 "
            "where 1 is the largest",
        )
