"""Who neighbours whom among the voxels of a batch, level by level: sorted keys and binary search.

A voxel's key is one number that rises with (event, x, y, z), z fastest. A level has all voxels of
one resolution; the next coarser one has the voxels (event, floor(x / 2)) that hold any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["Level", "build_levels", "flatten_levels", "neighbour_table", "table_names"]

Rows = NDArray[np.int32]

_LARGEST = int(np.iinfo(np.int64).max)
_WHERE = "tables of neighbours"


@dataclass(frozen=True, kw_only=True)
class Level:
    """The voxels of one resolution. Rows are numbered in the order of ``coordinates``.

    Attributes:
        coordinates: (N, D) int64, in voxels of this level.
        events: (N,) int64.
        neighbours: (N, kernel^D): see :func:`neighbour_table`.
        children: (N, 2^D): rows of the next finer level, by slot, -1 where there is none; of the
            finest level ``None``.
        parent: (N,): row of the next coarser level; of the coarsest ``None``.
        slot: (N,): where in its parent a voxel lies: for 3-D ``4 (x % 2) + 2 (y % 2) + z % 2``; of
            the coarsest ``None``.
    """

    coordinates: NDArray[np.int64]
    events: NDArray[np.int64]
    neighbours: Rows
    children: Rows | None = None
    parent: Rows | None = None
    slot: Rows | None = None


def build_levels(
    coordinates: NDArray[Any], events: NDArray[Any], levels: int, *, kernel: int = 3
) -> tuple[Level, ...]:
    """All levels of a batch, the finest first.

    Level 0 has the voxels in the order given; coarser ones are sorted by (event, x, y, z).

    Args:
        coordinates: (N, D) whole numbers, also negative ones; D is 2 or 3.
        events: (N,) whole numbers, not negative.
        levels: How many, at least 1.
        kernel: Size of the submanifold kernels, odd.

    Raises:
        DataError: A voxel is there twice, or there are too many to number them.
    """
    places, numbers = _checked(coordinates, events)
    down: list[tuple[Rows, Rows]] = []
    children: list[Rows | None] = [None]
    voxels = [(places, numbers)]
    for _ in range(levels - 1):
        places, numbers, parent, slot = _coarser(*voxels[-1])
        found = np.full((len(places), 2 ** places.shape[1]), -1, np.int32)
        found[parent, slot] = np.arange(len(parent), dtype=np.int32)
        voxels.append((places, numbers))
        down.append((parent, slot))
        children.append(found)
    return tuple(
        Level(
            coordinates=places,
            events=numbers,
            neighbours=neighbour_table(places, numbers, kernel),
            children=children[index],
            parent=down[index][0] if index < len(down) else None,
            slot=down[index][1] if index < len(down) else None,
        )
        for index, (places, numbers) in enumerate(voxels)
    )


def flatten_levels(levels: Sequence[Level]) -> dict[str, Rows]:
    """All tables under stable names, in the order of :func:`table_names`: inputs of a network."""
    tables: dict[str, Rows] = {}
    for index, level in enumerate(levels):
        tables[f"neighbours_{index}"] = level.neighbours
        for name in ("children", "parent", "slot"):
            table = getattr(level, name)
            if table is not None:
                tables[f"{name}_{index}"] = table
    return tables


def table_names(levels: int) -> tuple[str, ...]:
    """Names that :func:`flatten_levels` gives to so many levels."""
    names: list[str] = []
    for index in range(levels):
        names.append(f"neighbours_{index}")
        if index > 0:
            names.append(f"children_{index}")
        if index < levels - 1:
            names += [f"parent_{index}", f"slot_{index}"]
    return tuple(names)


def neighbour_table(coordinates: NDArray[Any], events: NDArray[Any], kernel: int = 3) -> Rows:
    """The voxels that a submanifold kernel sees from each voxel.

    Offsets are in lexicographic order of (dx, dy, dz), each from -(kernel // 2) to kernel // 2: in
    3-D with kernel 3, column 0 is (-1, -1, -1), column 13 the voxel itself, column 14 (0, 0, 1).
    Column ``j`` from the end is the opposite of column ``j``.

    Args:
        coordinates: (N, D) whole numbers.
        events: (N,) whole numbers, not negative.
        kernel: Odd.

    Returns:
        (N, kernel^D) rows, -1 where there is no voxel; stored column by column (Fortran order).

    Raises:
        DataError: A voxel is there twice, or there are too many to number them.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise DataError(f"a kernel of size {kernel}", where=_WHERE, remedy="give an odd size")
    places, numbers = _checked(coordinates, events)
    count, dims = places.shape
    radius = kernel // 2
    keys, steps = _keys(places, numbers, radius)
    order = _order(keys)
    table = np.full((kernel**dims, count), -1, np.int32)
    if count == 0:
        return table.T
    ranked = keys if order is None else keys[order]
    _refuse_duplicates(ranked, places if order is None else places[order])
    rows = np.arange(count, dtype=np.int32) if order is None else order.astype(np.int32)
    ended = np.append(ranked, _LARGEST)  # so that what is past the end is compared, too
    leads = [
        np.dot(lead, steps[:-1]) for lead in product(range(-radius, radius + 1), repeat=dims - 1)
    ]
    middle = len(leads) // 2
    table[table.shape[0] // 2] = np.arange(count, dtype=np.int32)
    # Half of the columns: the others are their opposites.
    for index in range(middle, len(leads)):
        first = 1 if index == middle else -radius
        wanted = ranked + (int(leads[index]) + first)
        # The voxels of one line along the last axis lie one after another: one search per line.
        place = np.arange(1, count + 1) if index == middle else np.searchsorted(ranked, wanted)
        for along in range(first, radius + 1):
            hit = ended[place] == wanted
            here = np.flatnonzero(hit)
            column = index * kernel + along + radius
            this, other = rows[here], rows[place[here]]
            table[column][this] = other
            table[-1 - column][other] = this
            if along < radius:
                place = place + hit
                wanted += 1
    return table.T


def _checked(
    coordinates: NDArray[Any], events: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both as int64.

    Raises:
        DataError: Their shapes or types are wrong, or an event's number is negative.
    """
    shaped = coordinates.ndim == 2 and coordinates.shape[1] in {2, 3}
    if not (shaped and events.shape == coordinates.shape[:1]):
        raise DataError(
            f"coordinates of shape {coordinates.shape}, events of shape {events.shape}",
            where=_WHERE,
            remedy="give (N, 2) or (N, 3) and (N,)",
        )
    if coordinates.dtype.kind not in "iu" or events.dtype.kind not in "iu":
        raise DataError(
            f"coordinates of type {coordinates.dtype}, events of type {events.dtype}",
            where=_WHERE,
            remedy="give whole numbers",
        )
    places, numbers = coordinates.astype(np.int64), events.astype(np.int64)
    if len(numbers) and numbers.min() < 0:
        raise DataError(f"an event is number {numbers.min()}", where=_WHERE, remedy="count from 0")
    return places, numbers


def _keys(
    places: NDArray[np.int64], events: NDArray[np.int64], margin: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys (N,), and by how much one step along each axis changes them (D,).

    Beyond the last voxel of each axis are ``margin`` places that stay empty, so that a step over an
    edge finds nothing. Three axes of 65,536 voxels leave room for 32,000 events.

    Raises:
        DataError: They do not fit into 63 bits.
    """
    if len(places) == 0:
        return np.zeros(0, np.int64), np.ones(places.shape[1], np.int64)
    low = places.min(axis=0)
    # In Python's whole numbers, which do not overflow.
    sizes = [
        int(high) - int(least) + 1 + margin
        for high, least in zip(places.max(axis=0), low, strict=True)
    ]
    most = int(events.max()) + 1
    steps = [1]
    for size in reversed(sizes[1:]):
        steps.insert(0, steps[0] * size)
    per_event = steps[0] * sizes[0]
    # Margins of a step back from the first voxel and forward from the last are counted, too.
    if (most + 2) * per_event > _LARGEST:
        raise DataError(
            f"{most} events of {' x '.join(map(str, sizes))} places: too many for 63 bits",
            where=_WHERE,
            remedy="make smaller batches or crop the volume",
        )
    each = np.array(steps, np.int64)
    keys: NDArray[np.int64] = events * per_event + (places - low) @ each
    return keys, each


def _order(keys: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """What sorts the keys; ``None``: they are sorted."""
    return None if bool((keys[1:] >= keys[:-1]).all()) else np.argsort(keys)


def _refuse_duplicates(ranked: NDArray[np.int64], places: NDArray[np.int64]) -> None:
    same = np.flatnonzero(ranked[1:] == ranked[:-1])
    if len(same):
        raise DataError(
            f"{len(same)} voxels are there twice, such as {tuple(places[same[0]].tolist())}",
            where=_WHERE,
            remedy="add up the deposits of equal voxels before",
        )


def _coarser(
    places: NDArray[np.int64], events: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Rows, Rows]:
    """Voxels of twice the size with their events; of each finer voxel its parent and slot."""
    halves = places >> 1
    weight = 2 ** np.arange(places.shape[1])[::-1]
    slot = ((places & 1) @ weight).astype(np.int32)
    keys, _ = _keys(halves, events, 0)
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = ranked[1:] != ranked[:-1]
    parent = np.empty(len(keys), np.int32)
    parent[order] = np.cumsum(first) - 1
    chosen = order[first]
    return halves[chosen], events[chosen], parent, slot
