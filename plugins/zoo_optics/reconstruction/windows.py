"""Readout windows: candidates, whose place along the drift is open, and flashes, whose is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged, Table

__all__ = ["FIELDS", "Candidate", "Window", "drift_of", "require_windows", "windows_of"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FIELDS = ("window", "flash_us", "charge", "segment_cm", "segment_photons")
LEAST_CHARGE = 1.0
"""Photo-electrons; what is less is no flash."""


@dataclass(frozen=True)
class Candidate:
    """The charge of an interaction.

    Attributes:
        id: Of its sample, or its place in its file.
        place_cm: float64 (segments, 3), where it lies if its flash is at time 0.
        photons: float64 (segments,), by its charge.
    """

    id: int
    place_cm: Array
    photons: Array


@dataclass(frozen=True)
class Window:
    """What was read out together.

    Attributes:
        name: Number of the window.
        candidates: Any number.
        time_us: float64 (flashes,), in order.
        charge: float64 (flashes, sensors), photo-electrons.
        truth: int64 (candidates,), flash of each candidate, -1 for none; ``None``: not known.
    """

    name: int
    candidates: tuple[Candidate, ...]
    time_us: Array
    charge: Array
    truth: Index | None


def require_windows(samples: Table, where: str) -> None:
    """Check that samples have flashes with times and candidates with segments.

    Raises:
        DataError: Naming the fields that are missing.
    """
    missing = [name for name in FIELDS if name not in samples]
    if missing:
        raise DataError(
            f"no windows: the fields {', '.join(missing)} are missing",
            where=where,
            remedy="give samples of the source lar-windows, or an .npz of candidates and flashes",
        )


def drift_of(facts: Mapping[str, Any], where: str) -> Array:
    """True place less apparent one for each us of the flash's time, (3,), cm/us.

    Raises:
        DataError: If the facts do not tell.
    """
    drift = np.asarray(facts.get("drift_cm_us", ()), dtype=np.float64)
    if drift.shape != (3,) or not np.isfinite(drift).all():
        raise DataError(
            "the speed of the drift is not known",
            where=f"{where}: drift_cm_us",
            remedy="give samples of the source lar-windows, or an .npz with drift_cm_us",
        )
    return drift


def windows_of(samples: Table, where: str) -> Iterator[Window]:
    """The windows of samples, in the order of their first rows.

    A row has the charge and the flash of one interaction, so that it tells the truth; which row a
    flash came from is forgotten by sorting flashes by their time. A row without segments is no
    candidate, one of less than a photo-electron no flash.

    Raises:
        DataError: If a number is not finite, or photons or charges are negative.
    """
    _, first, group = np.unique(samples["window"], return_index=True, return_inverse=True)
    for number in np.argsort(first):
        yield _window(samples, np.flatnonzero(group == number), where)


def _window(samples: Table, rows: Index, where: str) -> Window:
    name = int(samples["window"][rows[0]])
    charge = samples["charge"][rows].astype(np.float64)
    lit = np.flatnonzero(charge.sum(axis=1) >= LEAST_CHARGE)
    lit = lit[np.argsort(samples["flash_us"][rows[lit]], kind="stable")]
    lengths = samples["segment_cm"].lengths[rows]
    told = np.flatnonzero(lengths > 0)
    flash = np.full(len(rows), -1, dtype=np.int64)
    flash[lit] = np.arange(len(lit))
    place, photons = samples["segment_cm"], samples["segment_photons"]
    window = Window(
        name,
        tuple(_candidate(int(samples.ids[row]), row, place, photons) for row in rows[told]),
        samples["flash_us"][rows[lit]].astype(np.float64),
        charge[lit],
        flash[told],
    )
    require_sound(window, where)
    return window


def _candidate(id_: int, row: int, place: Ragged, photons: Ragged) -> Candidate:
    return Candidate(id_, place[row].astype(np.float64), photons[row].astype(np.float64))


def require_sound(window: Window, where: str) -> None:
    """Check the numbers of a window.

    Raises:
        DataError: If one is not finite, photons or charges are negative, or a candidate has as
            many places as photons not.
    """
    wrong = ""
    for one in window.candidates:
        if one.place_cm.shape != (len(one.photons), 3):
            wrong = f"candidate {one.id} has {len(one.place_cm)} places, {len(one.photons)} photons"
        elif not (np.isfinite(one.place_cm).all() and _positive(one.photons)):
            wrong = f"a segment of candidate {one.id} is negative or not finite"
    if not (_positive(window.charge) and np.isfinite(window.time_us).all()):
        wrong = "a charge or a time of a flash is negative or not finite"
    if wrong:
        raise DataError(
            wrong,
            where=f"{where}: window {window.name}",
            remedy="leave it out, or write the file again",
        )


def _positive(values: Array) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0).all())
