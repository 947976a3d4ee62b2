"""Three planes of wires, and the voxels that they cannot tell from those with energy.

A wire chamber reads y and z by wires in three directions, at 0 and at +-60 degrees, one voxel
apart, and x by the time. A voxel is recorded if the three wires that cross its middle all have
charge at that time; where no particle was there, it is a ghost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recorded", "record", "wires_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_HALF_ROOT_3 = np.sqrt(3) / 2


@dataclass(frozen=True)
class Recorded:
    """Voxels that three planes record, in the order of x, y and z.

    Attributes:
        voxel: int64 (n, 3).
        charge: float64 (n, 3), electrons on the three wires.
        source: int64 (n,), row of the voxel with energy; -1: a ghost.
    """

    voxel: Whole
    charge: Array
    source: Whole


def wires_of(y: Whole, z: Whole, shape: tuple[int, int, int]) -> tuple[Whole, Whole, Whole]:
    """Wires (n,) of the three planes that cross the middles of voxels, from 0."""
    up, aside = (z + 0.5) / 2, (y + 0.5) * _HALF_ROOT_3
    low = int(np.ceil(shape[1] * _HALF_ROOT_3))
    return z, np.floor(up + aside).astype(np.int64), np.floor(up - aside).astype(np.int64) + low


def record(
    voxel: Whole,
    charge: Array,
    shape: tuple[int, int, int],
    *,
    spread: float,
    least_charge: float,
    noise: tuple[float, float],
    rng: np.random.Generator,
) -> Recorded:
    """What the planes see of one event.

    Args:
        voxel: (v, 3), in the order of x, y and z.
        charge: (v,), electrons.
        shape: Of the grid.
        spread: Share of the charge that is recorded one voxel before along x, and one after.
        least_charge: A wire has charge at a time if it is more than this, electrons.
        noise: Of the charge of a wire: relative, and in electrons.
        rng: For the noise.
    """
    if not len(voxel):
        return Recorded(voxel, np.zeros((0, 3)), np.zeros(0, np.int64))
    planes = wires_of(voxel[:, 1], voxel[:, 2], shape)
    wires = [int(plane.max()) + 2 for plane in planes]
    first, last = int(voxel[:, 0].min()), int(voxel[:, 0].max())
    first, last = max(first - 1, 0), min(last + 1, shape[0] - 1)
    images = [
        _image(voxel[:, 0] - first, plane, charge, (last - first + 1, width), spread)
        for plane, width in zip(planes, wires, strict=True)
    ]
    for image in images:
        hit = np.flatnonzero(image > 0)
        draws = rng.standard_normal((2, len(hit)))
        measured = image.flat[hit] * (1 + noise[0] * draws[0]) + noise[1] * draws[1]
        image.flat[hit] = np.where(measured > least_charge, measured, 0.0)
    found = _coincidences(images, shape)
    found[:, 0] += first
    return _with_truth(found, voxel, images, first, shape)


def _image(tick: Whole, wire: Whole, charge: Array, shape: tuple[int, int], spread: float) -> Array:
    """Charge by time and wire."""
    image = np.bincount(tick * shape[1] + wire, weights=charge, minlength=shape[0] * shape[1])
    image = image.reshape(shape)
    wide = (1 - 2 * spread) * image
    wide[1:] += spread * image[:-1]
    wide[:-1] += spread * image[1:]
    return np.asarray(wide)


def _coincidences(images: list[Array], shape: tuple[int, int, int]) -> Whole:
    """Voxels (n, 3) whose three wires have charge, in no order; each once."""
    tick_0, wire_0 = np.nonzero(images[0])
    tick_1, wire_1 = np.nonzero(images[1])
    # All pairs of a wire of each plane at the same time.
    begin = np.searchsorted(tick_1, tick_0, side="left")
    number = np.searchsorted(tick_1, tick_0, side="right") - begin
    one = np.repeat(np.arange(len(tick_0)), number)
    other = np.arange(len(one)) - np.repeat(np.cumsum(number) - number, number) + begin[one]
    x, z, along = tick_0[one], wire_0[one], wire_1[other]
    # The wires of the second plane are 1.15 voxels apart along y: one or two voxels lie between.
    lowest = np.ceil((along - (z + 0.5) / 2) / _HALF_ROOT_3 - 0.5).astype(np.int64)
    parts = []
    for y in (lowest, lowest + 1):
        wires = wires_of(y, z, shape)
        inside = (y >= 0) & (y < shape[1]) & (wires[1] == along)
        inside &= (wires[2] >= 0) & (wires[2] < images[2].shape[1])
        at = np.flatnonzero(inside)
        at = at[images[2][x[at], wires[2][at]] > 0]
        parts.append(np.stack([x[at], y[at], z[at]], axis=1))
    return np.concatenate(parts)


def _with_truth(
    found: Whole, voxel: Whole, images: list[Array], first: int, shape: tuple[int, int, int]
) -> Recorded:
    def number(of: Whole) -> Whole:
        key: Whole = (of[:, 0] * shape[1] + of[:, 1]) * shape[2] + of[:, 2]
        return key

    true, keys = number(voxel), number(found)
    order = np.argsort(keys)
    found, keys = found[order], keys[order]
    at = np.minimum(np.searchsorted(true, keys), len(true) - 1)
    source = np.where(true[at] == keys, at, -1)
    wires = wires_of(found[:, 1], found[:, 2], shape)
    charge = np.stack(
        [image[found[:, 0] - first, wire] for image, wire in zip(images, wires, strict=True)],
        axis=1,
    )
    return Recorded(found, charge, source)
