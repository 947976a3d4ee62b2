"""Long work in parts, each of which is kept: a job that was killed goes on, several share one.

Parts lie in a folder beside the file, ``FILE.parts``, until all are there and are joined. A folder
of another job is not touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api import UsageError, write_atomically

__all__ = ["Parts", "Shard"]

_JOB = "job.json"


class Shard:
    """Which parts a process makes: those of every so many.

    Args:
        text: ``I/N``: the parts I, I + N, ...; empty: all.

    Raises:
        UsageError: It is not that.
    """

    def __init__(self, text: str = "") -> None:
        self.alone = not text
        first, _, count = (text or "0/1").partition("/")
        if not (first.isdecimal() and count.isdecimal() and int(first) < int(count)):
            raise UsageError(
                f"'{text}' is no share of the work",
                where="--shard",
                remedy="write I/N with I from 0 to N - 1: --shard 0/4",
            )
        self.index, self.count = int(first), int(count)

    def has(self, part: int) -> bool:
        """Whether a part is of this process."""
        return part % self.count == self.index


class Parts:
    """The folder of parts of one job.

    Args:
        out: The file that they become.
        job: JSON values that tell this job from another.

    Raises:
        UsageError: The folder holds parts of another job.
    """

    def __init__(self, out: Path, job: Mapping[str, Any]) -> None:
        self.folder = out.with_name(f"{out.name}.parts")
        text = json.dumps(job, sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        told = self.folder / _JOB
        if told.exists():
            if told.read_text() != text:
                raise UsageError(
                    "parts of another job are here, with other data, models or settings",
                    where=str(self.folder),
                    remedy="finish that job, or remove the folder, or choose another --out",
                )
        else:
            write_atomically(told, text)

    def path(self, part: int) -> Path:
        """File of a part."""
        return self.folder / f"part-{part:06d}.h5"

    def done(self) -> Sequence[int]:
        """Numbers of the parts that are there."""
        return sorted(int(path.stem[5:]) for path in self.folder.glob("part-*.h5"))

    def remove(self) -> None:
        """The parts, and their folder."""
        for part in self.done():
            self.path(part).unlink()
        (self.folder / _JOB).unlink()
        for left in self.folder.glob(".part-*"):  # of processes that were killed
            left.unlink()
        self.folder.rmdir()
