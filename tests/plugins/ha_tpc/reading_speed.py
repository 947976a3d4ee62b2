"""Speed and memory of reading hits as a training does, from a file of made-up events.

    python tests/plugins/ha_tpc/reading_speed.py [--events 20000] [--memory] [--json]

An event has 176 hits in the mean, with charge, time and width, along a line; charges are random:
what is measured is reading, not physics. Speeds are events per CPU second of one process; the file
is in the system's cache. ``training order`` are the micro-batches of 64 of an epoch, shuffled
within windows of 16 blocks; ``densified`` adds images of three channels, (64, 3, 64, 144) float32.
``--memory`` compares the peaks of fresh processes that read an epoch of all events, densified, and
of a tenth of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import Batch, Codec, Ragged, Table
from zoo.data.convert import convert_file
from zoo.data.loaders import Loader
from zoo.data.order import Plan
from zoo.data.reader import Memory, read_block
from zoo.data.simulate import block_rows
from zoo.data.store import TableFile
from zoo.data.writer import TableWriter
from zoo.memory import high_water
from zoo_ha_tpc.dense import images
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.sources.event_npz import EventNpz
from zoo_ha_tpc.sources.files_config import EventNpzConfig
from zoo_ha_tpc.specs import SAMPLE

SHAPE = (64, 144)
CHANNELS = ("hit_charge", "hit_time", "hit_width")
TRUTH = ("q_over_pt", "phi", "tan_lambda", "x_ini", "y_ini", "z_ini")
MODES: tuple[Memory, ...] = ("stream", "auto", "ram")
EVENT_BYTES = 176 * 8 + 6 * 4 + 16


class Hits(Codec):
    """What a network on hits reads, and its truth."""

    needs = frozenset({"hit_row", "hit_column", *CHANNELS})
    targets = frozenset({"q_over_pt", "phi"})
    dense = False

    def encode(self, samples: Table) -> Batch:
        inputs = {"images": images(samples, SHAPE, CHANNELS)} if self.dense else {}
        inputs |= {} if self.dense else {name: samples[name] for name in sorted(self.needs)}
        return Batch(inputs, {name: samples[name] for name in sorted(self.targets)}, samples.ids)


class Images(Hits):
    """The same, densified."""

    dense = True


def made_up(first: int, count: int) -> Table:
    """Events of a line each: two or three pads in every column that it crosses."""
    rng = np.random.default_rng(first)
    columns = rng.integers(20, 141, count)
    length = np.repeat(columns, columns)
    start = np.concatenate([[0], np.cumsum(columns)])[:-1]
    along = np.arange(columns.sum()) - np.repeat(start, columns)
    middle = np.repeat(rng.uniform(10, 54, count), columns)
    slope = np.repeat(rng.uniform(-0.3, 0.3, count), columns)
    row = np.clip(middle + slope * (along - length / 2), 1, 61).astype(np.int64)
    width = rng.choice([1, 2, 3, 4], len(row), p=[0.1, 0.66, 0.2, 0.04])
    hit = np.repeat(np.arange(len(row)), width)
    within = np.arange(len(hit)) - np.repeat(np.cumsum(width) - width, width)
    event = np.repeat(np.repeat(np.arange(count), columns), width)
    place = (row[hit] + within - 1, along[hit])
    order = np.lexsort((place[1], place[0], event))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=count))])
    hits = len(hit)
    values = {
        "hit_row": place[0][order].astype(np.uint8),
        "hit_column": place[1][order].astype(np.uint8),
        "hit_charge": np.clip(25 + rng.exponential(400, hits), 0, 4095).astype(np.uint16),
        "hit_time": rng.integers(6, 14, hits).astype(np.uint16) * 40,
        "hit_width": rng.integers(12, 22, hits).astype(np.uint16) * 40,
    }
    return Table(
        {
            "id": np.arange(first, first + count, dtype=np.uint64),
            **{name: Ragged(column, offsets) for name, column in values.items()},
            **{name: rng.normal(size=count).astype(np.float32) for name in TRUTH},
        }
    )


def write(path: Path, events: int) -> None:
    rows = block_rows(EVENT_BYTES, events)
    facts = read_plane("ha-tpc").facts()
    with TableWriter(path, SAMPLE, facts=facts, task="ha-tpc", block_rows=rows) as writer:
        for first in range(0, events, rows):
            writer.append(made_up(first, min(rows, events - first)))


def write_npz(path: Path, events: int) -> None:
    """The same hits as one archive of others."""
    table = made_up(0, events)
    hits = {name: table[name].values for name in Hits.needs}
    truth = {name: table[name] for name in TRUTH}
    np.savez(path, hit_offsets=table["hit_row"].offsets, **hits, **truth)


def training(file: TableFile, codec: type[Hits], memory: Memory) -> Iterator[Batch]:
    """All micro-batches of an epoch, and the first of the next."""
    blocks = file.blocks()
    plan = Plan(tuple(block.rows for block in blocks), 64)
    loader = Loader(file, blocks, codec(None, {}, {}), plan, augment=False, memory=memory)
    for batch in loader.batches(0, plan.per_epoch + 1):
        assert batch is not None
        yield batch


def seconds(work: Callable[[], object], times: int = 2) -> float:
    """Shortest CPU time of several calls."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def through(batches: Iterator[Any]) -> None:
    for _ in batches:
        pass


