"""Several processes: who they are, and the few sums they exchange."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor

from zoo.errors import PluginError, UsageError

__all__ = ["World", "launched_world", "process_group"]

BUCKET = 32 * 2**20
"""Bytes of one all-reduce: large enough for bandwidth, small beside the gradients."""


@dataclass(frozen=True)
class World:
    """The processes of a training; with one, every method returns what it was given."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def main(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Element-wise sum over the ranks, in float64."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def maximum(self, values: Sequence[float]) -> list[float]:
        """Element-wise maximum over the ranks."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def sum_tensors(self, tensors: Sequence[Tensor]) -> None:
        """Sum each tensor over the ranks, in place, a bucket at a time."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            dist.all_reduce(flat)
            _scatter(flat, bucket)

    def broadcast_tensors(self, tensors: Sequence[Tensor]) -> None:
        """Give every rank the tensors of rank 0, in place, a bucket at a time."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            dist.broadcast(flat, 0)
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

    def barrier(self) -> None:
        """Wait for the other ranks."""
        if self.size > 1:
            dist.barrier()

    def _broadcast(self, text: str) -> str:
        content = text.encode()
        length = int(self.maximum([len(content) if self.main else 0])[0])
        padded = content[:length].ljust(length, b"\0")
        buffer = torch.tensor(list(padded), dtype=torch.uint8, device=self.device)
        dist.broadcast(buffer, 0)
        return bytes(buffer.tolist()).decode()

    def _reduced(self, values: Sequence[float], how: dist.ReduceOp.RedOpType) -> list[float]:
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, how)
        reduced: list[float] = tensor.tolist()
        return reduced


def launched_world(environ: Mapping[str, str] = os.environ) -> World:
    """Rank and size from ``torchrun`` (RANK, WORLD_SIZE) or ``srun`` (SLURM_PROCID, ...).

    Raises:
        UsageError: If the variables contradict one another.
    """
    if "WORLD_SIZE" in environ:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    elif int(environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # set by srun alone, not by sbatch
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
    else:
        return World()
    rank, size, local = (int(environ.get(name, "0")) for name in names)
    if not 0 <= rank < size:
        raise UsageError(
            f"{names[0]} is {rank}, {names[1]} is {size}", remedy="start with torchrun or srun"
        )
    return World(rank, size, local)


@contextmanager
def process_group(world: World) -> Iterator[None]:
    """Join the other processes: NCCL between GPUs, gloo between CPUs."""
    if world.size == 1 or dist.is_initialized():
        yield
        return
    os.environ.setdefault("MASTER_ADDR", os.environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1"))
    job = int(os.environ.get("SLURM_JOB_ID", "0"))
    os.environ.setdefault("MASTER_PORT", str(20000 + job % 20000))  # the same on every rank
    backend = "nccl" if world.device.type == "cuda" else "gloo"
    if world.device.type == "cuda":
        torch.cuda.set_device(world.device)
    dist.init_process_group(backend, rank=world.rank, world_size=world.size)
    try:
        yield
    finally:
        dist.destroy_process_group()


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
