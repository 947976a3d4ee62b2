"""HDF5 files of others: what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo.api import DataError, open_hdf5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(0).normal(size=4096)  # does not compress to nothing
        file.create_dataset("values", data=values, chunks=(4096,), compression="gzip")
    return path


def test_a_file_is_open_within_the_with_and_closed_after_it(path: Path):
    with open_hdf5(str(path)) as file:
        assert file["values"].shape == (4096,)
    assert not file


def test_what_is_no_file_is_told(tmp_path: Path):
    for place, what in ((tmp_path / "none.h5", "no such file"), (tmp_path, "a folder")):
        with pytest.raises(DataError, match=f"{place}: {what}"), open_hdf5(place):
            pytest.fail("opened")


def test_what_is_no_hdf5_is_told(tmp_path: Path):
    path = tmp_path / "text.h5"
    path.write_text("event,charge\n1,2\n")
    with (
        pytest.raises(DataError, match=r"text\.h5: truncated, damaged or no HDF5"),
        open_hdf5(path),
    ):
        pytest.fail("opened")


def test_a_truncated_file_is_told(path: Path):
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="truncated, damaged or no HDF5"), open_hdf5(path):
        pytest.fail("opened")


def test_damage_that_only_a_read_finds_is_told(path: Path):
    content = bytearray(path.read_bytes())
    with h5py.File(path, "r") as file:
        start = file["values"].id.get_chunk_info(0).byte_offset
    content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(DataError, match="truncated, damaged"), open_hdf5(path) as file:
        file["values"][:]


@pytest.mark.parametrize("error", [KeyError("x"), NotImplementedError("abstract"), ValueError("y")])
def test_errors_of_the_caller_stay_what_they_are(path: Path, error: Exception):
    with pytest.raises(type(error)) as caught, open_hdf5(path):
        raise error
    assert caught.value is error
