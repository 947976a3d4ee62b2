"""LCParameters: lists of numbers and texts by name, of runs, events and collections."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo_calo.lcio.xdr import Cursor, Version, packed_text

__all__ = ["Parameters", "packed_parameters", "parameters_of"]

_WITHOUT = (1, 1)  # and before: runs, events and collections had none
_NO_DOUBLES = (2, 16)  # and before


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name. Floats are float32 as Python numbers.

    Attributes:
        ints, floats, doubles, strings: By kind; one name may stand in several.
    """

    ints: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    floats: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    doubles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    strings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parameters_of(cursor: Cursor, version: Version) -> Parameters:
    """Read them; of files that are too old to have some there are none.

    Raises:
        DataError: The block is damaged.
    """
    if version <= _WITHOUT:
        return Parameters()
    ints = _numbers(cursor, "i", 4)
    floats = _numbers(cursor, "f", 4)
    doubles = _numbers(cursor, "d", 8) if version > _NO_DOUBLES else {}
    strings = {}
    for _ in range(cursor.count(8, "parameters")):
        name = cursor.text("the name of a parameter")
        count = cursor.count(4, "values of a parameter")
        strings[name] = tuple(cursor.text("a parameter") for _ in range(count))
    return Parameters(
        {name: tuple(int(v) for v in values) for name, values in ints.items()},
        floats,
        doubles,
        strings,
    )


def _numbers(cursor: Cursor, kind: str, size: int) -> dict[str, tuple[float, ...]]:
    found: dict[str, tuple[float, ...]] = {}
    for _ in range(cursor.count(8, "parameters")):
        name = cursor.text("the name of a parameter")
        count = cursor.count(size, "values of a parameter")
        found[name] = struct.unpack(f">{count}{kind}", cursor.take(count * size, "a parameter"))
    return found


def packed_parameters(parameters: Parameters, version: Version) -> bytes:
    """As they stand in a block."""
    if version <= _WITHOUT:
        return b""
    parts = [
        _packed_numbers(parameters.ints, "i"),
        _packed_numbers(parameters.floats, "f"),
        *([_packed_numbers(parameters.doubles, "d")] if version > _NO_DOUBLES else []),
        struct.pack(">i", len(parameters.strings)),
    ]
    for name, values in parameters.strings.items():
        parts += [packed_text(name), struct.pack(">i", len(values)), *map(packed_text, values)]
    return b"".join(parts)


def _packed_numbers(found: Mapping[str, tuple[float, ...]], kind: str) -> bytes:
    parts = [struct.pack(">i", len(found))]
    for name, values in found.items():
        parts += [packed_text(name), struct.pack(f">i{len(values)}{kind}", len(values), *values)]
    return b"".join(parts)
