"""Headers of runs and events."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from zoo_calo.lcio.parameters import Parameters, packed_parameters, parameters_of
from zoo_calo.lcio.sio import Block
from zoo_calo.lcio.xdr import Version, packed_text

__all__ = ["EventHeader", "RunHeader", "event_header_block", "event_header_of"]
__all__ += ["run_header_block", "run_header_of"]


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """What a file tells of a run.

    Attributes:
        run: Its number.
        detector: Name of the detector.
        description: For people.
        subdetectors: Names of those that are active.
        parameters: What else.
    """

    run: int = 0
    detector: str = ""
    description: str = ""
    subdetectors: tuple[str, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)


@dataclass(frozen=True, kw_only=True)
class EventHeader:
    """What a file tells of an event before its collections.

    Attributes:
        run, event: Their numbers.
        time_ns: Time stamp, from 1970; 0: none.
        detector: Name of the detector.
        collections: (name, type) of each, in the order of the record.
        parameters: What else.
    """

    run: int = 0
    event: int = 0
    time_ns: int = 0
    detector: str = ""
    collections: tuple[tuple[str, str], ...] = ()
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def weight(self) -> float:
        """Of the event; 1 where none is told."""
        return self.parameters.floats.get("_weight", (1.0,))[0]


def run_header_of(block: Block) -> RunHeader:
    """Of a block ``RunHeader``.

    Raises:
        DataError: It is damaged.
    """
    cursor = block.cursor()
    run, detector, description = cursor.integer(), cursor.text(), cursor.text()
    subdetectors = tuple(cursor.text() for _ in range(cursor.count(4, "subdetectors")))
    return RunHeader(
        run=run,
        detector=detector,
        description=description,
        subdetectors=subdetectors,
        parameters=parameters_of(cursor, block.version),
    )


def run_header_block(header: RunHeader, version: Version) -> Block:
    """As a block."""
    parts = [
        struct.pack(">i", header.run),
        packed_text(header.detector),
        packed_text(header.description),
        struct.pack(">i", len(header.subdetectors)),
        *map(packed_text, header.subdetectors),
        packed_parameters(header.parameters, version),
    ]
    return Block("RunHeader", version, b"".join(parts))


def event_header_of(block: Block) -> EventHeader:
    """Of a block ``EventHeader``.

    Raises:
        DataError: It is damaged.
    """
    cursor = block.cursor()
    run, event, time_ns, detector = cursor.integer(), cursor.integer(), cursor.long(), cursor.text()
    count = cursor.count(8, "collections")
    return EventHeader(
        run=run,
        event=event,
        time_ns=time_ns,
        detector=detector,
        collections=tuple((cursor.text(), cursor.text()) for _ in range(count)),
        parameters=parameters_of(cursor, block.version),
    )


def event_header_block(header: EventHeader, version: Version) -> Block:
    """As a block."""
    parts = [
        struct.pack(">iiq", header.run, header.event, header.time_ns),
        packed_text(header.detector),
        struct.pack(">i", len(header.collections)),
        *(packed_text(text) for pair in header.collections for text in pair),
        packed_parameters(header.parameters, version),
    ]
    return Block("EventHeader", version, b"".join(parts))
