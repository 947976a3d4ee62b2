"""Writing a file of LCIO, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import IO

from zoo_calo.lcio.headers import EventHeader, RunHeader, event_header_block, run_header_block
from zoo_calo.lcio.particles import Particles, particles_block
from zoo_calo.lcio.sim_hits import SimHits, sim_hits_block
from zoo_calo.lcio.sio import Block, packed_record
from zoo_calo.lcio.xdr import Version

__all__ = ["WRITTEN", "LcioWriter"]

WRITTEN: Version = (2, 8)
"""The version that is written: newer ones add nothing that showers need, and all LCIO read it."""

Collection = tuple[str, Particles | SimHits]


class LcioWriter:
    """Writes runs and events.

    Args:
        stream: A file that is open for writing.
        version: Layout of the blocks.
        level: Of zlib; ``None``: not compressed.
    """

    def __init__(
        self, stream: IO[bytes], *, version: Version = WRITTEN, level: int | None = 6
    ) -> None:
        self._stream, self._version, self._level = stream, version, level

    def run(self, header: RunHeader) -> None:
        """Write the header of a run, before its events."""
        self._write("LCRunHeader", [run_header_block(header, self._version)])

    def event(self, header: EventHeader, collections: Sequence[Collection]) -> None:
        """Write an event.

        Args:
            header: Its collections are filled in.
            collections: (name, content), in order.
        """
        kinds = tuple((name, _kind(found)) for name, found in collections)
        told = event_header_block(replace(header, collections=kinds), self._version)
        self._write("LCEventHeader", [told])
        self._write("LCEvent", [self._block(name, found) for name, found in collections])

    def _block(self, name: str, found: Particles | SimHits) -> Block:
        if isinstance(found, Particles):
            return particles_block(name, found, self._version)
        return sim_hits_block(name, found, self._version)

    def _write(self, name: str, blocks: list[Block]) -> None:
        self._stream.write(packed_record(name, blocks, self._level))


def _kind(found: Particles | SimHits) -> str:
    return "MCParticle" if isinstance(found, Particles) else "SimCalorimeterHit"
