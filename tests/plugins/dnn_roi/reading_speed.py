"""Reading speed and memory before and after ``zoo data convert``, on files written for it.

    python tests/plugins/dnn_roi/reading_speed.py [--events 5 20] [--wires 100] [--json]

Pairs of HDF5 files as Wire-Cell writes them (gzip, one chunk for a frame) are read as a training
reads them: ``loose_lf``, ``mp2``, ``mp3`` and ``truth`` of both induction planes, event by event.
Times are CPU seconds: the files are in the system's cache. The share of decoding is the time that
zlib takes for the chunks of these fields, alone, over the time of reading. Peak memory is that of
fresh processes, for fewer and for more events.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import wct_files

from zoo.data.convert import convert_file
from zoo.data.reader import read_block
from zoo.data.store import TableFile
from zoo.memory import high_water
from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5
from zoo_dnn_roi.sources.wirecell_config import WctHdf5Config
from zoo_dnn_roi.specs import SAMPLE

FIELDS = frozenset({"loose_lf", "mp2", "mp3", "truth"})


def generate(folder: Path, events: int, wires: int, ticks: int) -> Path:
    """Events in files of five, as jobs write them, and their geometry file."""
    planes = (wires, wires, round(1.2 * wires))
    detector = wct_files.geometry(folder, planes)
    sizes = {"channels": sum(planes), "ticks": ticks}
    for first in range(0, events, 5):
        numbers = range(100 + first, 100 + min(first + 5, events))
        wct_files.write_pair(folder, str(first // 5), numbers, sizes=sizes)
    return detector


def open_source(folder: Path) -> WctHdf5:
    return WctHdf5(WctHdf5Config(detector=str(folder / "invented.toml")), folder)


def read_all(source: WctHdf5 | TableFile) -> None:
    for block in source.blocks():
        read_block(source, block, FIELDS)


def convert(folder: Path, out: Path) -> None:
    convert_file(open_source(folder), SAMPLE, out, task="dnn-roi", about={})


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Shortest CPU time of several calls."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def chunks(datasets: Iterable[h5py.Dataset]) -> list[bytes]:
    """The gzipped content of all chunks, without the checksum behind it."""
    found = []
    for dataset in datasets:
        for index in range(dataset.id.get_num_chunks()):
            place = dataset.id.get_chunk_info(index).chunk_offset
            found.append(bytes(dataset.id.read_direct_chunk(place)[1]))
    return found


def decode(packed: Iterable[bytes]) -> None:
    for chunk in packed:
        zlib.decompressobj().decompress(chunk)


def decoding(packed: list[bytes]) -> float:
    return seconds(lambda: decode(packed))


def wirecell_chunks(folder: Path) -> list[bytes]:
    found = []
    for path in sorted(folder.glob("g4-*.h5")):
        tags = ("deposplat",) if "tru" in path.name else ("loose_lf", "mp2_roi", "mp3_roi")
        with h5py.File(path) as file:
            found += chunks(event[f"frame_{tag}0"] for event in file.values() for tag in tags)
    return found


def converted_chunks(path: Path) -> list[bytes]:
    with h5py.File(path) as file:
        return chunks(file["columns"][name] for name in sorted(FIELDS))


def peak(mode: str, folder: Path) -> float:
    """MiB of a fresh process that reads or converts everything."""
    command = [sys.executable, __file__, "--child", mode, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) / 2**20


def child(mode: str, folder: Path) -> None:
    if mode == "wct-hdf5":
        read_all(open_source(folder))
    elif mode == "converted":
        read_all(TableFile(folder / "converted.h5"))
    else:
        convert(folder, folder / "again.h5")
        (folder / "again.h5").unlink()
    sys.stdout.write(f"{high_water()}\n")


def measure(root: Path, numbers: list[int], wires: int, ticks: int) -> list[dict[str, Any]]:
    memory: dict[str, dict[int, float]] = {}
    rows: list[dict[str, Any]] = []
    for events in numbers:
        folder = root / str(events)
        folder.mkdir()
        generate(folder, events, wires, ticks)
        convert(folder, folder / "converted.h5")
        for mode in ("wct-hdf5", "converted", "convert"):
            memory.setdefault(mode, {})[events] = peak(mode, folder)
    packed = {
        "wct-hdf5": wirecell_chunks(folder),
        "converted": converted_chunks(folder / "converted.h5"),
    }
    sources = {"wct-hdf5": open_source(folder), "converted": TableFile(folder / "converted.h5")}
    for name, source in sources.items():
        spent = seconds(lambda s=source: read_all(s))  # type: ignore[misc]  # bound at once
        rows.append(
            {
                "what": f"read {name}",
                "events_per_cpu_s": events / spent,
                "decoding_percent": 100 * decoding(packed[name]) / spent,
                **{f"peak_mib_{n}_events": memory[name][n] for n in numbers},
            }
        )
    spent = seconds(lambda: convert(folder, folder / "again.h5"), times=1)
    rows.append(
        {
            "what": "convert",
            "events_per_cpu_s": events / spent,
            "decoding_percent": None,
            **{f"peak_mib_{n}_events": memory["convert"][n] for n in numbers},
        }
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs=2, default=[5, 20], help="few, many")
    parser.add_argument("--wires", type=int, default=100, help="of an induction plane")
    parser.add_argument("--ticks", type=int, default=6000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.folder)
        return
    with tempfile.TemporaryDirectory() as root:
        rows = measure(Path(root), asked.events, asked.wires, asked.ticks)
    if asked.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    head = ("", "events/CPU s", "decoding %", *(f"MiB, {n} events" for n in asked.events))
    lines = [head]
    for what, *numbers in (tuple(row.values()) for row in rows):
        lines.append((what, *("-" if n is None else f"{n:.1f}" for n in numbers)))
    for line in lines:
        sys.stdout.write("".join(f"{cell:>16}" for cell in line) + "\n")


if __name__ == "__main__":
    main()
