"""A simulator's events into a file: in parallel, resumable, the same for any number of workers.

Events are made in shards, each a file of its own in ``FILE.parts/`` that appears when it is
whole. After a kill at any instant the same command uses the shards that are there. When all are,
they are joined in order and the folder is removed. Sizes of blocks and shards follow from the
simulator and the number of events alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.contract.source import Block, Simulator
from zoo.contract.specs import Specs
from zoo.data.keys import row_ids
from zoo.data.reader import available_fields, read_block, table_bytes
from zoo.data.simulated import SimulatedSource
from zoo.data.store import TableFile
from zoo.data.workers import run_workers
from zoo.data.writer import TableWriter
from zoo.errors import DataError, UsageError
from zoo.files import write_atomically

__all__ = ["BLOCK_BYTES", "block_rows", "simulate_file"]

BLOCK_BYTES = 2**18
"""A block is this large, unless single rows are larger or there would be too few blocks."""
_FEWEST_BLOCKS = 100  # so that a split of 10 % is one
_MOST_SHARDS = 256


@dataclass(frozen=True)
class _Job:
    """What a worker needs: the source, what to write, and where."""

    source: SimulatedSource
    fields: frozenset[str]
    specs: Specs
    task: str
    shards: tuple[tuple[Block, ...], ...]
    parts: Path
    about: Mapping[str, Any]

    def path(self, shard: int) -> Path:
        return self.parts / f"shard-{shard:04d}.h5"

    def is_finished(self, shard: int) -> bool:
        """Whether the shard is there, whole, and holds the rows of its keys."""
        try:
            return self._holds_its_keys(TableFile(self.path(shard)), shard)
        except DataError:
            return False

    def _holds_its_keys(self, file: TableFile, shard: int) -> bool:
        ids = [file.read(block, slice(None), frozenset()).ids for block in file.blocks()]
        first, last = self.shards[shard][0], self.shards[shard][-1]
        each = self.source.simulator.samples_per_key
        keys = self.source.keys[int(first.key) : int(last.key) + last.rows // each]
        return file.about == self.about and np.array_equal(np.concatenate(ids), row_ids(keys, each))

    def make(self, shard: int) -> Iterator[int]:
        """Simulate and write one shard; yields the number of new rows after each block."""
        with self.writer(self.path(shard), self.about) as writer:
            for block in self.shards[shard]:
                table = read_block(self.source, block, self.fields)
                writer.append(table)
                yield table.rows

    def writer(self, path: Path, about: Mapping[str, Any]) -> TableWriter:
        return TableWriter(
            path,
            self.specs,
            facts=self.source.facts,
            task=self.task,
            block_rows=self.shards[0][0].rows,
            about=about,
        )


def simulate_file(
    simulator: Simulator,
    specs: Specs,
    out: Path,
    *,
    task: str,
    seed: int,
    events: int,
    about: Mapping[str, Any],
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> TableFile:
    """Write ``events`` keys of a simulator; resumes what the same call began.

    Args:
        simulator: What makes the samples.
        specs: Fields of the task.
        out: The file; while it grows, ``out`` + ``.parts`` is a folder.
        task: Name of the task.
        seed: Of the keys.
        events: Number of keys, at least 1.
        about: JSON that tells how the file came to be: source, config, command. A file or parts
            with another ``about`` are never touched.
        workers: Processes.
        progress: Called with the number of new rows, now and then.

    Raises:
        UsageError: If ``out`` or its parts are of another simulation, or are being written.
        DataError, PluginError: If the simulator breaks the contract or misses a field.
    """
    parts = out.with_name(f"{out.name}.parts")
    if out.exists():
        return _already_there(out, about, parts)
    with _own_folder(parts, about):
        job = _plan(SimulatedSource(simulator, seed, events), specs, task, parts, about)
        finished = [shard for shard in range(len(job.shards)) if job.is_finished(shard)]
        progress(sum(block.rows for shard in finished for block in job.shards[shard]))
        missing = sorted(set(range(len(job.shards))) - set(finished))
        for rows in run_workers(job.make, missing, workers, type(simulator).__name__):
            progress(rows)
        with job.writer(out, about) as writer:
            for shard in range(len(job.shards)):
                writer.append_file(job.path(shard))
    shutil.rmtree(parts, ignore_errors=True)
    return TableFile(out)


def block_rows(row_bytes: float, rows: int) -> int:
    """Rows of a block: :data:`BLOCK_BYTES`, but at least a hundred blocks if there are rows."""
    return max(min(int(BLOCK_BYTES // max(row_bytes, 1)), rows // _FEWEST_BLOCKS), 1)


def _plan(
    source: SimulatedSource, specs: Specs, task: str, parts: Path, about: Mapping[str, Any]
) -> _Job:
    fields = available_fields(source, frozenset(specs))
    first = read_block(source, source.blocks()[0], fields)
    keys_per_block = block_rows(table_bytes(first), len(source.keys))
    source = SimulatedSource(source.simulator, source.seed, len(source.keys), keys_per_block)
    blocks = source.blocks()
    each = -(-len(blocks) // _MOST_SHARDS)
    shards = tuple(tuple(blocks[i : i + each]) for i in range(0, len(blocks), each))
    return _Job(source, fields, specs, task, shards, parts, about)


def _already_there(out: Path, about: Mapping[str, Any], parts: Path) -> TableFile:
    """A finished file of the same simulation is the result; a kill may have left its parts."""
    file = TableFile(out)
    if file.about != about:
        raise UsageError(
            "the file exists and holds something else",
            where=str(out),
            remedy="choose another --out, or remove it",
        )
    shutil.rmtree(parts, ignore_errors=True)
    return file


@contextmanager
def _own_folder(parts: Path, about: Mapping[str, Any]) -> Iterator[None]:
    """Hold the folder of parts for this process alone, and refuse parts of something else."""
    try:
        parts.mkdir(parents=True, exist_ok=True)
        lock = os.open(parts / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise UsageError(
            f"cannot be written ({error.strerror})",
            where=str(parts),
            remedy="choose another place with --out",
        ) from error
    try:
        _lock(lock, parts)
        _recognise(parts / "about.json", json.dumps(about, sort_keys=True, indent=1))
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, parts: Path) -> None:
    for attempt in range(20):  # workers of a killed process end within a fraction of a second
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1 if attempt < 19 else 0)
        else:
            return
    raise UsageError(
        "another process is writing it", where=str(parts), remedy="wait, or choose another --out"
    )


def _recognise(path: Path, about: str) -> None:
    begun = any(path.parent.glob("shard-*"))  # else an earlier call failed before it made any
    if not (path.exists() and begun):
        write_atomically(path, about)
    elif path.read_text() != about:
        raise UsageError(
            "these parts belong to another simulation",
            where=str(path.parent),
            remedy=f"repeat the command told in {path.name}, remove the folder, or choose "
            "another --out",
        )
