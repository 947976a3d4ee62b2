"""Random changes of training tracks, each drawn from the key of its sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table, uniform
from zoo_ha_tpc.config import Augmentation

__all__ = ["augment", "mirrored"]

_FLIP, _GAIN, _DEAD = 1, 2, 3  # tags of independent random numbers
_ODD = ("q_over_pt", "phi", "y_ini")
_HITS = ("hit_row", "hit_column", "hit_charge", "hit_time", "hit_width")
_FULL_SCALE = 4095  # of a 12-bit converter: what more gain cannot exceed


def augment(
    samples: Table, keys: NDArray[np.uint64], settings: Augmentation, rows: int, columns: int
) -> Table:
    """Mirror tracks, change the gain, take pads away.

    Args:
        samples: Any fields of the task, ``hit_row`` and ``hit_column`` among them.
        keys: uint64 (N,), one per sample.
        settings: How much of each.
        rows: Of the plane.
        columns: Of the plane.
    """
    changed = samples
    if settings.charge_flip:
        changed = mirrored(changed, uniform(keys, tag=_FLIP) < settings.charge_flip, rows)
    if settings.gain and "hit_charge" in changed:
        factor = 1 + settings.gain * (2 * uniform(keys, tag=_GAIN) - 1)
        changed = changed.with_columns({"hit_charge": _scaled(changed["hit_charge"], factor)})
    if settings.dead:
        changed = _without_dead(changed, keys, settings.dead, columns)
    return changed


def mirrored(samples: Table, chosen: NDArray[np.bool_], rows: int) -> Table:
    """The chosen tracks as a particle of the opposite charge would make them, mirrored at y = 0.

    The field along x turns the other way round: d(phi)/ds changes its sign with q.

    Args:
        samples: Any fields of the task.
        chosen: (N,).
        rows: Of the plane, which is symmetric about its middle.
    """
    columns: dict[str, Any] = {}
    if "hit_row" in samples:
        hit_row: Ragged = samples["hit_row"]
        each = np.repeat(chosen, hit_row.lengths)
        values = np.where(each, rows - 1 - hit_row.values.astype(np.int64), hit_row.values)
        columns["hit_row"] = Ragged(values.astype(hit_row.values.dtype), hit_row.offsets)
    for name in _ODD:
        if name in samples:
            columns[name] = np.where(chosen, -samples[name], samples[name])
    if "cluster_y" in samples:
        cluster: Ragged = samples["cluster_y"]
        each = np.repeat(chosen, cluster.lengths)
        columns["cluster_y"] = Ragged(
            np.where(each, -cluster.values, cluster.values), cluster.offsets
        )
    return samples.with_columns(columns)


def _scaled(charge: Ragged, factor: NDArray[np.float64]) -> Ragged:
    """Charges times the factor of their track, at least 1 and no more than full scale."""
    values = np.rint(charge.values * np.repeat(factor, charge.lengths))
    limited = np.clip(values, 1, np.maximum(charge.values, _FULL_SCALE))
    return Ragged(limited.astype(charge.values.dtype), charge.offsets)


def _without_dead(
    samples: Table, keys: NDArray[np.uint64], probability: float, columns: int
) -> Table:
    """Each pad of each track is dead on its own; what it saw is lost."""
    row: Ragged = samples["hit_row"]
    column: Ragged = samples["hit_column"]
    pad = row.values.astype(np.uint64) * np.uint64(columns) + column.values.astype(np.uint64)
    kept = uniform(np.repeat(keys, row.lengths) + pad, tag=_DEAD) >= probability
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    offsets = before[row.offsets]
    hits = {name: Ragged(samples[name].values[kept], offsets) for name in _HITS if name in samples}
    return samples.with_columns(hits)
