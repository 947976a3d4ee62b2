"""Which file of reconstructed frames belongs to which file of true charge, and their events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.api import DataError
from zoo_dnn_roi.sources.wirecell_config import WctHdf5Config

__all__ = ["Pair", "event_offset", "pair_files"]

_RECO, _TRUTH = "g4-rec-", "g4-tru-"
_TIME = re.compile(r"-\d{4}[0-9T:_.-]*Z$")  # when a job ran: -20250314T150926Z
_UNIT = re.compile(r"^crp\d+-")
_OFFSETS = (0, 100)  # those of Wire-Cell's jobs


@dataclass(frozen=True, slots=True)
class Pair:
    """A file of frames and its truth.

    Attributes:
        name: What all files of the same events share.
        reco: The frames.
        truth: The true charge; None where none is wanted.
    """

    name: str
    reco: Path
    truth: Path | None


def pair_files(path: Path, *, truth: bool) -> list[Pair]:
    """The pairs in a folder, or the one of a file ``g4-rec-NAME.h5``.

    Names must be equal; where they are not, they are compared without the time at their end.

    Args:
        path: A folder or a file.
        truth: Whether each file of frames needs its partner.

    Raises:
        DataError: There is no such file, or one has not exactly one partner.
    """
    folder = path if path.is_dir() else path.parent
    frames = sorted(folder.glob(f"{_RECO}*.h5")) if path.is_dir() else [path]
    if not frames or not frames[0].exists():
        raise DataError(
            f"no {_RECO}*.h5" if path.is_dir() else "no such file",
            where=str(path),
            remedy=f"give a file {_RECO}NAME.h5, or a folder of them",
        )
    if not truth:
        return [Pair(_event_name(file), file, None) for file in frames]
    truths = sorted(folder.glob(f"{_TRUTH}*.h5"))
    pairs = [Pair(_event_name(file), file, _partner(file, frames, truths)) for file in frames]
    if path.is_dir():
        used = Counter(pair.truth for pair in pairs)
        for file in truths:
            if used[file] != 1:
                raise _mismatch(file, f"{used[file]} files of frames belong to it")
    return pairs


def event_offset(pair: Pair, frames: set[int], truths: set[int], config: WctHdf5Config) -> int:
    """Number of a reconstructed event less that of its truth.

    Raises:
        DataError: Events have no partner, or their numbers differ by neither 0 nor 100 and no
            offset is set.
    """
    known = _OFFSETS if config.event_offset is None else (config.event_offset,)
    fits = [offset for offset in known if {event - offset for event in frames} == truths]
    if len(fits) == 1:
        return fits[0]
    raise DataError(
        f"pair mismatch: events {_short(frames)} of frames, {_short(truths)} of truth, which do "
        f"not differ by {' or '.join(map(str, known))}",
        where=f"{pair.reco} and {pair.truth}",
        remedy="give files of the same events, or set data.options.event_offset",
    )


def _partner(file: Path, frames: Sequence[Path], truths: Sequence[Path]) -> Path:
    name = file.name.replace(_RECO, _TRUTH, 1)
    same = [truth for truth in truths if truth.name == name]
    if same:
        return same[0]
    alike = [truth for truth in truths if _base(truth) == _base(file)]
    rivals = [other for other in frames if _base(other) == _base(file)]
    if len(alike) != 1 or len(rivals) != 1:
        raise _mismatch(file, f"no {name}, and {len(alike)} files that differ by their time only")
    return alike[0]


def _base(file: Path) -> str:
    """Name without ``g4-rec-``, suffix and time."""
    return _TIME.sub("", file.stem[len(_RECO) :])


def _event_name(file: Path) -> str:
    """Equal for all readout units of the same events."""
    stem = file.stem.removeprefix(_RECO)
    return _UNIT.sub("", stem)


def _mismatch(file: Path, problem: str) -> DataError:
    return DataError(
        f"pair mismatch: {problem}",
        where=str(file),
        remedy=f"give each {_RECO}NAME.h5 its {_TRUTH}NAME.h5, or set data.options.truth=none",
    )


def _short(events: set[int]) -> str:
    told = sorted(events)
    return ", ".join(map(str, told[:4])) + (f", ... ({len(told)})" if len(told) > 4 else "")
