"""Figures of groupings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from zoo.api import Drawing, Evaluation, Figures, Table

__all__ = ["GroupFigures"]


class GroupFigures(Figures):
    """What the rows show."""

    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """None yet."""
        return ()
