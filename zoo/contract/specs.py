"""What the fields of a sample, a prediction or an exported model are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Field", "Specs"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a table, or one input or output of an exported model.

    Attributes:
        dims: Sizes after the sample axis: an integer is fixed, a name is a size that all fields
            of one table share (``("wire", "tick")``). An exported input names its batch axis too.
        dtype: A numpy dtype name, ``"float32"``.
        unit: ``"mm"``, ``"e-/tick"``; empty for a pure number or an index.
        meaning: One line for the documentation.
        optional: Whether a source may lack it.
        ragged: Whether the first of ``dims`` differs between rows (``Ragged``).
        minimum, maximum: Bounds that the data check enforces; ``None``: unbounded.
        finite: Whether NaN and infinity are refused.
    """

    dims: tuple[str | int, ...] = ()
    dtype: str
    unit: str = ""
    meaning: str
    optional: bool = False
    ragged: bool = False
    minimum: float | None = None
    maximum: float | None = None
    finite: bool = True


Specs = Mapping[str, Field]
"""Field name -> :class:`Field`; ``id`` is understood and not listed."""
