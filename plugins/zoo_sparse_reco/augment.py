"""Random changes of training events, each drawn from the key of its event."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table, uniform
from zoo_sparse_reco.config import Augmentation
from zoo_sparse_reco.points.fragments import places_of
from zoo_sparse_reco.specs import STAGE_SAMPLE
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["augment"]

_EXCHANGE, _MIRROR, _ENERGY, _DROPOUT = 1, 2, 3, 4  # tags of independent random numbers

_VOXELS = tuple(name for name, field in STAGE_SAMPLE.items() if field.dims[0] == "voxel")
_ENERGIES = ("deposit", "plane_charge")
_POINTS = (
    ("point_x", "point_y", "point_z"),
    ("input_point_x", "input_point_y", "input_point_z"),
)
_PLACES = ("particle_start", "particle_end", "interaction_vertex")
_VECTORS = ("particle_momentum",)


def augment(
    samples: Table, keys: NDArray[np.uint64], settings: Augmentation, shape: tuple[int, int, int]
) -> Table:
    """Lose voxels, scale energies, exchange and mirror axes.

    Args:
        samples: Any fields of the task, the places of voxels among them.
        keys: uint64 (N,), one per event.
        settings: How much of each.
        shape: Of the grid; axes are exchanged only where they are equally long.
    """
    changed = samples
    if settings.dropout:
        changed = _without_lost(changed, keys, settings.dropout)
    if settings.energy:
        factor = 1 + settings.energy * (2 * uniform(keys, tag=_ENERGY) - 1)
        changed = changed.with_columns(
            {name: _scaled(changed[name], factor) for name in _ENERGIES if name in changed}
        )
    if settings.exchange or settings.mirror:
        changed = _moved(changed, keys, settings, np.array(shape))
    return changed


def _without_lost(samples: Table, keys: NDArray[np.uint64], probability: float) -> Table:
    """Each voxel of each event is lost on its own, whatever else is in the event."""
    place = places_of(samples).astype(np.uint64)
    code = (place[:, 0] << np.uint64(32)) | (place[:, 1] << np.uint64(16)) | place[:, 2]
    column: Ragged = samples["voxel_x"]
    each = np.repeat(keys, column.lengths)
    kept = uniform(each ^ (code * np.uint64(0x9E3779B97F4A7C15)), tag=_DROPOUT) >= probability
    before = offsets_of(kept)
    offsets = before[column.offsets]
    return samples.with_columns(
        {name: Ragged(samples[name].values[kept], offsets) for name in _VOXELS if name in samples}
    )


def _scaled(column: Ragged, factor: NDArray[np.float64]) -> Ragged:
    each = np.repeat(factor, column.lengths).reshape(-1, *[1] * (column.values.ndim - 1))
    return Ragged((column.values * each).astype(column.values.dtype), column.offsets)


def _moved(
    samples: Table,
    keys: NDArray[np.uint64],
    settings: Augmentation,
    shape: NDArray[np.int64],
) -> Table:
    """New axis ``a`` is old axis ``order[a]``, mirrored where ``flip[a]``, event by event."""
    count = len(keys)
    order = np.tile(np.arange(3), (count, 1))
    flip = np.zeros((count, 3), np.bool_)
    if settings.exchange:
        order = _exchanged(uniform(keys, 3, tag=_EXCHANGE), shape)
    if settings.mirror:
        flip = uniform(keys, 3, tag=_MIRROR) < 0.5
    columns = _moved_voxels(samples, order, flip, shape)
    for points in _POINTS:
        if not set(points) <= set(samples):
            continue
        stacked = np.stack([samples[name].values for name in points], 1)
        moved = _turned_rows(Ragged(stacked, samples[points[0]].offsets), order, flip, shape)
        for axis, name in enumerate(points):
            columns[name] = Ragged(moved.values[:, axis], moved.offsets)
    for names, size in ((_PLACES, shape), (_VECTORS, np.zeros(3, np.int64))):
        for name in names:
            if name in samples:
                columns[name] = _turned_rows(samples[name], order, flip, size)
    return samples.with_columns(columns)


def _moved_voxels(
    samples: Table,
    order: NDArray[np.intp],
    flip: NDArray[np.bool_],
    shape: NDArray[np.int64],
) -> dict[str, Any]:
    """All that voxels have, in the rising order of their new places."""
    offsets = samples["voxel_x"].offsets
    event = np.repeat(np.arange(samples.rows), np.diff(offsets))
    place = _turned(places_of(samples), event, order, flip, shape - 1)
    ranks = np.lexsort((place[:, 2], place[:, 1], place[:, 0], event))
    columns: dict[str, Any] = {}
    for axis, name in enumerate("xyz"):
        dtype = samples[f"voxel_{name}"].values.dtype
        columns[f"voxel_{name}"] = Ragged(place[ranks, axis].astype(dtype), offsets)
    for name in _VOXELS:
        if name in samples and name not in columns:
            columns[name] = Ragged(samples[name].values[ranks], offsets)
    return columns


def _exchanged(drawn: NDArray[np.float64], shape: NDArray[np.int64]) -> NDArray[np.intp]:
    """Orders of the axes (N, 3) from numbers (N, 3): each class of equal axes is shuffled."""
    order = np.tile(np.arange(3), (len(drawn), 1))
    for size in np.unique(shape):
        axes = np.flatnonzero(shape == size)
        order[:, axes] = axes[np.argsort(drawn[:, axes], axis=1)]
    return order


def _turned_rows(
    column: Ragged, order: NDArray[np.intp], flip: NDArray[np.bool_], size: NDArray[np.int64]
) -> Ragged:
    event = np.repeat(np.arange(len(column)), column.lengths)
    moved = _turned(column.values, event, order, flip, size)
    return Ragged(moved.astype(column.values.dtype), column.offsets)


def _turned(
    place: NDArray[Any],
    event: NDArray[np.intp],
    order: NDArray[np.intp],
    flip: NDArray[np.bool_],
    size: NDArray[np.int64],
) -> NDArray[Any]:
    """Places (M, 3) of their events; a mirrored coordinate is the size less itself."""
    exchanged = np.take_along_axis(place, order[event], axis=1)
    turned: NDArray[Any] = np.where(flip[event], size - exchanged, exchanged)
    return turned
