"""Figures that fail where they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zoo.api import Drawing, Evaluation, Figures, Table


class BrokenFigures(Figures):
    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        raise KeyError("no histogram of this name")
