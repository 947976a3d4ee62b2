"""Writer of Wire-Cell frame files: the npy members that ``frames.py`` reads, in a given order."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError, UsageError, atomic_path
from zoo_dnn_roi.physics.frames import MEMBER

__all__ = ["write_members"]

_TARS = (".tar.bz2", ".tar.gz", ".tar")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file knows

_Member = tuple[str, NDArray[np.generic]]


def write_members(path: Path, members: Iterable[_Member]) -> None:
    """Write an archive that appears only when it is complete.

    Nothing in it tells when or by whom it was written. A Fortran-ordered array stays one.

    Args:
        path: ``.tar.bz2``, ``.tar.gz``, ``.tar`` or ``.npz``.
        members: Names like ``frame_gauss1_7.npy`` and arrays; one at a time is held.

    Raises:
        UsageError: Another suffix, or a file that cannot be written.
        DataError: A name that is no member of a frame file, or one that comes twice.
    """
    suffix = next((end for end in (*_TARS, ".npz") if path.name.endswith(end)), None)
    if suffix is None:
        raise UsageError(
            "not the name of a frame file",
            where=str(path),
            remedy=f"end it in {', '.join(_TARS)} or .npz",
        )
    with atomic_path(path) as temporary:
        if suffix == ".npz":
            _write_zip(temporary, _checked(path, members))
            return
        with _packed(temporary, suffix) as stream:
            _write_tar(stream, _checked(path, members))


def _checked(path: Path, members: Iterable[_Member]) -> Iterable[_Member]:
    seen: set[str] = set()
    for name, array in members:
        if MEMBER.fullmatch(name) is None or "/" in name or name in seen:
            raise DataError(
                "written twice" if name in seen else "no name of a member of a frame file",
                where=f"{path}:{name}",
                remedy="give names like frame_gauss1_7.npy, each once",
            )
        seen.add(name)
        yield name, array


@contextmanager
def _packed(path: Path, suffix: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        stream: IO[bytes] = stack.enter_context(path.open("wb"))
        if suffix == ".tar.bz2":
            stream = stack.enter_context(bz2.BZ2File(stream, "wb"))
        if suffix == ".tar.gz":  # without name and time in its header
            packed = gzip.GzipFile("", "wb", fileobj=stream, mtime=0)
            stream = cast("IO[bytes]", stack.enter_context(packed))
        yield stream


def _write_tar(stream: IO[bytes], members: Iterable[_Member]) -> None:
    with tarfile.open(fileobj=stream, mode="w:") as archive:
        for name, array in members:
            content = io.BytesIO()
            npy.write_array(content, array, allow_pickle=False)
            info = tarfile.TarInfo(name)
            info.size = content.tell()
            content.seek(0)
            archive.addfile(info, content)


def _write_zip(path: Path, members: Iterable[_Member]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as content:
                npy.write_array(content, array, allow_pickle=False)
