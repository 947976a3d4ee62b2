"""Arithmetic of a training: autocast, loss scaling, determinism, threads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch

from zoo.engine.uncompiled import without_compiler
from zoo.errors import ConfigError

__all__ = ["Precision", "numerics", "resolve_device", "resolve_precision"]

Kind = Literal["fp32", "bf16", "fp16"]
_WARN, _ERROR = 1, 2  # debug modes of torch for what is not deterministic
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """Which type the matrix products use; parameters and gradient sums stay float32."""

    kind: Kind
    device: str

    def autocast(self) -> AbstractContextManager[None]:
        """Autocast for a forward pass; nothing for fp32."""
        if self.kind == "fp32":
            return nullcontext()
        return torch.autocast(self.device, dtype=_DTYPES[self.kind])

    def scaler(self) -> torch.amp.GradScaler | None:
        """A loss scaler for fp16, whose small gradients would vanish; else ``None``."""
        return torch.amp.GradScaler(self.device) if self.kind == "fp16" else None


def resolve_precision(
    kind: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device
) -> Precision:
    """``auto``: bf16 on a GPU that computes in it, else fp32."""
    if kind == "auto":
        cuda = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return Precision("bf16" if cuda else "fp32", device.type)
    return Precision(kind, device.type)


def resolve_device(name: str, local_rank: int = 0) -> torch.device:
    """``auto``: a GPU if there is one; ``cuda``: the one of this process.

    Raises:
        ConfigError: If there is no such device.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ConfigError(
            f"'{name}' is no device", where="engine.device", remedy="use auto, cpu, cuda or cuda:N"
        )
    available = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not available):
        return torch.device("cpu")
    if not available:
        raise ConfigError(
            "no CUDA device is usable", where="engine.device", remedy="use --device cpu"
        )
    chosen = torch.device("cuda", local_rank) if name in {"auto", "cuda"} else torch.device(name)
    count = torch.cuda.device_count()
    if chosen.index >= count:
        raise ConfigError(
            f"there is no {chosen}", where="engine.device", remedy=f"{count} CUDA devices are here"
        )
    return chosen


@contextmanager
def numerics(
    device: torch.device, threads: int | None, *, compiled: bool = False
) -> Iterator[None]:
    """Deterministic algorithms and a number of threads, restored on leaving.

    On a GPU an operation without a deterministic version warns; on a CPU it is an error.

    Args:
        device: Where the networks are.
        threads: Of torch; none: as they are.
        compiled: Whether torch compiles networks meanwhile: its compiler is told, too.
    """
    memory: Any = torch.utils.deterministic  # its flag is a property that type checkers miss
    before = (
        torch.get_deterministic_debug_mode(),
        memory.fill_uninitialized_memory,
        torch.get_num_threads(),
    )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    _deterministic(_WARN if device.type == "cuda" else _ERROR, compiled)
    memory.fill_uninitialized_memory = False  # a debugging aid that costs time
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        with nullcontext() if compiled else without_compiler():
            yield
    finally:
        _deterministic(before[0], compiled)
        memory.fill_uninitialized_memory = before[1]
        torch.set_num_threads(before[2])


def _deterministic(mode: int, compiled: bool) -> None:
    if compiled:
        torch.use_deterministic_algorithms(mode >= _WARN, warn_only=mode == _WARN)
    else:  # the same switch, which does not import the compiler
        torch.set_deterministic_debug_mode(mode)
