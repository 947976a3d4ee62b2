"""What is hidden in an event: cubic patches, a function of a key and the event alone.

A lattice of cubes, shifted at random, divides the voxels into patches. Of some the energies are
hidden: their voxels stay, and their energies are asked. Of some the voxels themselves: *all* places
of such a cube are asked, those with a voxel and those without, so that nothing tells which is
which. That is the masked autoencoder (He et al., arXiv:2111.06377) on voxels, as PoLAr-MAE
(arXiv:2502.02558) has it for groups of points, with cubes instead of spheres: no farthest-point
search, and a place is either hidden or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table, uniform
from zoo_sparse_reco.masking.config import Masking
from zoo_sparse_reco.points.fragments import places_of
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["ENERGY", "PLACE", "SEEN", "Question", "answered", "hide", "log_energy", "mev"]

SEEN, ENERGY, PLACE = 0, 1, 2
"""Of a place: nothing is hidden; the energy of its voxel is; whether it has a voxel is."""

LOW_MEV = 0.01
"""Added to energies before the logarithm, as the features of the networks have it."""

_SHIFT, _PATCH = 11, 12  # tags of independent random numbers
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BITS = 17  # of a coordinate: 16 of the voxel and one of the shift


@dataclass(frozen=True, eq=False)
class Question:
    """Places of all events one after another, each event's in rising order of (x, y, z).

    Attributes:
        place: int64 (S, 3).
        event: int64 (S,), row of the sample.
        kind: int8 (S,), :data:`SEEN`, :data:`ENERGY` or :data:`PLACE`.
        voxel: int64 (S,), row of the voxel among those of all samples; -1: there is none.
        lengths: int64 (N,), places of each event.
    """

    place: NDArray[np.int64]
    event: NDArray[np.int64]
    kind: NDArray[np.int8]
    voxel: NDArray[np.int64]
    lengths: NDArray[np.int64]


def log_energy(energy_mev: NDArray[Any]) -> NDArray[np.float64]:
    """``ln(E / MeV + 0.01)``; energies below 0, which noise can make, count as 0."""
    logarithm: NDArray[np.float64] = np.log(
        np.maximum(np.asarray(energy_mev, np.float64), 0) + LOW_MEV
    )
    return logarithm


def mev(logarithm: NDArray[Any]) -> NDArray[np.float64]:
    """The energy of a :func:`log_energy`, at least 0 MeV."""
    energy: NDArray[np.float64] = np.maximum(
        np.exp(np.asarray(logarithm, np.float64)) - LOW_MEV, 0.0
    )
    return energy


def hide(
    samples: Table, keys: NDArray[np.uint64], masking: Masking, shape: tuple[int, int, int]
) -> Question:
    """Hide some patches.

    Args:
        samples: With the places of voxels.
        keys: uint64 (N,), one per event: all that is drawn.
        masking: Size and shares of the patches.
        shape: Of the grid; no place beyond it is asked.
    """
    place = places_of(samples)
    event = np.repeat(np.arange(samples.rows), samples["voxel_x"].lengths)
    shift = np.floor(masking.patch * uniform(keys, 3, tag=_SHIFT)).astype(np.int64)
    patch = (place + shift[event]) // masking.patch
    drawn = uniform(keys[event] ^ (_code(patch).astype(np.uint64) * _GOLDEN), tag=_PATCH)
    kind = np.where(drawn < masking.voxels + masking.energies, ENERGY, SEEN)
    kind[drawn < masking.voxels] = PLACE
    hidden = kind == PLACE
    empty, of_event = _empty_places(
        place[hidden], event[hidden], patch[hidden], shift, masking.patch
    )
    inside = np.all((empty >= 0) & (empty < np.array(shape)), axis=1)
    empty, of_event = empty[inside], of_event[inside]
    return _ordered(
        np.concatenate([place, empty]),
        np.concatenate([event, of_event]),
        np.concatenate([kind, np.full(len(empty), PLACE)]).astype(np.int8),
        len(place),
        samples.rows,
    )


def answered(
    ids: NDArray[np.uint64],
    question: Question,
    logarithm: NDArray[Any],
    occupancy: NDArray[Any],
) -> Table:
    """The prediction: answers at the places that are asked.

    Args:
        ids: (N,).
        question: All places.
        logarithm: (S,), :func:`log_energy` of the voxel, if there is one.
        occupancy: (S,), probability of a voxel; of places where it is known it does not count.
    """
    asked = np.flatnonzero(question.kind != SEEN)
    counts = np.bincount(question.event[asked], minlength=len(ids))
    offsets = offsets_of(counts)
    hidden = question.kind[asked] == PLACE
    columns: dict[str, NDArray[Any]] = {
        f"asked_{axis}": question.place[asked, number].astype(np.uint16)
        for number, axis in enumerate("xyz")
    }
    columns["asked_place"] = hidden.astype(np.int8)
    columns["asked_energy"] = mev(np.asarray(logarithm)[asked]).astype(np.float32)
    told = np.where(hidden, np.asarray(occupancy)[asked], 1.0)
    columns["asked_occupancy"] = told.astype(np.float32)
    return Table({"id": ids, **{name: Ragged(one, offsets) for name, one in columns.items()}})


def _code(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for three, each below 2^17; in the order of (x, y, z)."""
    code: NDArray[np.int64] = (place[:, 0] << (2 * _BITS)) | (place[:, 1] << _BITS) | place[:, 2]
    return code


def _empty_places(
    place: NDArray[np.int64],
    event: NDArray[np.int64],
    patch: NDArray[np.int64],
    shift: NDArray[np.int64],
    size: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places without a voxel in the patches that these voxels lie in, (M, 3), and their events."""
    cubes, number = np.unique(np.column_stack([event, patch]), axis=0, return_inverse=True)
    step = place + shift[event] - size * patch
    filled = np.zeros((len(cubes), size, size, size), np.bool_)
    filled[number.reshape(-1), step[:, 0], step[:, 1], step[:, 2]] = True
    cube, *steps = np.nonzero(~filled)
    empty: NDArray[np.int64] = size * cubes[cube, 1:] - shift[cubes[cube, 0]] + np.stack(steps, 1)
    return empty, cubes[cube, 0]


def _ordered(
    place: NDArray[np.int64],
    event: NDArray[np.int64],
    kind: NDArray[np.int8],
    voxels: int,
    events: int,
) -> Question:
    """In rising order of events and places; the first ``voxels`` of them have one."""
    order = np.lexsort((_code(place), event))
    number = np.arange(len(place))
    return Question(
        place=place[order],
        event=event[order],
        kind=kind[order],
        voxel=np.where(number < voxels, number, -1)[order],
        lengths=np.bincount(event, minlength=events).astype(np.int64),
    )
