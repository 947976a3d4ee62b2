"""Cutting a training so that it fits: the choice, against a model of memory that is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from zoo.errors import ConfigError
from zoo.training.fitting import Fit, Need, fit

MIB = 2**20


@dataclass
class Memory:
    """So much whatever happens, so much a sample, and so much a row of ``chunked`` on top."""

    fixed: int = 500 * MIB
    sample: int = 10 * MIB
    rows: int = 0
    row: int = 0
    largest: int = 0
    asked: list[tuple[int, int | None]] = field(default_factory=list)

    def needs(self, samples: int, chunk: int | None) -> int:
        rows = samples * self.rows
        return self.fixed + samples * self.sample + min(chunk or rows, rows) * self.row

    def measure(self, samples: int, chunk: int | None) -> Need:
        self.asked.append((samples, chunk))
        need = self.needs(samples, chunk)
        self.largest = max(self.largest, need)
        return Need(self.fixed, need - self.fixed, samples * self.rows)


def test_what_fits_is_not_cut() -> None:
    memory = Memory()
    assert fit(2000 * MIB, 100, memory.measure).pieces == 1
    assert fit(2000 * MIB, 1, memory.measure) == Fit(1, None, 511 * MIB)


@pytest.mark.parametrize("share", [2, 7, 32, 100])
@pytest.mark.parametrize("room", [15, 30, 47, 200, 900])
def test_the_fewest_pieces_that_fit_with_a_margin(share: int, room: int) -> None:
    memory = Memory()
    limit = 500 * MIB + room * MIB
    found = fit(limit, share, memory.measure)
    most = min(share, int(room / 11))  # 10 MiB and a tenth of it
    assert found.pieces == -(-share // most)
    assert found.chunk is None
    assert memory.largest <= found.expected <= limit


def test_doubling_is_not_dared_where_twice_as_much_would_not_fit() -> None:
    memory = Memory(sample=100 * MIB)
    assert fit(800 * MIB, 64, memory.measure).pieces == 32
    assert memory.asked == [(1, 256), (2, None)]


def test_one_sample_that_does_not_fit_is_computed_in_chunks() -> None:
    memory = Memory(sample=MIB, rows=10_000, row=MIB)  # an event of all photomultipliers
    found = fit(2000 * MIB, 8, memory.measure)
    assert (found.pieces, found.chunk) == (8, 1024)
    assert memory.largest <= found.expected <= 2000 * MIB


def test_chunks_are_given_up_where_a_sample_fits() -> None:
    memory = Memory(sample=0, rows=1000, row=MIB // 10)
    found = fit(900 * MIB, 8, memory.measure)
    assert (found.pieces, found.chunk) == (3, None)


def test_what_cannot_fit_is_told() -> None:
    with pytest.raises(ConfigError, match=r"one sample takes about 511 MiB.*500 MiB of them"):
        fit(505 * MIB, 8, Memory().measure)
