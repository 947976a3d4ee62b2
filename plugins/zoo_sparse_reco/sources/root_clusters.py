"""Voxels of the clusters of LArCV2, as ROOT writes vectors of vectors: member by member.

uproot leaves this serialisation undecoded. An entry is, big endian:

==============  ====================================================================
4 bytes         number of bytes that follow, with bit 30 set
2 bytes         version of the vector; bit 14: member by member
2 bytes         version of the class ``larcv::Voxel``
4 bytes         its checksum; only where that version is 0
each cluster    4 bytes: number n of voxels; n numbers of 8 bytes; n values of 4 bytes
==============  ====================================================================

The number of clusters is not among them: ``_voxel_vv._id`` has one entry for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["clusters_of"]

_FOLLOWS, _MEMBERWISE = 0x4000_0000, 0x4000
_HEADER, _VOXEL = 8, 12  # bytes


def clusters_of(
    content: NDArray[np.uint8], clusters: int, where: str
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.float32]]:
    """Decode the clusters of one event.

    Args:
        content: uint8 (bytes,), the entry.
        clusters: How many there are.
        where: Names the event in errors.

    Returns:
        Voxels of each cluster (clusters,), and numbers and values of all, one after another.

    Raises:
        DataError: The entry is written in another way, or was cut short.
    """
    data = np.ascontiguousarray(content).tobytes()
    if not clusters and len(data) <= _HEADER + 4:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.float32)
    place = _after_header(data, where)
    sizes: list[int] = []
    numbers: list[NDArray[Any]] = []
    values: list[NDArray[Any]] = []
    for cluster in range(clusters):
        if place + 4 > len(data):
            raise _cut(f"cluster {cluster} of {clusters} is not there", where)
        size = int.from_bytes(data[place : place + 4], "big")
        place += 4
        if place + size * _VOXEL > len(data):
            raise _cut(f"cluster {cluster} should have {size} voxels", where)
        numbers.append(np.frombuffer(data, ">u8", size, place))
        values.append(np.frombuffer(data, ">f4", size, place + 8 * size))
        place += size * _VOXEL
        sizes.append(size)
    if place != len(data):
        raise _cut(f"{len(data) - place} bytes are left over", where)
    number = np.concatenate([np.zeros(0, np.uint64), *numbers]).astype(np.uint64)
    value = np.concatenate([np.zeros(0, np.float32), *values]).astype(np.float32)
    return np.array(sizes, np.int64), number, value


def _after_header(data: bytes, where: str) -> int:
    if len(data) < _HEADER:
        raise _cut(f"{len(data)} bytes", where)
    follows = int.from_bytes(data[:4], "big")
    version = int.from_bytes(data[4:6], "big")
    if not follows & _FOLLOWS or (follows & ~_FOLLOWS) + 4 != len(data):
        raise _cut(f"{follows & ~_FOLLOWS} bytes should follow the first 4 of {len(data)}", where)
    if not version & _MEMBERWISE:
        raise DataError(
            "clusters that are written object by object",
            where=where,
            remedy="write the file with ROOT's streaming member by member, which LArCV2 uses",
        )
    return _HEADER if int.from_bytes(data[6:8], "big") else _HEADER + 4


def _cut(what: str, where: str) -> DataError:
    return DataError(
        f"clusters cannot be decoded: {what}",
        where=where,
        remedy="copy the file again and compare its size",
    )
