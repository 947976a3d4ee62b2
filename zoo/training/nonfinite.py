"""What is kept of a micro-batch whose loss or gradient is not finite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.files import write_atomically

__all__ = ["LARGEST", "batch_arrays", "write_nonfinite"]

LARGEST = 2**30
"""Bytes of the arrays that are kept, smallest first; a run directory must not be filled by them."""


def write_nonfinite(
    folder: Path,
    record: Mapping[str, Any],
    batches: Sequence[Batch],
    *,
    rank: int = 0,
    largest: int = LARGEST,
) -> None:
    """Write ``nonfinite.json`` and ``nonfinite.safetensors`` (``nonfinite-RANK`` on other ranks).

    Args:
        folder: The run directory.
        record: What the loop knows: step, phase, samples.
        batches: The last micro-batch, as it was encoded: one, or its shards here; none after a
            resume in its middle.
        rank: Of this process.
        largest: Bytes of arrays that are kept at most.

    The record gets ``arrays``: path -> dtype, shape, how many of the values are not finite, and
    whether the array is kept. Where all are finite, the networks or the loss are to blame.

    Raises:
        UsageError: If the disk is full.
    """
    from safetensors.numpy import save

    stem = "nonfinite" if rank == 0 else f"nonfinite-{rank}"
    arrays = batch_arrays(batches)
    kept: dict[str, NDArray[Any]] = {}
    told: dict[str, Mapping[str, Any]] = {}
    for name, array in sorted(arrays.items(), key=lambda item: item[1].nbytes):
        fits = sum(a.nbytes for a in kept.values()) + array.nbytes <= largest
        if fits:
            kept[name] = array
        told[name] = {
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "not_finite": int(np.count_nonzero(~np.isfinite(array))),
            "kept": fits,
        }
    text = json.dumps({**record, "arrays": told}, indent=2)
    write_atomically(folder / f"{stem}.json", f"{text}\n")
    write_atomically(folder / f"{stem}.safetensors", save(kept))


def batch_arrays(batches: Sequence[Batch]) -> dict[str, NDArray[Any]]:
    """Numeric arrays of batches by their path: ``inputs/NAME``, ``targets/NAME/values``, ``ids``.

    What is nested has its keys and positions in the path; a ``Ragged`` is ``values`` and
    ``offsets``. Other things are left out. Of several batches the path begins with the position.
    """
    found: dict[str, NDArray[Any]] = {}
    for number, batch in enumerate(batches):
        place = f"{number}/" if len(batches) > 1 else ""
        arrays = dict(_arrays({"inputs": batch.inputs, "targets": batch.targets}, ""))
        found |= {f"{place}{name}": array for name, array in arrays.items()}
        found[f"{place}ids"] = _native(batch.ids)
    return found


def _arrays(value: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "biuf":
            yield path, _native(value)
    elif isinstance(value, Ragged):
        yield from _arrays({"values": value.values, "offsets": value.offsets}, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _arrays(item, f"{path}/{key}" if path else str(key))
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from _arrays(item, f"{path}/{number}")


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Contiguous and in the byte order of this machine, which safetensors does not look at."""
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return native.reshape(array.shape)
