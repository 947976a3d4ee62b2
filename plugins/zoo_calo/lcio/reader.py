"""A file of LCIO: its runs and events. Headers of records are read at once, events when asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zoo.api import DataError
from zoo_calo.lcio.headers import EventHeader, RunHeader, event_header_of, run_header_of
from zoo_calo.lcio.sio import Block, Place, blocks_of, places, read_record
from zoo_calo.lcio.xdr import REMEDY

__all__ = ["Event", "LcioFile"]


@dataclass(frozen=True)
class Event:
    """An event, its collections not decoded.

    Attributes:
        header: What is told of it.
        blocks: By name of the collection.
        where: Names it in errors.
    """

    header: EventHeader
    blocks: dict[str, Block]
    where: str

    def block(self, name: str, kind: str) -> Block:
        """A collection of a kind.

        Raises:
            DataError: There is none of that name and kind.
        """
        kinds = dict(self.header.collections)
        if name not in self.blocks or kinds.get(name) != kind:
            known = [known for known, other in self.header.collections if other == kind]
            raise DataError(
                f"no collection '{name}' of {kind}",
                where=self.where,
                remedy=f"the event has {', '.join(known) or 'none'} of it",
            )
        return self.blocks[name]


class LcioFile:
    """A file.

    Args:
        path: The file.

    Attributes:
        path: The file.
        runs: Headers of its runs, in order.

    Raises:
        DataError: It is missing, truncated, damaged or no LCIO file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._events: list[tuple[Place, Place]] = []
        runs: list[Place] = []
        header: Place | None = None
        with self._open() as stream:
            for place in places(stream, self.path):
                if place.name == "LCRunHeader":
                    runs.append(place)
                elif place.name == "LCEventHeader":
                    header = place
                elif place.name == "LCEvent":
                    if header is None:
                        raise self._fault("an event without a header", place)
                    self._events.append((header, place))
                    header = None
        if header is not None:
            raise self._fault("a header without its event", header)
        self.runs: tuple[RunHeader, ...] = tuple(
            run_header_of(self._blocks(place)["RunHeader"]) for place in runs
        )

    @property
    def events(self) -> int:
        """How many it has."""
        return len(self._events)

    def event(self, number: int) -> Event:
        """An event, by its place in the file.

        Raises:
            DataError: It is damaged.
        """
        before, content = self._events[number]
        header = event_header_of(self._blocks(before)["EventHeader"])
        return Event(header, self._blocks(content), f"{self.path}, event {number}")

    def _blocks(self, place: Place) -> dict[str, Block]:
        with self._open() as stream:
            data = read_record(stream, place, self.path)
        where = f"{self.path}, record '{place.name}' at byte {place.at}"
        found = {block.name: block for block in blocks_of(data, where)}
        needed = {"LCRunHeader": "RunHeader", "LCEventHeader": "EventHeader"}.get(place.name)
        if needed is not None and needed not in found:
            raise self._fault(f"a record without the block '{needed}'", place)
        return found

    def _open(self) -> IO[bytes]:
        if not self.path.is_file():
            raise DataError("no such file", where=str(self.path), remedy="check the path")
        return self.path.open("rb")

    def _fault(self, problem: str, place: Place) -> DataError:
        return DataError(
            f"damaged at byte {place.at}: {problem}", where=str(self.path), remedy=REMEDY
        )
