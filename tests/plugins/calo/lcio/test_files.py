"""LCIO files that are written here: read back bit by bit, and refused where they are damaged."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError
from zoo_calo.lcio.headers import EventHeader, RunHeader
from zoo_calo.lcio.parameters import Parameters
from zoo_calo.lcio.particles import Particle, Particles, particles_of
from zoo_calo.lcio.reader import LcioFile
from zoo_calo.lcio.sim_hits import (
    LONG,
    SECOND_ID,
    STEPS,
    Contributions,
    SimHits,
    sim_hits_block,
    sim_hits_of,
)
from zoo_calo.lcio.sio import Block, packed_block
from zoo_calo.lcio.writer import LcioWriter

PARAMETERS = Parameters(
    ints={"n": (1, -2)}, floats={"x": (0.5, 2.25)}, strings={"t": ("one", "", "three é")}
)


def hits(count: int, each: list[int], flag: int, seed: int = 1) -> SimHits:
    """Hits with so many contributions each."""
    rng = np.random.default_rng(seed)
    parts = sum(each)
    return SimHits(
        flag=flag,
        parameters=PARAMETERS,
        cell_id0=rng.integers(-(2**31), 2**31, count).astype(np.int32),
        cell_id1=rng.integers(0, 9, count).astype(np.int32) * bool(flag & SECOND_ID),
        energy_gev=rng.random(count, np.float32),
        position_mm=rng.random((count, 3), np.float32) * bool(flag & LONG),
        contributions=Contributions(
            offsets=np.concatenate([[0], np.cumsum(each)]).astype(np.int64),
            particle=rng.integers(1, 9, parts).astype(np.uint32),
            energy_gev=rng.random(parts, np.float32),
            time_ns=rng.random(parts, np.float32),
            pdg=rng.integers(-30, 30, parts).astype(np.int32) * bool(flag & STEPS),
            length_mm=rng.random(parts, np.float32) * bool(flag & STEPS),
            place_mm=rng.random((parts, 3), np.float32) * bool(flag & STEPS),
        ),
        tag=rng.integers(10, 99, count).astype(np.uint32),
    )


def same(one: SimHits, other: SimHits, *, without: tuple[str, ...] = ()) -> None:
    for name in ("cell_id0", "cell_id1", "energy_gev", "position_mm", "tag"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in set(Contributions.__dataclass_fields__) - set(without):
        np.testing.assert_array_equal(
            getattr(one.contributions, name), getattr(other.contributions, name), name
        )
    assert (one.flag, one.parameters) == (other.flag, other.parameters)


@pytest.mark.parametrize(
    "flag", [0, LONG, LONG | SECOND_ID, LONG | STEPS, LONG | SECOND_ID | STEPS]
)
@pytest.mark.parametrize("each", [[], [0, 0, 0], [2, 2], [1, 0, 3, 1]])
@pytest.mark.parametrize("version", [(2, 11), (2, 17)])
def test_hits_are_read_back_bit_by_bit(flag: int, each: list[int], version: Any) -> None:
    made = hits(len(each), each, flag)
    same(sim_hits_of(sim_hits_block("Ecal", made, version)), made)


def test_layout_of_steps_with_length() -> None:
    """Byte by byte after LCIO's SIOSimCalHitHandler: from 2.11 on, a length before the kind."""
    made = hits(1, [1], LONG | STEPS)
    part = made.contributions
    for version, length in (((2, 11), struct.pack(">f", part.length_mm[0])), ((2, 10), b"")):
        block = sim_hits_block("Ecal", made, version)
        expected = struct.pack(
            ">if3fi", made.cell_id0[0], made.energy_gev[0], *made.position_mm[0], 1
        )
        expected += struct.pack(">Iff", part.particle[0], part.energy_gev[0], part.time_ns[0])
        expected += length + struct.pack(">i3f", part.pdg[0], *part.place_mm[0])
        expected += struct.pack(">I", made.tag[0])
        assert block.payload.endswith(struct.pack(">i", 1) + expected)
    same(sim_hits_of(block), made, without=("length_mm",))


def test_old_hits_have_two_numbers_and_no_tag() -> None:
    """As LCIO 0.8: flag, count, then id0, id1, energy, contributions; no parameters."""
    payload = struct.pack(">Iiiifi", 0, 1, 5, 6, 0.5, 0)
    found = sim_hits_of(Block("Ecal", (0, 8), payload))
    assert (found.cell_id0.tolist(), found.cell_id1.tolist()) == ([5], [6])
    assert found.energy_gev.tolist() == [0.5]


