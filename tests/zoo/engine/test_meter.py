"""Speed, waiting and memory, on a clock that the test moves."""

from __future__ import annotations

import mmap
import resource
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from zoo import memory
from zoo.contract.codec import Batch
from zoo.engine.distributed import World
from zoo.engine.meter import Meter, peak_memory


class Clock:
    """Seconds that pass only when somebody works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def batches(clock: Clock, sizes: list[int | None], seconds: float) -> Iterator[Batch | None]:
    for size in sizes:
        clock.now += seconds
        yield None if size is None else Batch({}, {}, np.zeros(size, np.uint64))


def test_one_window_after_the_other() -> None:
    clock = Clock()
    measured = Meter(World(), clock)
    clock.now += 50  # before the first batch is asked for, nothing is measured
    watched = measured.watched(batches(clock, [8, None, 4, 6], 1.0))
    for _ in range(3):
        next(watched)
        clock.now += 3.0
    with measured.paused():
        clock.now += 1000.0
    found = measured.read()
    # Twelve samples in three times (1 s of waiting + 3 s of work).
    assert found["samples_per_second"] == pytest.approx(12 / 12)
    assert found["data_wait"] == pytest.approx(3 / 12)
    next(watched)
    clock.now += 1.0
    assert measured.read() == {
        "samples_per_second": pytest.approx(6 / 2),
        "data_wait": pytest.approx(1 / 2),
        "peak_memory": pytest.approx(found["peak_memory"], rel=0.5),
    }
    assert list(watched) == []


def test_ranks_are_added_and_the_slowest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    measured = Meter(World(), clock)
    next(measured.watched(batches(clock, [5], 1.0)))
    clock.now += 9.0
    # Another rank: 7 samples in 20 s, 12 s of them waiting, one TiB.
    monkeypatch.setattr(World, "sum", lambda _, mine: [mine[0] + 7])
    other = [20.0, 0.6, 2**40]
    monkeypatch.setattr(World, "maximum", lambda _, mine: list(map(max, mine, other)))
    assert measured.read() == {
        "samples_per_second": pytest.approx(12 / 20),
        "data_wait": 0.6,
        "peak_memory": 2**40,
    }


def test_peak_memory_grows_with_what_is_used() -> None:
    before = peak_memory(torch.device("cpu"))
    assert 20 * 2**20 < before < 2**40  # an interpreter with torch, and no machine's memory
    with mmap.mmap(-1, 256 * 2**20) as held:  # malloc may have as much left from other tests
        held.write(b"x" * len(held))
        after = peak_memory(torch.device("cpu"))
    # The peak may have been above what is used now; beyond it, every byte counts.
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    assert after >= max(before, resident)
    assert after >= resident + 200 * 2**20


def test_without_proc_the_resource_usage_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from_proc = peak_memory(torch.device("cpu"))
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "absent")
    assert peak_memory(torch.device("cpu")) == pytest.approx(from_proc, rel=0.1)


def test_the_lines_of_a_training(tiny: ModuleType, tmp_path: Path) -> None:
    clock = Clock()
    loop: Any = tiny.tiny_loop(tmp_path, steps=8, accumulate=1, validate_every=4, log_every=4)
    loop._meter = Meter(World(), clock)
    original, validate = loop.hooks.batches, loop.hooks.validate

    def slow(first: int) -> Iterator[Batch | None]:
        for batch in original(first):
            clock.now += 3.0
            yield batch

    def work(step: int, total: int) -> None:
        clock.now += 1.0

    def long_validation(*arguments: Any) -> Any:
        clock.now += 1000.0
        return validate(*arguments)

    loop.hooks.batches, loop.hooks.progress = slow, work
    loop.hooks.validate = long_validation
    loop.run()
    rows = [row for row in loop.hooks.rows() if row["split"] == "train"]
    assert len(rows) == 4  # two phases in each of two windows
    # Four times six samples after four times 3 s of waiting. A line is written before the progress
    # of its step is told: three times 1 s of work, then four times.
    for row, seconds in zip(rows, (15.0, 15.0, 16.0, 16.0), strict=True):
        assert row["samples_per_second"] == pytest.approx(24 / seconds)
        assert row["data_wait"] == pytest.approx(12 / seconds)
        assert row["peak_memory"] > 20 * 2**20
