"""Collections of SimCalorimeterHit: energy of cells, and which particle left how much of it.

One hit is ``cell id 0, [cell id 1], energy, [position], contributions, tag``; a contribution is
``particle, energy, time, [[length], kind, place]``. Flags of the collection say what is there. The
length came with LCIO 2.11. A collection whose hits have equally many contributions is one array of
records, and is read and written as such.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_calo.lcio.parameters import Parameters, packed_parameters, parameters_of
from zoo_calo.lcio.sio import Block
from zoo_calo.lcio.xdr import Cursor, Version

__all__ = [
    "LONG",
    "SECOND_ID",
    "STEPS",
    "Contributions",
    "SimHits",
    "sim_hits_block",
    "sim_hits_of",
]

LONG = 1 << 31
"""Hits have positions (``CHBIT_LONG``)."""
SECOND_ID = 1 << 29
"""Hits have a second half of the cell's number (``CHBIT_ID1``)."""
STEPS = 1 << 28
"""Contributions have a kind of particle and a place (``CHBIT_STEP``)."""

_TAG, _PLACE, _LENGTH = (1, 0), (1, 51), (2, 10)  # versions after which there are these
_ALWAYS_SECOND_ID = (0, 8)  # and before


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """Contributions of all hits, one after another.

    Attributes:
        offsets: int64 (hits + 1,), those of hit ``i`` are ``offsets[i]`` to ``offsets[i + 1]``.
        particle: uint32 (n,), tag of the particle.
        energy_gev, time_ns: float32 (n,).
        pdg: int32 (n,), kind of the particle that left it; 0 where it is not told.
        length_mm: float32 (n,); 0 where it is not told.
        place_mm: float32 (n, 3); 0 where it is not told.
    """

    offsets: NDArray[np.int64]
    particle: NDArray[np.uint32]
    energy_gev: NDArray[np.float32]
    time_ns: NDArray[np.float32]
    pdg: NDArray[np.int32]
    length_mm: NDArray[np.float32]
    place_mm: NDArray[np.float32]

    @classmethod
    def none(cls, hits: int) -> Contributions:
        """No contribution to any of the hits."""
        return cls(
            offsets=np.zeros(hits + 1, np.int64),
            particle=np.zeros(0, np.uint32),
            energy_gev=np.zeros(0, np.float32),
            time_ns=np.zeros(0, np.float32),
            pdg=np.zeros(0, np.int32),
            length_mm=np.zeros(0, np.float32),
            place_mm=np.zeros((0, 3), np.float32),
        )

    @classmethod
    def one_each(
        cls, particle: int, energy_gev: NDArray[np.float32], time_ns: NDArray[np.float32]
    ) -> Contributions:
        """All energy of every hit by one particle."""
        hits = len(energy_gev)
        return cls(
            offsets=np.arange(hits + 1, dtype=np.int64),
            particle=np.full(hits, particle, np.uint32),
            energy_gev=energy_gev.astype(np.float32),
            time_ns=time_ns.astype(np.float32),
            pdg=np.zeros(hits, np.int32),
            length_mm=np.zeros(hits, np.float32),
            place_mm=np.zeros((hits, 3), np.float32),
        )


