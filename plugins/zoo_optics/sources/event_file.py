"""One file of events: which hits are whose, and whether its times tell anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, open_hdf5
from zoo_optics.sources.files_config import FlashFilesConfig
from zoo_optics.sources.hdf5 import dataset
from zoo_optics.sources.hit_index import hit_cuts

__all__ = ["EventFile", "event_file"]

_TIMES = 10_000  # hit times from each end of a file that tell whether they are constant


@dataclass(frozen=True, slots=True)
class EventFile:
    """One file.

    Attributes:
        path: The file.
        cuts: int64 (events + 1,), where the hits of each event start and end.
        timed: Whether its hit times differ.
    """

    path: Path
    cuts: NDArray[np.int64]
    timed: bool

    @property
    def events(self) -> int:
        """How many it has."""
        return len(self.cuts) - 1


def event_file(path: Path, config: FlashFilesConfig) -> EventFile:
    """The index of a file, and whether its times differ; no hit is read but those times.

    Raises:
        DataError: A dataset is missing, or datasets differ in length.
    """
    with open_hdf5(path) as file:
        hits = dataset(file, "hit_pmt", ()).shape[0]
        dataset(file, "positions", (1, 3))
        for name in ("hit_charge", "hit_time"):
            if dataset(file, name, ()).shape[0] != hits:
                raise DataError(
                    f"{file[name].shape[0]} entries for {hits} hits",
                    where=f"{path}:/{name}",
                    remedy="the file was cut short: write it again",
                )
        index = dataset(file, "event_hits_index", ())[:]
        if len(index) != file["positions"].shape[0] or index.dtype.kind == "f":
            raise DataError(
                f"{len(index)} entries of {index.dtype} for {file['positions'].shape[0]} events",
                where=f"{path}:/event_hits_index",
                remedy="write an integer for each event",
            )
        ends = np.concatenate([file["hit_time"][:_TIMES], file["hit_time"][-_TIMES:]])
        cuts = hit_cuts(index, hits, config.index, f"{path}:/event_hits_index")
    return EventFile(path, cuts, bool(len(ends)) and bool(np.any(ends != ends[0])))
