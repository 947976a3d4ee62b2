"""Facts as JSON and arrays: numpy arrays are taken out of the tree and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import PluginError

__all__ = ["pack_facts", "unpack_facts"]

_ARRAY = "$array"


def pack_facts(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """A JSON tree with ``{"$array": i}`` where array ``i`` was, and the arrays.

    Raises:
        PluginError: If a fact is neither JSON nor a numpy array.
    """
    arrays: list[NDArray[Any]] = []
    return {str(name): _pack(fact, str(name), arrays) for name, fact in facts.items()}, arrays


def unpack_facts(packed: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """The inverse of :func:`pack_facts`; tuples come back as lists.

    Raises:
        IndexError: If an array is missing.
    """
    return {name: _unpack(fact, arrays) for name, fact in packed.items()}


def _pack(fact: Any, path: str, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(fact, np.ndarray) and fact.dtype.kind in "biufc":
        arrays.append(fact)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(fact, np.generic):
        return _pack(fact.item(), path, arrays)
    if isinstance(fact, Mapping):
        return {str(k): _pack(v, f"{path}.{k}", arrays) for k, v in fact.items()}
    if isinstance(fact, (list, tuple)):
        return [_pack(item, f"{path}.{i}", arrays) for i, item in enumerate(fact)]
    if fact is None or isinstance(fact, (str, bool, int)):
        return fact
    if isinstance(fact, float) and np.isfinite(fact):
        return fact
    raise PluginError(
        f"a fact is JSON or a numeric array, this is {fact!r:.60}", where=f"facts.{path}"
    )


def _unpack(fact: Any, arrays: Sequence[NDArray[Any]]) -> Any:
    if isinstance(fact, Mapping):
        if set(fact) == {_ARRAY}:
            return arrays[fact[_ARRAY]]
        return {name: _unpack(item, arrays) for name, item in fact.items()}
    if isinstance(fact, list):
        return [_unpack(item, arrays) for item in fact]
    return fact
