"""Numpy to tensors and back: the engine alone converts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.errors import PluginError

__all__ = ["to_numpy", "to_tensors"]


Move = Callable[[Tensor], Tensor]


def to_tensors(batch: Batch, device: torch.device, move: Move | None = None) -> Batch:
    """The batch with every array of its inputs and targets as a tensor of the same dtype.

    Goes into dicts, lists, tuples and ``Ragged``; what is no array passes through. ``ids`` stay
    numpy.

    Args:
        batch: As the codec encoded it.
        device: Where to.
        move: How a tensor gets there; ``None``: by a copy that is waited for.

    Raises:
        PluginError: If an array holds objects or text.
    """

    def plainly(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    way = move or plainly
    return Batch(
        {name: _tensors(value, way, name) for name, value in batch.inputs.items()},
        {name: _tensors(value, way, name) for name, value in batch.targets.items()},
        batch.ids,
    )


def to_numpy(outputs: Any) -> Any:
    """Outputs of a network with every tensor as an array; bfloat16 becomes float32."""
    if isinstance(outputs, Tensor):
        detached = outputs.detach().cpu()
        return (detached.float() if detached.dtype == torch.bfloat16 else detached).numpy()
    if isinstance(outputs, Ragged):
        return Ragged(to_numpy(outputs.values), to_numpy(outputs.offsets))
    if isinstance(outputs, Mapping):
        return {name: to_numpy(value) for name, value in outputs.items()}
    if isinstance(outputs, tuple | list):
        return _rebuilt(outputs, [to_numpy(value) for value in outputs])
    return outputs


def _tensors(value: Any, move: Move, name: str) -> Any:
    if isinstance(value, np.ndarray):
        return _tensor(value, move, name)
    if isinstance(value, Ragged):
        # The same two names, holding tensors: a learner reads values and offsets.
        return Ragged(_tensors(value.values, move, name), _tensors(value.offsets, move, name))
    if isinstance(value, Mapping):
        return {key: _tensors(item, move, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return _rebuilt(value, [_tensors(item, move, name) for item in value])
    return value


def _tensor(array: np.ndarray[Any, np.dtype[Any]], move: Move, name: str) -> Tensor:
    if array.dtype.kind not in "biufc":
        raise PluginError(
            f"an array of dtype {array.dtype} cannot become a tensor",
            where=f"batch field '{name}'",
            remedy="encode numbers; what is no array passes through unchanged",
        )
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    # torch refuses to share memory that must not be written.
    tensor = torch.from_numpy(native if native.flags.writeable else native.copy())
    return move(tensor.reshape(array.shape))


def _rebuilt(like: Any, values: list[Any]) -> Any:
    """The values in a sequence of the same type, named tuples included."""
    return type(like)(*values) if hasattr(like, "_fields") else type(like)(values)
