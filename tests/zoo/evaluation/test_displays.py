"""Which samples are shown: spread over all, and of both kinds where a group has two rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo.config.run import DataConfig
from zoo.contract.figures import Figures
from zoo.evaluation.displays import choose_displays
from zoo.prediction.sources import open_source
from zoo.registry import registry


class Four(Figures):
    displays = 4
    needs = frozenset({"pads"})


@pytest.mark.parametrize(
    ("limit", "rows"),
    [(None, [0, 20, 39, 59]), (30, [0, 10, 19, 29]), (3, [0, 1, 2]), (1, [0])],
)
def test_they_are_spread_from_the_first_to_the_last(limit: int | None, rows: list[int]) -> None:
    source = open_source("mini-track", DataConfig(source="tracks", events=60))
    task = replace(registry().task("mini-track"), figures=f"{__name__}:Four")
    blocks = source.blocks()
    shown = choose_displays(task, {}, source, blocks, limit)
    assert shown is not None
    every = np.concatenate([source.read(b, slice(0, b.rows), frozenset()).ids for b in blocks])
    np.testing.assert_array_equal(shown.samples.ids, every[rows])
    # Of an even number of rows half have an even place: planes U and V of an event alternate.
    assert len(rows) % 2 or sum(row % 2 for row in rows) == len(rows) / 2
