"""How many decoded chunks HDF5 keeps, so that memory does not grow with the rows read or written.

HDF5 2 keeps 8 MiB of each open dataset (HDF5 1 kept 1 MiB), and a file of ours has a dataset for
each column: ten columns of images would hold 80 MiB that nobody asks for again.
"""

from __future__ import annotations

import math

import h5py

__all__ = ["KEPT_BYTES", "KEPT_NONE", "open_dataset"]

KEPT_BYTES = 2**20
"""Kept of a dataset whose chunks hold many rows: blocks that share a chunk are decoded once."""
KEPT_NONE = 1
"""No chunk is as small: nothing is kept. h5py takes 0 for a setting that was not given."""

_LARGEST = 8 * 2**20
_SLOTS = 521  # of the hash table: a prime, and more than the chunks that are kept
_PREEMPTION = 0.75  # HDF5's own


def open_dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset to read, which keeps one chunk where a chunk is one row.

    Such a chunk is not asked for again. It is kept for the allocator: where nothing is, glibc
    gives memory back after every read, and the next read faults its pages in anew. A chunk above
    8 MiB is not kept.

    Args:
        group: Where it is; of a file opened with ``rdcc_nbytes=KEPT_BYTES``.
        name: Its name there.
    """
    dataset = group[name]
    if dataset.chunks is None or dataset.chunks[0] > 1:
        return dataset
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if size > _LARGEST:
        return dataset
    del dataset  # HDF5 takes other settings for a dataset only when it is not open
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(_SLOTS, size, _PREEMPTION)
    # ``readonly``: h5py then looks up type and chunks once, not in each read.
    return h5py.Dataset(h5py.h5d.open(group.id, name.encode(), access), readonly=True)