def speeds(path: Path, folder: Path, events: int) -> list[dict[str, Any]]:
    file = TableFile(path)
    blocks = file.blocks()
    shuffled = np.random.default_rng(0).permutation(len(blocks))
    fields = Hits.needs | Hits.targets
    works: dict[str, Callable[[], object]] = {
        "blocks in sequence": lambda: through(read_block(file, b, fields) for b in blocks),
        "blocks at random": lambda: through(read_block(file, blocks[i], fields) for i in shuffled),
    }
    for memory in MODES:
        works[f"training order, {memory}"] = lambda m=memory: through(training(file, Hits, m))
        works[f"  densified, {memory}"] = lambda m=memory: through(training(file, Images, m))
    rows = [
        {"what": what, "events_per_cpu_s": events / seconds(work)} for what, work in works.items()
    ]
    npz = folder / "hits.npz"
    write_npz(npz, events)

    def convert() -> None:
        source = EventNpz(EventNpzConfig(rows=64), npz)
        convert_file(source, SAMPLE, folder / "again.h5", task="ha-tpc", about={})

    rows.append({"what": "convert from .npz", "events_per_cpu_s": events / seconds(convert, 1)})
    return rows


def peak(path: Path, memory: Memory) -> float:
    """MiB of a fresh process that reads an epoch, densified."""
    command = [sys.executable, __file__, "--child", memory, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) / 2**20


def peaks(path: Path, folder: Path, events: int) -> list[dict[str, Any]]:
    few = folder / "few.h5"
    write(few, events // 10)
    return [
        {
            "what": f"peak, {memory}",
            "mib_of_a_tenth": (tenth := peak(few, memory)),
            "mib_of_all": (every := peak(path, memory)),
            "difference_mib": every - tenth,
        }
        for memory in MODES
    ]


def child(path: Path, memory: Memory) -> None:
    through(training(TableFile(path), Images, memory))
    sys.stdout.write(f"{high_water()}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--memory", action="store_true", help="compare peaks too")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=MODES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.file, asked.child)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "events.h5"
        writing = seconds(lambda: write(path, asked.events), 1)
        rows: list[dict[str, Any]] = [
            {
                "what": "write (and make up)",
                "events_per_cpu_s": asked.events / writing,
                "bytes_per_event": path.stat().st_size / asked.events,
            },
            *speeds(path, folder, asked.events),
            *(peaks(path, folder, asked.events) if asked.memory else []),
        ]
    if asked.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    for row in rows:
        numbers = (f"{value:>10,.0f} {name}" for name, value in row.items() if name != "what")
        sys.stdout.write(f"{row['what']:<24}" + "".join(numbers) + "\n")


if __name__ == "__main__":
    main()