@pytest.mark.parametrize("level", [None, 6])
def test_files_are_read_back(tmp_path: Path, level: int | None) -> None:
    path = tmp_path / "showers.slcio"
    run = RunHeader(
        run=3, detector="D", description="d", subdetectors=("a",), parameters=PARAMETERS
    )
    particle = Particle(
        tag=1, pdg=22, momentum_gev=(0, 3, 4), simulator_status=1 << 31, end_mm=(1, 2, 3)
    )
    first, second = hits(4, [1, 1, 1, 1], LONG), hits(0, [], LONG)
    with path.open("wb") as stream:
        writer = LcioWriter(stream, level=level)
        writer.run(run)
        for number, made in enumerate((first, second)):
            header = EventHeader(run=3, event=number, time_ns=7, detector="D")
            writer.event(header, [("MC", Particles(particles=[particle])), ("Ecal", made)])
    file = LcioFile(path)
    assert (file.runs, file.events) == ((run,), 2)
    for number, made in enumerate((first, second)):
        event = file.event(number)
        assert event.header.collections == (("MC", "MCParticle"), ("Ecal", "SimCalorimeterHit"))
        assert (event.header.event, event.header.time_ns) == (number, 7)
        assert particles_of(event.block("MC", "MCParticle")).particles == [particle]
        same(sim_hits_of(event.block("Ecal", "SimCalorimeterHit")), made)
    with pytest.raises(DataError, match="no collection 'Hcal' of SimCalorimeterHit") as caught:
        event.block("Hcal", "SimCalorimeterHit")
    assert "has Ecal" in caught.value.remedy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "good.slcio"
    with path.open("wb") as stream:
        writer = LcioWriter(stream)
        writer.run(RunHeader(detector="D"))
        for number in range(3):
            writer.event(EventHeader(event=number), [("Ecal", hits(50, [1] * 50, LONG, number))])
    return path


def read_all(path: Path) -> None:
    found = LcioFile(path)
    for number in range(found.events):
        sim_hits_of(found.event(number).block("Ecal", "SimCalorimeterHit"))


def test_a_truncated_file_is_refused_wherever_it_ends(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    borders = {len(content)}
    at = 0
    while at < len(content):  # records begin where their predecessors end
        head, _, _, size = struct.unpack_from(">4I", content, at)
        borders.add(at)
        at = (at + head + size + 3) & ~3
    short = tmp_path / "short.slcio"
    for end in range(1, len(content), 41):
        short.write_bytes(content[:end])
        padding = (end + 3) & ~3  # the last record is whole, only what fills it up is missing
        if padding in borders:
            continue
        with pytest.raises(DataError, match="damaged at byte") as caught:
            read_all(short)
        assert str(short) in caught.value.where
        assert "copy the file again" in caught.value.remedy


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (4, 0xABADCAFF, "no LCIO file: 0xabadcaff instead of the mark"),
        (0, 0x7FFFFFFF, "a header of 2147483647 bytes"),
        (12, 0x7FFFFFFF, "a record of 2147483647 bytes, and the file ends after"),
        (16, 0x7FFFFFFF, r"a record of \d+ bytes that hold 2147483647"),
        (20, 0x7FFFFFFF, "with a name of 2147483647"),
    ],
)
def test_absurd_records_are_refused(file: Path, at: int, value: int, message: str) -> None:
    content = bytearray(file.read_bytes())
    struct.pack_into(">I", content, at, value)
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"damaged at byte 0: .*{message}"):
        read_all(file)


def test_corrupt_zlib_is_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    place = content.index(b"LCEvent\0") + 8
    content[place + 20] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"zlib refuses|unpacks to other than") as caught:
        read_all(file)
    assert "damaged at byte" in caught.value.message


def test_a_record_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    """2 KB hold 2 MiB of zeros, and claim to hold 1000 bytes: no more is unpacked."""
    packed = zlib.compress(bytes(2**21), 9)
    head = struct.pack(">6I", 36, 0xABADCAFE, 1, len(packed), 1000, 11) + b"LCRunHeader\0"
    path = tmp_path / "bomb.slcio"
    path.write_bytes(head + packed + bytes(-len(packed) % 4))
    with pytest.raises(DataError, match="unpacks to other than 1000"):
        LcioFile(path)


@pytest.mark.parametrize(
    ("place", "message"),
    [(0, "block"), (1, "instead of the mark of a block, 0xdeadbeef"), (4, "name of a block")],
)
def test_damaged_blocks_are_refused(tmp_path: Path, place: int, message: str) -> None:
    words = list(struct.unpack(">7I", packed_block(Block("Runs", (2, 8), bytes(8)))))
    words[place - (place == 4)] = 0x7FFFFFF0
    data = struct.pack(">7I", *words)
    head = struct.pack(">6I", 36, 0xABADCAFE, 0, len(data), len(data), 11) + b"LCRunHeader\0"
    path = tmp_path / "block.slcio"
    path.write_bytes(head + data)
    with pytest.raises(DataError, match=message):
        LcioFile(path)


@pytest.mark.parametrize("count", [-1, 2**31 - 1, 4])
def test_hits_that_cannot_be_there_are_refused(count: int) -> None:
    payload = struct.pack(">I4i", 0, 0, 0, 0, count) + bytes(3 * 16)
    with pytest.raises(DataError, match=f"{count} hits, and 48 bytes are left"):
        sim_hits_of(Block("Ecal", (2, 8), payload, "somewhere"))


@pytest.mark.parametrize("contributions", [-1, 7])
def test_contributions_that_cannot_be_there_are_refused(contributions: int) -> None:
    hit = struct.pack(">ifi", 1, 0.5, contributions) + bytes(4)
    payload = struct.pack(">I4i", 0, 0, 0, 0, 1) + hit
    with pytest.raises(DataError, match=r"contributions of .* bytes|bytes behind the last hit"):
        sim_hits_of(Block("Ecal", (2, 8), payload, "somewhere"))


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        LcioFile(tmp_path / "none.slcio")
    path = tmp_path / "old.slcio"
    path.write_bytes(b"not an LCIO file at all, but long enough for a header")
    with pytest.raises(DataError, match="no LCIO file"):
        LcioFile(path)
    with pytest.raises(DataError, match=r"particles of LCIO 0\.8"):
        particles_of(Block("MC", (0, 8), bytes(16), "somewhere"))
