"""Files that LCIO and go-hep wrote: decoded to their text dumps, and written again byte by byte."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from zoo_calo.lcio.headers import (
    event_header_block,
    event_header_of,
    run_header_block,
    run_header_of,
)
from zoo_calo.lcio.particles import particles_block, particles_of
from zoo_calo.lcio.reader import LcioFile
from zoo_calo.lcio.sim_hits import sim_hits_block, sim_hits_of
from zoo_calo.lcio.sio import Block, blocks_of, packed_block, packed_record, places, read_record

pytestmark = pytest.mark.realdata


@pytest.fixture
def folder(real_data: Path) -> Path:
    return real_data / "calo" / "lcio"


def written_again(block: Block, kind: str) -> Block | None:
    """A block decoded and encoded; None of a kind that showers do not need."""
    if kind == "RunHeader":
        return run_header_block(run_header_of(block), block.version)
    if kind == "EventHeader":
        return event_header_block(event_header_of(block), block.version)
    if kind == "SimCalorimeterHit":
        return sim_hits_block(block.name, sim_hits_of(block), block.version)
    if kind == "MCParticle":
        return particles_block(block.name, particles_of(block), block.version)
    return None


@pytest.mark.parametrize(
    ("name", "level", "events", "decoded"),
    [
        ("gohep_run-header_golden.slcio", None, 0, 1),
        ("gohep_event_golden.slcio", None, 1, 4),
        ("gohep_c_sim.slcio", 9, 100, 310),
        ("lcio_test.slcio", 6, 5, 51),
    ],
)
def test_golden_records_are_written_again_byte_by_byte(
    folder: Path, name: str, level: int | None, events: int, decoded: int
) -> None:
    """``level``: that of the zlib of those who wrote it; the versions are 2.8, 2.4 and 1.6."""
    path = folder / name
    content = path.read_bytes()
    kinds: dict[str, str] = {}
    count = 0
    with path.open("rb") as stream:
        for place in places(stream, path):
            blocks = []
            for block in blocks_of(read_record(stream, place, path), name):
                again = written_again(block, kinds.get(block.name, block.name))
                count += again is not None
                blocks.append(block if again is None else again)
                if block.name == "EventHeader":
                    kinds = dict(event_header_of(block).collections)
            record = packed_record(place.name, blocks, level if place.compressed else None)
            assert content[place.at : place.at + len(record)] == record, place
    assert (LcioFile(path).events, count) == (events, decoded)


@pytest.mark.parametrize("name", ["event", "run-header"])
def test_compressed_golden_files_hold_what_the_plain_ones_do(folder: Path, name: str) -> None:
    def content(path: Path) -> list[tuple[str, bytes]]:
        with path.open("rb") as stream:
            return [(p.name, read_record(stream, p, path)) for p in places(stream, path)]

    packed = content(folder / f"gohep_{name}-compressed_golden.slcio")
    assert packed == content(folder / f"gohep_{name}_golden.slcio")
    for record, data in packed:
        assert b"".join(map(packed_block, blocks_of(data, record))) == data


def dumped(text: str, pattern: str) -> list[str]:
    return [found.strip() for found in re.findall(pattern, text, re.MULTILINE)]


def integers(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Parameters of a dump; its writer printed those that are no integers as empty."""
    found = re.findall(r"^ parameter (\S+) \[int\]: ([\d, ]+)", text, re.MULTILINE)
    return [(name, tuple(int(n) for n in re.findall(r"\d+", values))) for name, values in found]


@pytest.mark.parametrize("name", ["event", "run-header"])
@pytest.mark.parametrize("packed", ["", "-compressed"])
def test_golden_files_decode_to_their_dumps(folder: Path, name: str, packed: str) -> None:
    file = LcioFile(folder / f"gohep_{name}{packed}_golden.slcio")
    text = (folder / f"gohep_{name}_golden.slcio.txt").read_text()
    run = file.runs[0]
    before, _, event = text.partition("Event  :")
    assert [str(run.run)] == dumped(before, r"^\s*Run: +(\d+)")
    assert [run.description] == dumped(before, r"^ description: (.*)")
    assert [run.detector] == dumped(before, r"^ detector   : (.*)")
    assert [f"[{' '.join(run.subdetectors)}]"] == dumped(before, r"^ sub-dets   : (.*)")
    assert list(run.parameters.ints.items()) == integers(before)
    assert run.parameters.floats == {"floats-1": (1, 2, 3), "floats-2": (4, 5, 6)}
    assert list(run.parameters.strings.values()) == [("1", "2", "3")]
    assert file.events == int(bool(event))
    if event:
        header = file.event(0).header
        first = event.splitlines()[0]
        assert f" {header.event} - run:   {header.run} - timestamp {header.time_ns}" in first
        assert first.endswith(f"weight {header.weight:g}")
        assert list(header.parameters.ints.items()) == integers(event)
        found = [f"{name} ({kind})" for name, kind in header.collections]
        assert found == [" ".join(t.split()) for t in dumped(event, r"^ collection name : (.*)")]


def test_hits_and_particles_of_the_golden_event(folder: Path) -> None:
    """Values of the program that wrote it, go-hep's lcio/writer_test.go."""
    event = LcioFile(folder / "gohep_event_golden.slcio").event(0)
    hits = sim_hits_of(event.block("SimCaloHits", "SimCalorimeterHit"))
    assert hits.parameters.strings == {"CellIDEncoding": ("M:3,S-1:3,I:9,J:9,K-1:6",)}
    assert (hits.cell_id0.tolist(), hits.cell_id1.tolist()) == ([1024, 1025], [256, 256])
    np.testing.assert_array_equal(hits.energy_gev, np.float32([42.666, 42.666]))
    np.testing.assert_array_equal(hits.position_mm, np.float32([[1, 2, 3]] * 2))
    assert np.diff(hits.contributions.offsets).tolist() == [2, 3]
    particles = particles_of(event.block("McParticles", "MCParticle")).particles
    assert [one.pdg for one in particles] == [10, 20, 30]
    assert [len(one.parents) for one in particles] == [0, 2, 0]
    assert particles[1].energy_gev == pytest.approx(40.0)  # sqrt(3 * 20^2 + 20^2)


def test_events_of_a_detector(folder: Path) -> None:
    """SiD: hits of its barrel lie in it, and energies are those of contributions."""
    file = LcioFile(folder / "lcio_test.slcio")
    assert file.runs[0].detector == "sidaug05"
    hits = sim_hits_of(file.event(0).block("EcalBarrHits", "SimCalorimeterHit"))
    radius = np.hypot(hits.position_mm[:, 0], hits.position_mm[:, 1])
    assert 1270 < radius.min() < radius.max() < 1700
    starts = hits.contributions.offsets[:-1]
    total = np.add.reduceat(hits.contributions.energy_gev, starts)
    np.testing.assert_allclose(total, hits.energy_gev, rtol=1e-5)
