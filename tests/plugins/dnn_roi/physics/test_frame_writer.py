"""Frame files written and read again; one of real data keeps every array, name and their order."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import DataError, UsageError
from zoo_dnn_roi.physics.frame_writer import write_members
from zoo_dnn_roi.physics.frames import frame_shapes, read_frames, read_members

Members = list[tuple[str, NDArray[np.generic]]]

SUFFIXES = (".tar", ".tar.gz", ".tar.bz2", ".npz")


def members() -> Members:
    return [
        ("frame_gauss1_7.npy", np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))),
        ("channels_gauss1_7.npy", np.array([12, 10, 11], dtype=np.int32)),
        ("tickinfo_gauss1_7.npy", np.array([1000.0, 500.0, 2.0])),
        ("summary_gauss1_7.npy", np.array([200.0, 210.0, 220.0])),
        ("chanmask_bad_7.npy", np.array([[11, 0, 4]], dtype=np.int32)),
    ]


def require_equal(found: Members, written: Members) -> None:
    assert [name for name, _ in found] == [name for name, _ in written]
    for (_, one), (_, other) in zip(found, written, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
        assert one.flags.f_contiguous == other.flags.f_contiguous


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"frames{suffix}"
    write_members(path, members())
    require_equal(list(read_members(path)), members())
    first = path.read_bytes()
    write_members(path, members())
    assert path.read_bytes() == first  # nothing tells when it was written
    (frame,) = read_frames(path)
    assert frame.traces["gauss1"].channels.tolist() == [12, 10, 11]
    assert frame.masks["bad"].tolist() == [[11, 0, 4]]
    assert frame_shapes(path) == {(7, "gauss1"): (3, 4)}


def test_numpy_reads_an_npz(tmp_path: Path) -> None:
    write_members(tmp_path / "f.npz", members())
    with np.load(tmp_path / "f.npz", allow_pickle=False) as found:
        require_equal([(f"{name}.npy", found[name]) for name in found.files], members())


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    arrays = {name.removesuffix(".npy"): array for name, array in members()}
    np.savez_compressed(tmp_path / "f.npz", **arrays)
    require_equal(list(read_members(tmp_path / "f.npz")), members())


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    write_members(path, members())
    whole = path.read_bytes()
    for length in range(4, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="damaged, truncated"):
            list(read_members(path))
    flipped = bytearray(whole)
    flipped[120] ^= 0xFF
    path.write_bytes(flipped)
    with pytest.raises(DataError):
        list(read_members(path))


def test_a_zip_that_unpacks_to_more_than_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    write_members(path, [("frame_a_1.npy", np.zeros((1000, 1000), np.float32))])
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="1000000 bytes unpacked"):
        list(read_members(path, max_bytes=1_000_000))


def test_folders_in_names_lead_nowhere(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros((2, 2), np.float32))
    path = tmp_path / "f.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../frame_a_1.npy", content.getvalue())
    assert [name for name, _ in read_members(path)] == ["frame_a_1.npy"]
    assert list(tmp_path.iterdir()) == [path]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("frame_a_1.npy", content.getvalue())
    with pytest.raises(DataError, match="second member of this name"):
        list(read_members(path))


@pytest.mark.parametrize("name", ["../frame_a_1.npy", "frame_a.npy", "x.npy", "frame_a_1.npz"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no name of a member"):
        write_members(tmp_path / "f.tar", [(name, np.zeros(1))])
    assert not list(tmp_path.iterdir())


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "f.tar.bz2"
    path.write_bytes(b"what was there")
    with pytest.raises(DataError, match="written twice"):
        write_members(path, members() * 2)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UsageError, match="not the name of a frame file"):
        write_members(tmp_path / "f.h5", members())


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".tar.gz", ".npz"])
def test_the_real_file_is_kept(real_data: Path, tmp_path: Path, suffix: str) -> None:
    real = real_data / "dnn-roi" / "protodunehd-sp-frames-anode1.tar.bz2"
    copy = tmp_path / f"copy{suffix}"
    write_members(copy, read_members(real))
    count = 0
    for (name, array), (copied, again) in zip(read_members(real), read_members(copy), strict=True):
        assert copied == name
        assert again.dtype == array.dtype
        assert again.flags.f_contiguous == array.flags.f_contiguous
        assert np.array_equal(again, array)
        count += 1
    assert count == 8
