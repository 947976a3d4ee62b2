"""Depositions of ionisation electrons, before they drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["Depos"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Depos:
    """Point-like depositions, all arrays float64 (depositions,).

    Attributes:
        x: Drift distance to the response plane, mm.
        y: Vertical position, mm.
        z: Position along the beam, mm.
        time: Time of the deposition relative to the start of the readout, ns.
        electrons: Number of electrons after recombination.
    """

    x: Float64Array
    y: Float64Array
    z: Float64Array
    time: Float64Array
    electrons: Float64Array

    def __post_init__(self) -> None:
        columns = (self.x, self.y, self.z, self.time, self.electrons)
        if self.x.ndim != 1 or any(column.shape != self.x.shape for column in columns):
            raise DataError(
                f"columns of shapes {[column.shape for column in columns]}",
                where="depositions",
                remedy="give five one-dimensional arrays of one length",
            )
        if not all(np.isfinite(column).all() for column in columns) or (self.electrons < 0).any():
            raise DataError("a value is not finite or a charge is negative", where="depositions")

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Depos:
        """The depositions that a mask or an index selects."""
        return Depos(
            self.x[rows], self.y[rows], self.z[rows], self.time[rows], self.electrons[rows]
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Depos]) -> Depos:
        """All depositions of several sets, in order; none for an empty sequence."""
        if not parts:
            return cls(*(np.empty(0) for _ in range(5)))
        return cls(
            np.concatenate([part.x for part in parts]),
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.z for part in parts]),
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.electrons for part in parts]),
        )
