from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_plugin import SAMPLE, Images, PlainConfig, Toy, ToyConfig

from zoo.contract.table import Table
from zoo.data.convert import convert_file
from zoo.data.reader import read_split
from zoo.data.simulate import block_rows, simulate_file
from zoo.data.simulated import SimulatedSource
from zoo.data.store import TableFile
from zoo.data.workers import quiet_fork, run_workers
from zoo.errors import DataError, PluginError, UsageError

FIELDS = frozenset({"image", "mask", "hits", "label"})


def simulate(out: Path, simulator: Toy | None = None, **changes: Any) -> TableFile:
    options: dict[str, Any] = {
        "task": "tiny",
        "seed": 3,
        "events": 60,
        "about": {"command": "zoo data simulate"},
        **changes,
    }
    return simulate_file(simulator or Toy(ToyConfig()), SAMPLE, out, **options)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 events, undisturbed."""
    return simulate(tmp_path_factory.mktemp("reference") / "a.h5").path


def test_the_file_holds_the_simulators_rows(reference: Path):
    file = TableFile(reference)
    source = SimulatedSource(Toy(ToyConfig()), 3, 60)
    expected = Table.concat(list(read_split(source, source.blocks(), FIELDS)))
    found = Table.concat(list(read_split(file, file.blocks(), FIELDS)))
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found["group"], expected["group"])
    np.testing.assert_array_equal(found["image"], expected["image"])
    np.testing.assert_array_equal(found["hits"].values, expected["hits"].values)
    assert len(file.blocks()) == 60
    assert file.fields == FIELDS
    assert file.verify() == []
    assert not reference.with_name("a.h5.parts").exists()


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, reference: Path):
    told: list[int] = []
    file = simulate(tmp_path / "a.h5", workers=3, progress=told.append)
    assert file.path.read_bytes() == reference.read_bytes()
    assert sum(told) == 120


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed_it_is_the_same_file(tmp_path: Path, reference: Path, workers: int):
    out = tmp_path / "a.h5"
    parts = tmp_path / "a.h5.parts"
    with quiet_fork():
        child = os.fork()
    if not child:
        simulate(out, Toy(ToyConfig(seconds=0.02)), workers=workers)
        os._exit(0)
    while len(list(parts.glob("shard-*.h5"))) < 5:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not out.exists()
    finished = len(list(parts.glob("shard-*.h5")))
    newest = max(parts.glob("shard-*.h5"))
    newest.write_bytes(newest.read_bytes()[:1000])  # and the disk lost the end of one
    told: list[int] = []
    file = simulate(out, workers=workers, progress=told.append)
    assert file.path.read_bytes() == reference.read_bytes()
    assert told[0] >= (finished - 1) * 2  # rows that were not made again
    assert sum(told) == 120
    assert list(tmp_path.iterdir()) == [out]


def test_a_finished_file_is_the_result_and_another_is_not_touched(tmp_path: Path, reference: Path):
    out = tmp_path / "a.h5"
    shutil.copy(reference, out)
    before = out.stat().st_mtime_ns
    assert simulate(out).digest == TableFile(reference).digest
    assert out.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="holds something else"):
        simulate(out, about={"command": "another"})


def test_parts_of_another_simulation_are_refused(tmp_path: Path):
    class Stops(Toy):
        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            if np.any(keys == last):
                raise KeyboardInterrupt
            return super().simulate(keys, fields)

    last = SimulatedSource(Toy(ToyConfig()), 3, 60).keys[40]
    out = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt):
        simulate(out, Stops(ToyConfig()))
    with pytest.raises(UsageError, match="belong to another simulation"):
        simulate(out, about={"command": "another"})
    assert simulate(out).rows == 120


def test_a_failure_before_the_first_part_leaves_the_place_free(tmp_path: Path):
    class Stops(Toy):
        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            raise KeyboardInterrupt

    out = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt):
        simulate(out, Stops(ToyConfig()))
    assert simulate(out, about={"command": "corrected"}).about == {"command": "corrected"}


def test_two_processes_cannot_write_one_file(tmp_path: Path):
    out = tmp_path / "a.h5"
    with quiet_fork():
        child = os.fork()
    if not child:
        simulate(out, Toy(ToyConfig(seconds=1)))
        os._exit(0)
    while not (tmp_path / "a.h5.parts" / "about.json").exists():
        time.sleep(0.01)
    try:
        with pytest.raises(UsageError, match="another process is writing it"):
            simulate(out)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_the_simulator_keep_their_kind(tmp_path: Path, workers: int):
    class Fails(Toy):
        error: Exception = ValueError("negative energy")

        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            if np.any(keys == failing):
                raise self.error
            return super().simulate(keys, fields)

    failing = SimulatedSource(Toy(ToyConfig()), 3, 60).keys[40]
    with pytest.raises(PluginError, match=r"Fails: it failed \(ValueError: negative energy\)"):
        simulate(tmp_path / "a.h5", Fails(ToyConfig()), workers=workers)
    Fails.error = DataError("no such map", where="map.npz", remedy="download it")
    with pytest.raises(DataError, match=r"map\.npz: no such map\n  remedy: download it"):
        simulate(tmp_path / "a.h5", Fails(ToyConfig()), workers=workers)


def test_wrong_dtype_of_the_simulator_is_named(tmp_path: Path):
    class Doubles(Toy):
        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            table = super().simulate(keys, fields)
            return table.with_columns({"image": table["image"].astype(float)})

    with pytest.raises(DataError, match="image: it has dtype float64, the task declares float32"):
        simulate(tmp_path / "a.h5", Doubles(ToyConfig()))


def test_a_killed_worker_is_told_and_workers_end_with_their_parent(tmp_path: Path):
    def dies(item: int):  # noqa: ANN202  # a generator
        os.kill(os.getpid(), signal.SIGKILL)
        yield item

    with pytest.raises(UsageError, match="a worker process was killed"):
        list(run_workers(dies, [0, 1], 2, "x"))

    def waits(item: int):  # noqa: ANN202  # a generator
        (tmp_path / f"{os.getpid()}").write_text("")
        time.sleep(60)
        yield item

    with quiet_fork():
        child = os.fork()
    if not child:
        list(run_workers(waits, [0, 1], 2, "x"))
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 10
    pids = [path.name for path in tmp_path.iterdir()]
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: str) -> bool:
    """Whether it is there and no zombie that its new parent has not reaped."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_block_rows_bounds_bytes_and_keeps_a_hundred_blocks():
    assert block_rows(1000, 10**6) == 262  # 256 KiB
    assert block_rows(1000, 5000) == 50
    assert block_rows(10**7, 10**6) == 1
    assert block_rows(1, 3) == 1


