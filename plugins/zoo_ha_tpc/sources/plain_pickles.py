"""What PyTables pickles beside arrays: names, read by its opcodes, without unpickling."""

from __future__ import annotations

import pickletools
from typing import Any

from zoo.api import DataError

__all__ = ["names"]

_TEXT = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "SHORT_BINSTRING"})
_WHOLE = frozenset({"INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1"})
_BUILDING = frozenset(
    {
        *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT"),
        *("LIST", "EMPTY_LIST", "APPEND", "APPENDS", "DICT", "EMPTY_DICT", "SETITEM", "SETITEMS"),
        *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"),
        *("PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "MEMOIZE"),
    }
)
_MEMO = frozenset({"GET", "BINGET", "LONG_BINGET"})


def names(attribute: Any, where: str) -> list[str]:
    """The names in a pickled list of texts or integers, in its order.

    Raises:
        DataError: It is anything else.
    """
    found: list[str] = []
    for opcode, value, _ in _opcodes(attribute, where):
        if opcode in _TEXT | _WHOLE:
            found.append(str(value))
        elif opcode in _MEMO or opcode not in _BUILDING:
            raise _refusal(opcode, where)
    return found


def _opcodes(attribute: Any, where: str) -> list[tuple[str, Any, int | None]]:
    if not isinstance(attribute, bytes):
        raise _refusal(f"an attribute of {type(attribute).__name__}", where)
    try:
        return [(op.name, value, at) for op, value, at in pickletools.genops(bytes(attribute))]
    except (ValueError, IndexError) as error:
        raise _refusal(str(error), where) from error


def _refusal(what: str, where: str) -> DataError:
    return DataError(
        f"a pickle of more than names and numbers ({what}), which is never unpickled",
        where=where,
        remedy="write the frame anew with to_hdf(..., format='table', data_columns=True)",
    )
