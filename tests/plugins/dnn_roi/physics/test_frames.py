"""Wire-Cell frame files: written here, damaged on purpose, and one of real ProtoDUNE-HD data."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_dnn_roi.physics.frames import read_frames

Arrays = dict[str, NDArray[np.generic]]


def members() -> Arrays:
    waveforms = np.arange(12, dtype=np.float32).reshape(3, 4)
    return {
        "frame_gauss1_7.npy": np.asfortranarray(waveforms),
        "channels_gauss1_7.npy": np.array([12, 10, 11], dtype=np.int32),
        "tickinfo_gauss1_7.npy": np.array([1000.0, 500.0, 2.0]),
        "summary_gauss1_7.npy": np.array([200.0, 210.0, 220.0]),
        "frame_two_words_7.npy": waveforms,
        "channels_two_words_7.npy": np.array([0, 1, 2], dtype=np.int32),
        "tickinfo_two_words_7.npy": np.array([0.0, 500.0, 0.0]),
        "chanmask_bad_7.npy": np.array([[11, 0, 4]], dtype=np.int32),
    }


def npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write(path: Path, contents: dict[str, bytes], mode: str = "w:bz2") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # mode is a variable
        for name, data in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def packed(arrays: Arrays) -> dict[str, bytes]:
    return {name: npy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
def test_what_was_written_is_read(tmp_path: Path, mode: str) -> None:
    (frame,) = read_frames(write(tmp_path / "f.tar.any", packed(members()), mode))
    assert frame.ident == 7
    assert list(frame.traces) == ["gauss1", "two_words"]
    gauss = frame.traces["gauss1"]
    assert (gauss.waveforms == np.arange(12).reshape(3, 4)).all()
    assert gauss.waveforms.dtype == np.float32
    assert gauss.channels.tolist() == [12, 10, 11]
    assert (gauss.time_ns, gauss.tick_ns, gauss.first_tick) == (1000.0, 500.0, 2.0)
    assert gauss.summary is not None
    assert gauss.summary.tolist() == [200, 210, 220]
    assert frame.traces["two_words"].summary is None
    assert frame.masks["bad"].tolist() == [[11, 0, 4]]


def test_frames_are_sorted_and_tags_chosen(tmp_path: Path) -> None:
    later = {name.replace("_7", "_12"): array for name, array in members().items()}
    path = write(tmp_path / "f.tar.bz2", packed(later | members()))
    assert [frame.ident for frame in read_frames(path)] == [7, 12]
    assert list(read_frames(path, ["gauss1"])[1].traces) == ["gauss1"]
    with pytest.raises(DataError, match="tag wiener1") as caught:
        read_frames(path, ["gauss1", "wiener1"])
    assert "gauss1" in caught.value.remedy


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
def test_a_truncated_file_is_refused_unless_nothing_is_lost(tmp_path: Path, mode: str) -> None:
    whole = write(tmp_path / "f", packed(members()), mode).read_bytes()
    refused = 0
    for length in range(0, len(whole), 64 if mode == "w" else 1):
        (tmp_path / "short").write_bytes(whole[:length])
        try:
            (frame,) = read_frames(tmp_path / "short")
        except DataError:
            refused += 1
        else:
            # What is missing is the padding after the end mark. The mask is the last member.
            assert list(frame.traces) == ["gauss1", "two_words"]
            assert frame.masks["bad"].tolist() == [[11, 0, 4]]
    assert refused > 60


def test_flipped_bytes_of_a_compressed_file_are_noticed(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "f", packed(members())).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (tmp_path / "f").write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        read_frames(tmp_path / "f")


@pytest.mark.parametrize("kind", ["channels", "tickinfo"])
def test_a_missing_member_is_named(tmp_path: Path, kind: str) -> None:
    arrays = members()
    del arrays[f"{kind}_gauss1_7.npy"]
    path = write(tmp_path / "f", packed(arrays))
    with pytest.raises(DataError, match=f"{kind}_gauss1_7.npy: missing"):
        read_frames(path)


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("frame_gauss1_7.npy", np.zeros(12, np.float32), "rank-2"),
        ("frame_gauss1_7.npy", np.zeros((3, 4), "U3"), "rank-2 array of numbers"),
        ("frame_gauss1_7.npy", np.zeros((3, 4), np.complex64), "numbers"),
        ("channels_gauss1_7.npy", np.zeros(2, np.int32), "3 values expected, found 2"),
        ("tickinfo_gauss1_7.npy", np.zeros(2), "3 values expected"),
        ("summary_gauss1_7.npy", np.zeros(4), "3 values expected"),
        ("chanmask_bad_7.npy", np.zeros((2, 2), np.int32), "channel, first tick"),
    ],
)
def test_a_wrong_member_is_named(
    tmp_path: Path, name: str, array: NDArray[np.generic], match: str
) -> None:
    path = write(tmp_path / "f", packed(members() | {name: array}))
    with pytest.raises(DataError, match=match) as caught:
        read_frames(path)
    assert caught.value.where.endswith(name)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[{}]], dtype=object), allow_pickle=True)
    path = write(tmp_path / "f", packed(members()) | {"frame_gauss1_7.npy": buffer.getvalue()})
    with pytest.raises(DataError, match="array of numbers"):
        read_frames(path)


def test_a_header_that_promises_more_than_its_member_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**9)}
    np.lib.format.write_array_header_1_0(buffer, header)
    path = write(tmp_path / "f", packed(members()) | {"frame_gauss1_7.npy": buffer.getvalue()})
    with pytest.raises(DataError, match="does not fill a member of 128 bytes"):
        read_frames(path)


def test_the_unpacked_size_is_limited(tmp_path: Path) -> None:
    path = write(tmp_path / "f", {"frame_a_1.npy": npy(np.zeros((1000, 1000), np.float32))})
    with pytest.raises(DataError, match="1000000 bytes unpacked"):
        read_frames(path, max_bytes=1_000_000)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_frames(tmp_path / "absent.tar")
    path = write(tmp_path / "f", {"readme.txt": b"hello", "frame_a_1.npy.old": b"x"})
    with pytest.raises(DataError, match="no frame inside"):
        read_frames(path)
    path = write(tmp_path / "g", {"frame_a_1.npy": b"hello"})
    with pytest.raises(DataError, match="not an npy array"):
        read_frames(path)


@pytest.mark.realdata
def test_real_protodune_hd_data(real_data: Path) -> None:
    """Run 027409, APA 1: occupancies and noise from the reference, section 4."""
    (frame,) = read_frames(real_data / "dnn-roi" / "protodunehd-sp-frames-anode1.tar.bz2")
    gauss, wiener = frame.traces["gauss1"], frame.traces["wiener1"]
    assert gauss.waveforms.shape == wiener.waveforms.shape == (2560, 5999)
    assert gauss.tick_ns == 500
    assert frame.masks["bad"].shape == (41, 3)
    assert sorted(gauss.channels.tolist()) == list(range(2560, 5120))
    expected = {(0, 800): (2.73, 240), (800, 1600): (2.45, 246), (1600, 2560): (1.33, 186)}
    assert wiener.summary is not None
    for (low, high), (occupancy, noise) in expected.items():
        rows = (gauss.channels >= 2560 + low) & (gauss.channels < 2560 + high)
        assert 100 * (gauss.waveforms[rows] != 0).mean() == pytest.approx(occupancy, abs=0.005)
        rows = (wiener.channels >= 2560 + low) & (wiener.channels < 2560 + high)
        assert np.median(wiener.summary[rows]) == pytest.approx(noise, abs=0.6)
