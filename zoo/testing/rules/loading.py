"""R13: batches do not depend on who reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.data.loaders import Loader
from zoo.testing.rule import Violation
from zoo.testing.subjects import ModelSubject
from zoo.training.machine import training_plan

__all__ = ["workers"]

_BATCHES = 4


def workers(subject: ModelSubject) -> str:
    """Read the first batches with 0, 1 and 2 worker processes."""
    whole = subject.practice.whole
    plan = training_plan(whole)
    found = []
    for count in (0, 1, 2):
        blocks = whole.splits["train"]
        loader = Loader(whole.source, blocks, whole.codec, plan, augment=True, workers=count)
        with closing(loader.batches(0, _BATCHES)) as batches:
            found.append(list(batches))
    for count, several in enumerate(found[1:], 1):
        for number, (one, other) in enumerate(zip(found[0], several, strict=True)):
            if differ := list(_differing(one, other)):
                raise Violation(
                    f"with {count} worker(s), batch {number} differs in {', '.join(differ)}"
                )
    return f"{_BATCHES} batches from 0, 1 and 2 workers"


def _differing(one: Batch | None, other: Batch | None) -> Iterator[str]:
    if one is None or other is None:
        if one is not other:
            yield "its rows"
        return
    parts = (("ids", one.ids, other.ids), ("inputs", one.inputs, other.inputs))
    for name, mine, theirs in (*parts, ("targets", one.targets, other.targets)):
        yield from (place for place in _unequal(mine, theirs, name))


def _unequal(one: Any, other: Any, place: str) -> Iterator[str]:
    if isinstance(one, Mapping):
        for name in one:
            yield from _unequal(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list | tuple):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _unequal(mine, theirs, f"{place}.{index}")
    elif isinstance(one, Ragged):
        yield from _unequal((one.values, one.offsets), (other.values, other.offsets), place)
    elif isinstance(one, np.ndarray):
        if one.shape != other.shape or one.tobytes() != other.tobytes():
            yield place
    elif one != other:
        yield place