@dataclass(frozen=True, kw_only=True)
class SimHits:
    """A collection.

    Attributes:
        flag: Says what hits have.
        parameters: Of the collection; ``CellIDEncoding`` tells what the bits of numbers mean.
        cell_id0, cell_id1: int32 (hits,), halves of the cell's number; 0 where it is not told.
        energy_gev: float32 (hits,).
        position_mm: float32 (hits, 3); 0 where it is not told.
        contributions: Of the hits.
        tag: uint32 (hits,), by which others of the event point to them.
    """

    flag: int
    parameters: Parameters = field(default_factory=Parameters)
    cell_id0: NDArray[np.int32]
    cell_id1: NDArray[np.int32]
    energy_gev: NDArray[np.float32]
    position_mm: NDArray[np.float32]
    contributions: Contributions
    tag: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the records of a collection are made of."""

    head: np.dtype[np.void]
    contribution: np.dtype[np.void]
    tail: np.dtype[np.void]

    @classmethod
    def of(cls, flag: int, version: Version) -> _Layout:
        head: list[tuple[str, str, tuple[int, ...]]] = [("id0", ">i4", ())]
        if flag & SECOND_ID or version <= _ALWAYS_SECOND_ID:
            head.append(("id1", ">i4", ()))
        head.append(("energy", ">f4", ()))
        if flag & LONG:
            head.append(("position", ">f4", (3,)))
        head.append(("count", ">i4", ()))
        part: list[tuple[str, str, tuple[int, ...]]] = [
            ("particle", ">u4", ()),
            ("energy", ">f4", ()),
            ("time", ">f4", ()),
        ]
        if flag & STEPS:
            part += [("length", ">f4", ())] if version > _LENGTH else []
            part.append(("pdg", ">i4", ()))
            part += [("place", ">f4", (3,))] if version > _PLACE else []
        tail = [("tag", ">u4", ())] if version > _TAG else []
        return cls(np.dtype(head), np.dtype(part), np.dtype(tail))

    def whole(self, count: int) -> np.dtype[np.void]:
        """A hit with so many contributions."""
        return np.dtype(
            [("head", self.head), ("parts", self.contribution, (count,)), ("tail", self.tail)]
        )


def sim_hits_of(block: Block) -> SimHits:
    """Of a collection's block.

    Raises:
        DataError: It is damaged.
    """
    cursor = block.cursor()
    flag = cursor.unsigned("the flag")
    parameters = parameters_of(cursor, block.version)
    layout = _Layout.of(flag, block.version)
    hits = cursor.count(layout.head.itemsize + layout.tail.itemsize, "hits")
    head, parts, tail = _split(cursor, layout, hits)
    return SimHits(
        flag=flag,
        parameters=parameters,
        cell_id0=head["id0"].astype(np.int32),
        cell_id1=_column(head, "id1", np.int32),
        energy_gev=head["energy"].astype(np.float32),
        position_mm=_column(head, "position", np.float32, 3),
        contributions=Contributions(
            offsets=np.concatenate([[0], np.cumsum(head["count"])]).astype(np.int64),
            particle=parts["particle"].astype(np.uint32),
            energy_gev=parts["energy"].astype(np.float32),
            time_ns=parts["time"].astype(np.float32),
            pdg=_column(parts, "pdg", np.int32),
            length_mm=_column(parts, "length", np.float32),
            place_mm=_column(parts, "place", np.float32, 3),
        ),
        tag=_column(tail, "tag", np.uint32),
    )


def _column(records: NDArray[np.void], name: str, dtype: type, *shape: int) -> NDArray[Any]:
    if name in (records.dtype.names or ()):
        return records[name].astype(dtype)
    return np.zeros((len(records), *shape), dtype)


def _split(
    cursor: Cursor, layout: _Layout, hits: int
) -> tuple[NDArray[np.void], NDArray[np.void], NDArray[np.void]]:
    """Heads (hits,), contributions (n,) and tails (hits,)."""
    fixed = layout.head.itemsize + layout.tail.itemsize
    each, rest = divmod(cursor.left - hits * fixed, max(hits * layout.contribution.itemsize, 1))
    if hits and not rest:
        start = cursor.at
        found = np.frombuffer(cursor.take(cursor.left, "hits"), layout.whole(each))
        if np.all(found["head"]["count"] == each):
            return found["head"], found["parts"].ravel(), found["tail"]
        cursor.at = start
    heads, parts, tails = [], [], []
    for _ in range(hits):
        head = cursor.take(layout.head.itemsize, "a hit")
        (count,) = struct.unpack(">i", head[-4:])
        heads.append(head)
        parts.append(cursor.take(count * layout.contribution.itemsize, f"{count} contributions"))
        tails.append(cursor.take(layout.tail.itemsize, "the tag of a hit"))
    if cursor.left:
        raise cursor.fault(f"{cursor.left} bytes behind the last hit")
    tag = (
        np.frombuffer(b"".join(tails), layout.tail)
        if layout.tail.itemsize
        else np.zeros(hits, layout.tail)
    )
    return (
        np.frombuffer(b"".join(heads), layout.head),
        np.frombuffer(b"".join(parts), layout.contribution),
        tag,
    )


def sim_hits_block(name: str, hits: SimHits, version: Version) -> Block:
    """A collection as a block."""
    layout = _Layout.of(hits.flag, version)
    count = len(hits.energy_gev)
    counts = np.diff(hits.contributions.offsets)
    head = _records(
        layout.head,
        count,
        id0=hits.cell_id0,
        id1=hits.cell_id1,
        energy=hits.energy_gev,
        position=hits.position_mm,
        count=counts,
    )
    found = hits.contributions
    parts = _records(
        layout.contribution,
        len(found.particle),
        particle=found.particle,
        energy=found.energy_gev,
        time=found.time_ns,
        length=found.length_mm,
        pdg=found.pdg,
        place=found.place_mm,
    )
    tail = _records(layout.tail, count, tag=hits.tag)
    body = [
        struct.pack(">I", hits.flag),
        packed_parameters(hits.parameters, version),
        struct.pack(">i", count),
    ]
    if count and np.all(counts == counts[0]):
        whole = np.zeros(count, layout.whole(int(counts[0])))
        whole["head"], whole["parts"], whole["tail"] = head, parts.reshape(count, -1), tail
        body.append(whole.tobytes())
    else:
        cuts = found.offsets
        for hit in range(count):
            body += [head[hit].tobytes(), parts[cuts[hit] : cuts[hit + 1]].tobytes()]
            body.append(tail[hit].tobytes())
    return Block(name, version, b"".join(body))


def _records(
    kind: np.dtype[np.void], rows: int, **columns: NDArray[np.generic]
) -> NDArray[np.void]:
    records = np.zeros(rows, kind)
    for name in kind.names or ():
        records[name] = columns[name]
    return records
