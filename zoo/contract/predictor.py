"""What predicts: trained networks, exported files and classical algorithms alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from zoo.contract.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Predictor"]


class Predictor(Protocol):
    """What ``zoo.load`` returns, and what a classical model is.

    Attributes:
        needs: Sample fields that :meth:`predict` reads.
        targets: Fields that :meth:`fit` reads beside them; default: none.
    """

    needs: frozenset[str]
    targets: frozenset[str] = frozenset()

    def fit(self, training: Iterable[Table]) -> None:
        """Look-up tables and thresholds of a classical algorithm. Default: nothing to fit."""
        return  # else type checkers take it for abstract

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Predictions with the samples' ids; ``keys`` seed what is random (default: the ids)."""
        ...
