"""Atomic writes: the new file whole, or the old one untouched."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from zoo.errors import DataError, UsageError
from zoo.files import atomic_path, file_digest, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_text(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "file", "µ")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == "µ".encode()
    write_atomically(tmp_path / "a" / "b" / "file", b"\x00")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"\x00"
    assert names(tmp_path / "a" / "b") == ["file"]


def test_an_error_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def write() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device") as caught:
        write_atomically(target, "new")
    assert "--out" in caught.value.remedy
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_the_temporary_lies_beside_the_target(tmp_path: Path) -> None:
    """A rename is atomic within one file system only."""
    with atomic_path(tmp_path / "file") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".file.")
        temporary.write_text("x")


def test_others_may_read_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "x")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "inner", "x")


def test_digest_is_the_files_sha256(tmp_path: Path) -> None:
    """FIPS 180-2, example B.1: the message "abc"."""
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(tmp_path / "abc") == expected
    (tmp_path / "long").write_bytes(b"a" * 300_000)
    assert file_digest(tmp_path / "long") == hashlib.sha256(b"a" * 300_000).hexdigest()


def test_digest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        file_digest(tmp_path / "none")
