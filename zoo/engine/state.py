"""Nested state as one set of named tensors and one JSON value, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

__all__ = ["copied", "joined", "restored", "separated"]

# A state is a dict, list, JSON scalar or tensor, nested; plugins' buffers have any shape.
_TENSOR = "tensor:"


def separated(state: Any) -> tuple[Any, dict[str, Tensor]]:
    """JSON with the tensors replaced by their names, and the tensors (contiguous, on the CPU).

    They share memory with those of the state, so that a checkpoint takes none: write them at once.

    Raises:
        TypeError: If a leaf is neither JSON nor a tensor: a bug of the caller.
    """
    tensors: dict[str, Tensor] = {}
    value = _separate(state, "", tensors)
    return value, _apart(tensors)


def joined(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of :func:`separated`."""
    if isinstance(value, dict):
        return {key: joined(item, tensors) for key, item in value.items()}
    if isinstance(value, list):
        return [joined(item, tensors) for item in value]
    if isinstance(value, str) and value.startswith(_TENSOR):
        return tensors[value.removeprefix(_TENSOR)]
    return value


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they are now, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


@contextmanager
def restored(tensors: Sequence[Tensor]) -> Iterator[Callable[[], list[bool]]]:
    """Give tensors back the values that they had before the block.

    Yields:
        What tells, inside the block, which of them have changed.
    """
    before = [tensor.detach().clone() for tensor in tensors]

    def changed() -> list[bool]:
        return [not torch.equal(a, b) for a, b in zip(before, tensors, strict=True)]

    try:
        yield changed
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)


def _separate(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[path] = value.detach().cpu().contiguous()
        return f"{_TENSOR}{path}"
    if isinstance(value, Mapping):
        return {key: _separate(item, f"{path}/{key}", tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_separate(item, f"{path}/{i}", tensors) for i, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path}: {type(value).__name__} cannot be saved in a checkpoint")


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With copies where several names share memory, which safetensors refuses."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if place in seen else tensor
        seen.add(place)
    return result
