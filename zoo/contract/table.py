"""Tables: samples, predictions and metric rows are all columns keyed by ``id``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo.errors import DataError, suggestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]  # a column holds whatever dtype its Field declares
    Column: TypeAlias = "Array | Ragged"

__all__ = ["Ragged", "Table"]


@dataclass(frozen=True)
class Ragged:
    """A column whose rows differ in length.

    Attributes:
        values: ``(total, ...)``, the rows one after another.
        offsets: ``(N + 1,)`` int64; row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: Array
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Array:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``(N,)`` int64, the number of values of each row."""
        lengths: NDArray[np.int64] = self.offsets[1:] - self.offsets[:-1]
        return lengths

    @classmethod
    def of(cls, rows: Sequence[Array]) -> Ragged:
        """Join a non-empty sequence of arrays that agree in all but their first dimension."""
        import numpy as np

        return cls(np.concatenate(rows), _offsets(np.asarray([len(row) for row in rows])))

    def take(self, index: NDArray[np.intp]) -> Ragged:
        """The rows of ``index`` (int), in its order."""
        places, offsets = _moved(self.offsets, index)
        return Ragged(self.values[places], offsets)


class Table(Mapping[str, Any]):
    """Columns of equal length, always with ``id`` ``(N,)`` uint64.

    A column is an array ``(N, ...)`` or a :class:`Ragged`. Tables are not changed in place:
    ``take``, ``select``, ``with_columns`` and ``concat`` return new ones.

    Raises:
        DataError: If ``id`` is missing or columns differ in length.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = dict(columns)
        if "id" not in self._columns:
            raise DataError(
                "a table has no column 'id'",
                where=", ".join(self._columns) or "no columns",
                remedy="add 'id', one uint64 per row",
            )
        lengths = {name: len(column) for name, column in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(
                f"columns differ in length: {lengths}",
                where="table",
                remedy="give one row per sample in every column",
            )

    def __getitem__(self, name: str) -> Any:  # Array | Ragged: the caller knows from the Specs
        try:
            return self._columns[name]
        except KeyError:
            raise DataError(
                "no such field", where=name, remedy=suggestion(name, self._columns)
            ) from None

    def get(self, name: str, default: Any = None) -> Any:
        """The column, or what is given where there is none."""
        return self._columns.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of columns, as for any mapping; :attr:`rows` counts rows."""
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        return f"Table({self.rows} rows: {', '.join(self._columns)})"

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self._columns["id"])

    @property
    def ids(self) -> NDArray[np.uint64]:
        """``(N,)`` uint64."""
        ids: NDArray[np.uint64] = self["id"]
        return ids

    def take(self, index: Sequence[int] | NDArray[np.intp] | NDArray[np.bool_] | slice) -> Table:
        """Rows by integer index, boolean mask or slice, in that order."""
        import numpy as np

        chosen = np.arange(self.rows)[index]
        moves: dict[int, tuple[Array, Array]] = {}  # columns of one event share their offsets
        taken: dict[str, Column] = {}
        for name, column in self._columns.items():
            if isinstance(column, Ragged):
                key = id(column.offsets)
                if key not in moves:
                    moves[key] = _moved(column.offsets, chosen)
                places, offsets = moves[key]
                taken[name] = Ragged(column.values[places], offsets)
            else:
                taken[name] = column[chosen]
        return Table(taken)

    def select(self, names: Sequence[str] | frozenset[str]) -> Table:
        """The named columns and ``id``."""
        return Table({"id": self.ids, **{name: self[name] for name in names if name != "id"}})

    def with_columns(self, columns: Mapping[str, Column]) -> Table:
        """This table with columns added or replaced."""
        return Table({**self._columns, **columns})

    @classmethod
    def concat(cls, tables: Sequence[Table]) -> Table:
        """One table of all rows.

        Raises:
            DataError: If there is no table, or their columns differ.
        """
        import numpy as np

        if not tables:
            raise DataError(
                "there are no samples", where="no tables to join", remedy="give at least one"
            )
        names = list(tables[0])
        for table in tables[1:]:
            if set(table) != set(names):
                raise DataError(
                    f"tables differ in columns: {sorted(set(table) ^ set(names))}",
                    where="table",
                    remedy="select the same columns of each before they are joined",
                )
        joined: dict[str, Column] = {}
        known: dict[tuple[int, ...], Array] = {}  # columns of one event share their offsets
        for name in names:
            parts = [table[name] for table in tables]
            if isinstance(parts[0], Ragged):
                key = tuple(id(part.offsets) for part in parts)
                if key not in known:
                    known[key] = _offsets(np.concatenate([part.lengths for part in parts]))
                values = np.concatenate([part.values for part in parts])
                joined[name] = Ragged(values, known[key])
            else:
                joined[name] = np.concatenate(parts)
        return cls(joined)


def _offsets(lengths: Array) -> NDArray[np.int64]:
    """Where rows of these lengths begin and end, one after another."""
    import numpy as np

    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _moved(offsets: Array, index: Array) -> tuple[Array, NDArray[np.int64]]:
    """Places of the values of some rows, in their order, and the offsets that they get there."""
    import numpy as np

    starts = offsets[:-1][index]
    lengths = offsets[1:][index] - starts
    moved = _offsets(lengths)
    return np.arange(moved[-1]) + np.repeat(starts - moved[:-1], lengths), moved
