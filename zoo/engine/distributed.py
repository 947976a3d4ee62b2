"""Several processes: who they are, and the few sums they exchange.

Each micro-batch is cut into shards. Usually a process has one, or as many pieces as its memory
asks for, and sums are in whatever order the collective library likes. In a reproducible training
the number of shards is fixed, whatever the number of processes, and every sum is in the order of
the shards: so are its bits.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from zoo.data.processes import launched
from zoo.engine.precision import resolve_device
from zoo.engine.telling import compare, tells_of_the_lost
from zoo.errors import ConfigError, PluginError, UsageError, ZooError

__all__ = ["World", "joined", "launched_world", "own_device", "process_group"]

T = TypeVar("T")

_LONGEST_WAIT = timedelta(hours=1)
"""For one that fits, tunes or measures alone; a process that ends is noticed at once."""

BUCKET = 32 * 2**20
"""Bytes of one all-reduce: large enough for bandwidth, small beside the gradients."""


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: This process.
        size: All of them.
        local_rank: This process among those of its machine.
        device: Where it computes.
        shards: Parts of each micro-batch; 0: ``pieces`` for each process.
        pieces: Parts of what a process has of a micro-batch, where ``shards`` are not fixed.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    shards: int = 0
    pieces: int = 1

    def __post_init__(self) -> None:
        if self.shards % self.size:
            raise UsageError(
                f"{self.shards} shards cannot be divided among {self.size} processes",
                where="engine.shards",
                remedy="start as many processes as divide it",
            )

    @property
    def ordered(self) -> bool:
        """Whether sums are the same bits on any number of processes."""
        return self.shards > 0

    @property
    def parts(self) -> int:
        """Shards of this process, which it computes one after the other."""
        return self.shards // self.size if self.ordered else self.pieces

    @property
    def mine(self) -> range:
        """Numbers of the shards of this process."""
        return range(self.rank * self.parts, (self.rank + 1) * self.parts)

    @property
    def main(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Element-wise sum over the ranks, in float64, exactly rounded."""
        return _column_sums(self._gathered([values]))

    def sum_shards(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Element-wise sum over all shards; ``rows`` are those of this process."""
        return _column_sums(self._gathered(rows))

    def maximum(self, values: Sequence[float]) -> list[float]:
        """Element-wise maximum over the ranks."""
        return [max(column) for column in zip(*self._gathered([values]), strict=True)]

    def sum_tensors(self, tensors: Sequence[Tensor]) -> None:
        """Sum each tensor over the ranks, in place, a bucket at a time."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = _flat(bucket)
            dist.all_reduce(flat)
            _scatter(flat, bucket)

    def sum_in_order(self, shards: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Sum over all shards in their order; ``shards`` are the tensors of those of this process.

        All shards have tensors of the same shapes. The memory of a bucket per shard is needed.
        """
        total: list[Tensor] = [torch.empty_like(tensor) for tensor in shards[0]]
        for first, bucket in _numbered_buckets(shards[0]):
            last = first + len(bucket)
            mine = [_flat(tensors[first:last]) for tensors in shards]
            every = self._every(torch.stack(mine))
            flat = every[0].clone()
            for shard in every[1:]:
                flat += shard
            _scatter(flat, total[first:last])
        return total

    def broadcast_tensors(self, tensors: Sequence[Tensor], root: int = 0) -> None:
        """Give every rank the tensors of one, in place, a bucket at a time."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = _flat(bucket)
            dist.broadcast(flat, root)
            _scatter(flat, bucket)

    def agreed(self, names: Sequence[str], what: str, *, silent: bool = False) -> list[str]:
        """The names of rank 0, which all ranks must have; a ``silent`` rank has no opinion.

        Raises:
            PluginError: On every rank, if one has other names.
        """
        if self.size == 1:
            return list(names)
        text = self._broadcast("\n".join(names))
        differs = not silent and text != "\n".join(names)
        if self.maximum([float(differs)])[0]:
            raise PluginError(
                f"the processes have different {what}; rank {self.rank} has {', '.join(names)}",
                remedy="add every term on every process, with count 0 where there is nothing",
            )
        return text.split("\n") if text else []

    def together(self, work: Callable[[], T]) -> T:
        """Do something on every rank, and fail on every rank if one does.

        Raises:
            ZooError: What the first of the ranks that failed has raised, on all of them.
        """
        if self.size == 1:
            return work()
        error: ZooError | None = None
        try:
            result = work()
        except ZooError as raised:
            error = raised
        told = self.gather(json.dumps(error.as_dict()).encode() if error else b"")
        failed = [rank for rank, content in enumerate(told) if content]
        if not failed:
            return result
        first = ZooError.from_dict(json.loads(told[failed[0]]))
        if failed[0]:  # rank 0, which prints, has seen nothing wrong
            here = f"process {failed[0]} of {self.size}"
            first.where = f"{first.where}, {here}" if first.where else here
        raise first from error

    def barrier(self) -> None:
        """Wait for the other ranks."""
        if self.size > 1:
            dist.barrier()

    def gather(self, content: bytes) -> list[bytes]:
        """What every rank has, in the order of ranks."""
        if self.size == 1:
            return [content]
        lengths = [int(length) for (length,) in self._gathered([[len(content)]])]
        padded = torch.zeros(max(*lengths, 1), dtype=torch.uint8)
        padded[: len(content)] = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8)[
            : len(content)
        ]
        every = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(every, padded)
        return [
            bytes(one[:length].numpy().tobytes())
            for one, length in zip(every, lengths, strict=True)
        ]

    def _broadcast(self, text: str) -> str:
        content = text.encode()
        length = int(self.maximum([len(content) if self.main else 0])[0])
        padded = content[:length].ljust(length, b"\0")
        buffer = torch.tensor(list(padded), dtype=torch.uint8)
        dist.broadcast(buffer, 0)
        return bytes(buffer.tolist()).decode()

    def _gathered(self, rows: Sequence[Sequence[float]]) -> list[list[float]]:
        """Rows of all ranks, in their order. On the CPU, so that no device is waited for."""
        if self.size == 1:
            return [list(row) for row in rows]
        every: list[list[float]] = self._every(torch.tensor(rows, dtype=torch.float64)).tolist()
        return every

    def _every(self, mine: Tensor) -> Tensor:
        """``(n, ...)`` of this rank -> ``(ranks * n, ...)``."""
        if self.size == 1:
            return mine
        every = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(every, mine)
        return torch.cat(every)


def launched_world(environ: Mapping[str, str] = os.environ) -> World:
    """The processes that ``torchrun`` or ``srun`` started, or this one alone.

    Raises:
        UsageError: If what they tell contradicts itself.
    """
    found = launched(environ)
    return World(found.rank, found.size, found.local_rank)


@contextmanager
def process_group(world: World) -> Iterator[None]:
    """Join the other processes: NCCL between GPUs, gloo between CPUs and for what is small.

    Raises:
        UsageError: If they cannot be reached, or one ends before the others.
    """
    if world.size == 1 or dist.is_initialized():
        yield
        return
    os.environ.setdefault("MASTER_ADDR", os.environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1"))
    job = int(os.environ.get("SLURM_JOB_ID", "0"))
    os.environ.setdefault("MASTER_PORT", str(20000 + job % 20000))  # the same on every rank
    backend = "cpu:gloo,cuda:nccl" if world.device.type == "cuda" else "gloo"
    if world.device.type == "cuda":
        torch.cuda.set_device(world.device)
    try:
        store = _meet(world)
        dist.init_process_group(
            backend,
            store=dist.PrefixStore("group", store),  # type: ignore[attr-defined]  # it is public
            rank=world.rank,
            world_size=world.size,
            timeout=_LONGEST_WAIT,
        )
        with _compared(world, store):
            yield
            dist.barrier()
    except (dist.DistError, RuntimeError) as error:
        if not _lost(error):
            raise
        raise _another_ended(world, error) from error
    finally:
        # Not after a failure: it would wait for those that are gone.
        if dist.is_initialized() and sys.exc_info()[0] is None:
            dist.destroy_process_group()


def _meet(world: World) -> Any:
    """A store where all processes can write: the launcher's, or one of rank 0."""
    meeting: Any = rendezvous("env://", world.rank, world.size, timeout=_LONGEST_WAIT)
    store, _, _ = next(meeting)
    store.set_timeout(_LONGEST_WAIT)
    return store


@contextmanager
def _compared(world: World, store: Any) -> Iterator[None]:
    """Errors know afterwards whether another process tells them."""
    try:
        yield
    except (ZooError, dist.DistError, RuntimeError) as error:
        # A plugin's network may have been in a sum over the processes, of a normalisation.
        cause = error.__cause__ if isinstance(error, PluginError) else error
        if cause is not None and _lost(cause):
            raise _another_ended(world, cause) from error
        if isinstance(error, ZooError):
            own = dist.PrefixStore("errors", store)  # type: ignore[attr-defined]  # it is public
            compare(error, own, rank=world.rank, size=world.size)
        raise


def _another_ended(world: World, error: BaseException) -> UsageError:
    ended = UsageError(
        f"another process of this run has ended or cannot be reached ({_first_line(error)})",
        remedy="see what it said; run the same command again: a training resumes",
    )
    ended.shared = not tells_of_the_lost(world.rank, world.local_rank)
    return ended


def own_device(name: str, local_rank: int) -> torch.device:
    """The device of this process.

    Raises:
        ConfigError: If there is no such device.
    """
    try:
        return resolve_device(name, local_rank)
    except ConfigError as error:
        error.shared = False  # others of this machine may have one
        raise


@contextmanager
def joined(device: str) -> Iterator[World]:
    """The processes that were launched together, each with its device.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` (the one of each process) or ``cuda:N``.

    Raises:
        ConfigError: If there is no such device.
        UsageError: As :func:`process_group`.
    """
    world = launched_world()
    world = replace(world, device=own_device(device, world.local_rank))
    with process_group(world):
        yield world


def _lost(error: BaseException) -> bool:
    """Whether the collective library says so; gloo throws plain runtime errors with its name."""
    return isinstance(error, dist.DistError) or "gloo/" in str(error) or "NCCL" in str(error)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200]


def _column_sums(rows: Sequence[Sequence[float]]) -> list[float]:
    """Exactly rounded, so that the order of the rows does not matter; NaN and inf pass."""
    return [_sum(column) for column in zip(*rows, strict=True)]


def _sum(values: Sequence[float]) -> float:
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _numbered_buckets(tensors: Sequence[Tensor]) -> Iterator[tuple[int, list[Tensor]]]:
    done = 0
    for bucket in _buckets(tensors):
        yield done, bucket
        done += len(bucket)


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if bucket and (size + tensor.nbytes > BUCKET or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.nbytes
    if bucket:
        yield bucket


def _scatter(flat: Tensor, bucket: Sequence[Tensor]) -> None:
    done = 0
    for tensor in bucket:
        tensor.copy_(flat[done : done + tensor.numel()].view_as(tensor))
        done += tensor.numel()
