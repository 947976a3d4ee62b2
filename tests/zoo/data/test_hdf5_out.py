"""HDF5 files of others are written whole or not at all, and read by plain h5py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo.api import append_rows, growing_dataset, new_hdf5


@pytest.mark.parametrize(("row", "dtype"), [((), "int64"), ((3,), "float32"), ((40, 50, 90), "u1")])
def test_rows_of_any_shape_are_read_back(tmp_path: Path, row: tuple[int, ...], dtype: str) -> None:
    pieces = [np.arange(n * int(np.prod(row))).reshape(n, *row).astype(dtype) for n in (2, 0, 3)]
    with new_hdf5(tmp_path / "folder" / "out.h5") as file:
        dataset = growing_dataset(file.create_group("a"), "b", row, dtype)
        assert dataset.shape == (0, *row)
        for piece in pieces:
            append_rows(dataset, piece)
    with h5py.File(tmp_path / "folder" / "out.h5") as file:
        found = file["a/b"][:]
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, np.concatenate(pieces))


def test_files_that_are_open_together_do_not_disturb_one_another(tmp_path: Path) -> None:
    with new_hdf5(tmp_path / "one.h5") as one, new_hdf5(tmp_path / "two.h5") as two:
        for file, value in ((one, 1), (two, 2)):
            append_rows(growing_dataset(file, "x", (), "int8"), np.full(3, value))
    for name, value in (("one", 1), ("two", 2)):
        with h5py.File(tmp_path / f"{name}.h5") as file:
            assert file["x"][:].tolist() == [value] * 3


def test_a_flipped_bit_is_an_error_and_no_number(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    with new_hdf5(path) as file:  # noise does not compress: any bit of it counts
        noise = np.random.default_rng(0).normal(size=5000)
        append_rows(growing_dataset(file, "noise", (), "float64"), noise)
    with h5py.File(path) as file:
        chunk = file["noise"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    with h5py.File(path) as file, pytest.raises(OSError, match=r"filter|checksum"):
        file["noise"][:]


def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    path.write_bytes(b"old")
    error = RuntimeError("of the caller")

    def write() -> None:
        with new_hdf5(path) as file:
            file["x"] = 1
            raise error

    with pytest.raises(RuntimeError) as caught:
        write()
    assert caught.value is error
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out.h5", b"old")]


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from zoo.api import UsageError, append_rows, growing_dataset, new_hdf5
most, rows = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
pieces = 0
try:
    with new_hdf5(Path(sys.argv[1])) as file:
        dataset = growing_dataset(file, "noise", (2,), "float64")
        for piece in range(20):
            append_rows(dataset, np.random.default_rng(piece).normal(size=(rows, 2)))
            pieces += 1
except UsageError as error:
    print(pieces, error)
"""


@pytest.mark.parametrize(
    ("most", "rows", "ends_early"),
    [(0, 1, False), (1000, 50, False), (200_000, 1000, False), (200_000, 50_000, True)],
)
def test_a_full_disk_ends_the_writing_and_the_process_well(
    tmp_path: Path, most: int, rows: int, ends_early: bool
) -> None:
    """A process of its own: where a file cannot be closed, HDF5 crashes when the process ends."""
    path = tmp_path / "out.h5"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", FULL, str(path), str(most), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    pieces, _, told = done.stdout.partition(" ")
    assert f"{path}: cannot be written (File too large)" in told
    assert "free space" in told
    assert (int(pieces) < 20) == ends_early, "more than HDF5 keeps is not handed over for nothing"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out.h5", b"old")]
