"""A fresh process for ``test_memory``: converts images, or reads them; prints its peak in MiB.

python tests/zoo/data/tiny/reading_memory.py convert|read|stream FILE.h5 EVENTS
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from zoo.api import Batch, Block, Codec, Field, Table
from zoo.data.convert import convert_file
from zoo.data.loaders import Loader
from zoo.data.order import Plan
from zoo.data.store import TableFile
from zoo.memory import high_water

SHAPE = (100, 500)  # 195 KiB: a chunk of its own
IMAGES = frozenset(f"image{number}" for number in range(6))
SPECS = {name: Field(dims=("wire", "tick"), dtype="float32", meaning="a plane") for name in IMAGES}


class Planes:
    """Events of two planes, each an event's block; images are equal, so that writing is fast."""

    facts: Mapping[str, Any] = MappingProxyType({})
    fields = IMAGES

    def __init__(self, events: int) -> None:
        self._events = events

    def blocks(self) -> Sequence[Block]:
        return [Block(str(number), 2, str(number)) for number in range(self._events)]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        ids = np.arange(2, dtype=np.uint64) + np.uint64(2 * int(block.key))
        images = {name: np.full((2, *SHAPE), int(block.key), np.float32) for name in fields}
        table = Table({"id": ids, **images})
        return table.take(rows)


class Images(Codec):
    needs = IMAGES

    def encode(self, samples: Table) -> Batch:
        return Batch({name: samples[name] for name in sorted(self.needs)}, {}, samples.ids)


def epoch(file: TableFile) -> Generator[Batch | None]:
    """As a training reads with ``data.memory=stream``."""
    blocks = file.blocks()
    plan = Plan(tuple(block.rows for block in blocks), batch=2, window=4)
    codec = Images(None, {}, {})
    loader = Loader(file, blocks, codec, plan, augment=False, memory="stream")
    return loader.batches(0, plan.per_epoch)


def main() -> None:
    mode, path, events = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if mode == "convert":
        convert_file(Planes(events), SPECS, path, task="planes", about={})
    elif mode == "stream":
        for _ in epoch(TableFile(path)):
            pass
    else:
        file = TableFile(path)
        for block in file.blocks():
            file.read(block, slice(0, block.rows), IMAGES)
    sys.stdout.write(f"{high_water() / 2**20}\n")


if __name__ == "__main__":
    main()
