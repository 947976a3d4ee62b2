"""One text for equal content: canonical JSON, and digests of values that hold arrays."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import PluginError

__all__ = ["canonical_json", "digest", "is_array", "parse_json", "plain", "tidy"]

_FLOAT = "$float"


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces, and no characters beyond ASCII.

    A float that JSON lacks becomes ``{"$float": "nan"}`` (``inf``, ``-inf``).

    Raises:
        PluginError: If it holds something else than JSON values and numpy scalars.
    """
    storable = plain(value, _refuse)
    return json.dumps(storable, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parse_json(text: str | bytes) -> Any:  # whatever was written
    """The inverse of :func:`canonical_json`.

    Raises:
        ValueError: If it is no JSON.
    """
    return json.loads(text, object_hook=_restore)


def digest(value: object) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits; arrays count with type and shape."""
    storable = plain(value, lambda _, array: {"$sha256": _array_digest(array)})
    return hashlib.sha256(canonical_json(storable).encode()).hexdigest()


def tidy(value: Any) -> Any:
    """JSON values for other readers: null for what is not finite, lists for arrays and tuples."""
    if _is_numpy(value):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): tidy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [tidy(item) for item in items]
    return value


def is_array(value: object) -> bool:
    """Whether it is a numpy array of at least one dimension, told without importing numpy."""
    return _is_numpy(value) and getattr(value, "shape", ()) != ()


def plain(
    value: Any, replace: Callable[[tuple[str, ...], Any], object], path: tuple[str, ...] = ()
) -> Any:
    """JSON values only: tuples as lists, numpy scalars as numbers, floats beyond JSON as objects.

    Args:
        value: Nested mappings, sequences, scalars and arrays.
        replace: ``(path, array) -> what stands for it``.
        path: Keys on the way to ``value``.

    Raises:
        PluginError: If it holds anything else.
    """
    if is_array(value):
        return replace(path, value)
    if _is_numpy(value):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item, replace, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, replace, (*path, str(i))) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise PluginError(
        f"a {type(value).__name__} cannot be stored",
        where="/".join(path),
        remedy="use JSON values and numeric numpy arrays",
    )


def _is_numpy(value: object) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "tobytes")


def _refuse(path: tuple[str, ...], _: object) -> object:
    raise PluginError("an array has no place here", where="/".join(path), remedy="use a list")


def _restore(table: dict[str, Any]) -> Any:
    return float(table[_FLOAT]) if table.keys() == {_FLOAT} else table


def _array_digest(array: Any) -> str:  # an ndarray; numpy is not imported here
    head = f"{array.dtype.str}{list(array.shape)}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()