class TestConvert:
    def test_files_become_ours_with_ids_and_groups(self, tmp_path: Path):
        images = np.random.default_rng(0).normal(size=(55, 4, 5)).astype(np.float32)
        np.save(tmp_path / "a.npy", images)
        source = Images(PlainConfig(), str(tmp_path / "a.npy"))
        told: list[int] = []
        file = convert_file(
            source,
            SAMPLE,
            tmp_path / "a.h5",
            task="tiny",
            about={"command": "x"},
            progress=told.append,
        )
        fields = frozenset({"image", "hits", "label"})
        expected = Table.concat(list(read_split(source, source.blocks(), fields)))
        found = Table.concat(list(read_split(file, file.blocks(), fields)))
        np.testing.assert_array_equal(found["image"], images)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found["group"], expected["group"])
        assert len({block.group for block in file.blocks()}) == 3  # 20, 20 and 15 images
        assert sum(told) == 55
        with pytest.raises(UsageError, match="the file exists"):
            convert_file(source, SAMPLE, tmp_path / "a.h5", task="tiny", about={})

    def test_groups_that_lie_apart_are_brought_together(self, tmp_path: Path):
        class Mixed(Images):
            def blocks(self):  # noqa: ANN202  # as its base
                return sorted(super().blocks(), key=lambda block: int(block.key) % 20)

        np.save(tmp_path / "a.npy", np.zeros((40, 4, 5), np.float32))
        source = Mixed(PlainConfig(), str(tmp_path / "a.npy"))
        assert [block.group for block in source.blocks()] == ["0", "1", "0", "1"]
        file = convert_file(source, SAMPLE, tmp_path / "a.h5", task="tiny", about={})
        groups = Table.concat(list(read_split(file, file.blocks(), frozenset())))["group"]
        assert np.count_nonzero(np.diff(groups.astype(np.int64))) == 1

    def test_converting_ours_changes_nothing(self, tmp_path: Path, reference: Path):
        file = TableFile(reference)
        again = convert_file(file, SAMPLE, tmp_path / "b.h5", task="tiny", about={})
        rows = [Table.concat(list(read_split(f, f.blocks(), FIELDS))) for f in (file, again)]
        np.testing.assert_array_equal(rows[0].ids, rows[1].ids)
        np.testing.assert_array_equal(rows[0]["hits"].values, rows[1]["hits"].values)
