"""Checkpoints: folders of safetensors and JSON, written aside, synced and renamed.

``checkpoints/STEP-MICRO/`` holds ``state.safetensors`` and ``state.json``, whose digests detect any
damage. A crash at any instant leaves the previous checkpoint readable. A checkpoint is never
replaced: one more of the same place is ``STEP-MICRO-1``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError

from zoo.engine.state import joined, separated
from zoo.errors import DataError, UsageError, WeightsError
from zoo.files import file_digest, sync

__all__ = ["KEPT", "Checkpoint", "latest_checkpoint", "save_checkpoint"]

KEPT = 2
"""How many checkpoints are kept: the last may be damaged by a failing disk."""

_NAME = re.compile(r"(\d{9})-(\d{6})(?:-(\d+))?")
_TEMPORARY = ".writing-"
_FORMAT = 2


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint that was read."""

    path: Path
    state: Any


def save_checkpoint(folder: Path, step: int, micro: int, state: Any, *, training: str = "") -> Path:
    """Write a checkpoint and remove all but the last :data:`KEPT`.

    Args:
        folder: The run's ``checkpoints``.
        step: Updates done.
        micro: Micro-batches done of the next update.
        state: Nested dicts and lists of tensors and JSON values.
        training: A digest of all that decides the result.

    Raises:
        UsageError: If the disk is full or cannot be written; earlier checkpoints stay.
    """
    target = _unused(folder, f"{step:09d}-{micro:06d}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(leftover)
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix=_TEMPORARY))
        try:
            _write(temporary, state, training)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # a full disk needs the space
        sync(folder)
        for old in _checkpoints(folder)[:-KEPT]:
            shutil.rmtree(old)
    except (OSError, SafetensorError) as error:
        raise UsageError(
            f"the checkpoint cannot be written ({getattr(error, 'strerror', None) or error})",
            where=str(target),
            remedy="free space and run the same command again; earlier checkpoints are intact",
        ) from error
    return target


def latest_checkpoint(
    folder: Path, report: Callable[[str], None], *, training: str = ""
) -> Checkpoint | None:
    """The newest intact checkpoint of this training; ``None`` if none was ever written.

    A damaged or foreign one is reported and set aside as ``damaged-NAME``, and the previous one is
    used.

    Raises:
        WeightsError: If there are checkpoints, all of them damaged.
    """
    candidates = _checkpoints(folder)
    for path in reversed(candidates):
        try:
            return Checkpoint(path, _read(path, training))
        except WeightsError as error:
            report(f"{error.message}: {error.where}; the previous checkpoint is used")
            aside = folder / f"damaged-{path.name}"
            shutil.rmtree(aside, ignore_errors=True)
            path.replace(aside)
    if candidates or any(folder.glob("damaged-*")):
        raise WeightsError(
            "no checkpoint can be used",
            where=str(folder),
            remedy="start again in another directory with --out",
        )
    return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _checkpoints(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_place)


def _place(path: Path) -> tuple[int, ...]:
    """Step, micro-batches, and which of several with the same two."""
    match = _NAME.fullmatch(path.name)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _unused(folder: Path, name: str) -> Path:
    """A stop may save a place again, whose earlier checkpoint may be the only one."""
    same = [path for path in _checkpoints(folder) if path.name[: len(name)] == name]
    return folder / (f"{name}-{_place(same[-1])[2] + 1}" if same else name)


def _write(folder: Path, state: Any, training: str) -> None:
    value, tensors = separated(state)
    path = folder / "state.safetensors"
    safetensors.torch.save_file(tensors, path)
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
    record = {
        "format": _FORMAT,
        "training": training,
        "tensors": file_digest(path),
        "state": value,
    }
    sealed = {"sha256": _digest(record), "record": record}
    _write_synced(folder / "state.json", json.dumps(sealed).encode())
    sync(folder)


def _read(folder: Path, training: str = "") -> Any:
    try:
        sealed = json.loads((folder / "state.json").read_bytes())
        record = sealed["record"]
        intact = sealed["sha256"] == _digest(record)
        intact = intact and record["tensors"] == file_digest(folder / "state.safetensors")
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise WeightsError(f"unreadable checkpoint ({error})", where=str(folder)) from error
    if not intact:
        raise WeightsError("damaged checkpoint", where=str(folder))
    if record["format"] != _FORMAT:
        raise WeightsError(f"checkpoint of format {record['format']}", where=str(folder))
    if record.get("training", training) != training:  # it is not in the first ones of this format
        raise WeightsError("checkpoint of another training", where=str(folder))
    return joined(record["state"], safetensors.torch.load_file(folder / "state.safetensors"))


def _digest(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
