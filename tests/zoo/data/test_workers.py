"""Forks of a process with threads, of which Python 3.12 and later warn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from tiny_plugin import Toy, ToyConfig

from zoo.contract.codec import Batch, Codec
from zoo.contract.table import Table
from zoo.data.loaders import Loader
from zoo.data.order import Plan
from zoo.data.simulated import SimulatedSource
from zoo.data.workers import quiet_fork, run_workers


@pytest.fixture
def later_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``os.fork`` of Python 3.12 does where there are threads, for older ones too."""
    fork = os.fork

    def warning_fork() -> int:
        child = fork()
        if child:
            warnings.warn(
                f"This process (pid={os.getpid()}) is multi-threaded, use of fork() may lead to "
                "deadlocks in the child.",
                DeprecationWarning,
                stacklevel=2,
            )
        return child

    monkeypatch.setattr(os, "fork", warning_fork)


class Mean(Codec):
    needs: frozenset[str] = frozenset({"image"})

    def encode(self, samples: Table) -> Batch:
        return Batch({"mean": samples["image"].mean(axis=(1, 2))}, {}, samples.ids)


def test_workers_start(later_python: None):
    def twice(item: int) -> Iterator[int]:
        yield 2 * item

    assert sorted(run_workers(twice, [1, 2, 3], 2, "x")) == [2, 4, 6]


def test_loaders_start(later_python: None):
    source = SimulatedSource(Toy(ToyConfig()), 0, 4)
    blocks = source.blocks()
    plan = Plan(tuple(block.rows for block in blocks), 4)

    def first(workers: int) -> Batch:
        codec = Mean(None, {}, {})
        batches = Loader(source, blocks, codec, plan, augment=False, workers=workers).batches(0, 1)
        batch = next(batches)
        batches.close()
        assert batch is not None
        return batch

    np.testing.assert_array_equal(first(2).inputs["mean"], first(0).inputs["mean"])


def test_only_that_warning_is_silenced():
    with pytest.warns(DeprecationWarning, match="old spelling"), quiet_fork():
        warnings.warn("old spelling", DeprecationWarning, stacklevel=1)
    before = list(warnings.filters)
    with quiet_fork():
        pass
    assert warnings.filters == before
