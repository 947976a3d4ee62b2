"""Memory of reading and converting does not grow with the number of events."""

from __future__ import annotations

import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from reading_memory import IMAGES, SPECS, Planes

from zoo.api import Block, Table
from zoo.data.chunks import KEPT_BYTES, open_dataset
from zoo.data.convert import convert_file

PROGRAM = Path(__file__).parent / "tiny" / "reading_memory.py"
FEW, MANY = 5, 60


def peak(mode: str, path: Path, events: int) -> float:
    """MiB of a fresh process: a fork would begin with the heap of this one."""
    command = [sys.executable, str(PROGRAM), mode, str(path), str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_peaks_are_those_of_few_events(tmp_path: Path) -> None:
    """HDF5 2 keeps 8 MiB of each of the six columns by itself: 30 MiB more for many events."""
    few, many = tmp_path / "few.h5", tmp_path / "many.h5"
    converting = peak("convert", many, MANY) - peak("convert", few, FEW)
    reading = peak("read", many, MANY) - peak("read", few, FEW)
    training = peak("stream", many, MANY) - peak("stream", few, FEW)
    assert converting < 6
    assert reading < 6
    assert training < 6  # decoded, the many are 130 MiB larger


class Forgetful(Planes):
    """Planes that tell whether an earlier event is still held when the next one is read."""

    def __init__(self, events: int) -> None:
        super().__init__(events)
        self.held: list[int] = []
        self._earlier: list[weakref.ref[Any]] = []

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        self.held.append(sum(array() is not None for array in self._earlier))
        table = super().read(block, rows, fields)
        self._earlier.append(weakref.ref(table["image0"]))
        return table


def test_an_event_is_forgotten_before_the_next_is_read(tmp_path: Path) -> None:
    source = Forgetful(4)
    convert_file(source, SPECS, tmp_path / "a.h5", task="planes", about={})
    assert source.held == [0] * 5  # the first is read twice: its size tells that of a block


@pytest.mark.parametrize(
    ("chunk", "kept"),
    [
        ((1, 100, 500), 4 * 100 * 500),  # a row: one chunk
        ((1, 2000, 2000), KEPT_BYTES),  # larger than 8 MiB, so none fits
        ((64, 10, 10), KEPT_BYTES),
    ],
)
def test_chunks_that_are_kept(tmp_path: Path, chunk: tuple[int, ...], kept: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        shape, dtype = (128, *chunk[1:]), np.float32
        file.create_dataset("x", shape, dtype, chunks=chunk, maxshape=(None, *chunk[1:]))
        file["whole"] = np.arange(3)
    with h5py.File(path, "r", rdcc_nbytes=KEPT_BYTES) as file:
        assert open_dataset(file, "x").id.get_access_plist().get_chunk_cache()[1] == kept
        assert open_dataset(file, "whole")[1] == 1


def test_images_have_chunks_of_one_row(tmp_path: Path) -> None:
    """What the test of peaks depends on."""
    file = convert_file(Planes(3), SPECS, tmp_path / "a.h5", task="planes", about={})
    with file.handle() as opened:
        assert {opened["columns"][name].chunks[0] for name in IMAGES} == {1}
