from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_plugin import Toy, ToyConfig

from zoo.contract.codec import Batch, Codec
from zoo.contract.source import Block
from zoo.contract.table import Table
from zoo.data import loaders
from zoo.data.keys import uniform
from zoo.data.loaders import Loader
from zoo.data.order import Plan
from zoo.data.reader import Memory
from zoo.data.simulate import simulate_file
from zoo.data.simulated import SimulatedSource
from zoo.errors import DataError, PluginError, UsageError

# torch advises against more workers than cores; what is tested here holds for any number.
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")


class Shifted(Codec):
    """The image, shifted at random while training."""

    needs = frozenset({"image"})
    targets = frozenset({"label"})

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        return samples.with_columns({"image": samples["image"] + uniform(keys, 1, 1)})

    def encode(self, samples: Table) -> Batch:
        return Batch({"x": samples["image"]}, {"label": samples["label"]}, samples.ids)


class Counted:
    """36 blocks of two rows, and how often a block is read."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.reads = 0

    def blocks(self) -> list[Block]:
        return [Block(str(number), 2, str(number)) for number in range(36)]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        self.reads += 1
        ids = (2 * int(block.key) + np.arange(2)).astype(np.uint64)[rows]
        return Table({"id": ids, "image": np.zeros((len(ids), 2, 2)), "label": ids})


def loader(
    workers: int = 0,
    *,
    codec: type[Codec] = Shifted,
    augment: bool = True,
    source: Any = None,
    memory: Memory = "auto",
    **plan: Any,
) -> Loader:
    source = source or SimulatedSource(Toy(ToyConfig()), 0, 12)
    blocks = source.blocks()
    rows = tuple(block.rows for block in blocks)
    options = {"batch": 5, "seed": 3, "window": 4, **plan}
    return Loader(
        source,
        blocks,
        codec(None, {}, {}),
        Plan(rows, **options),
        augment=augment,
        workers=workers,
        memory=memory,
    )


def digests(loader: Loader, start: int, stop: int) -> list[str]:
    return [
        hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()
        for batch in loader.batches(start, stop)
        if batch is not None
        for arrays in [(batch.ids, batch.inputs["x"], batch.targets["label"])]
    ]


@pytest.mark.parametrize("kind", ["simulated", "file"])
def test_any_number_of_workers_and_any_start_give_the_same_batches(tmp_path: Path, kind: str):
    source: Any = None
    if kind == "file":
        from tiny_plugin import SAMPLE

        simulate_file(
            Toy(ToyConfig()), SAMPLE, tmp_path / "a.h5", task="tiny", seed=0, events=12, about={}
        )
        from zoo.data.store import TableFile

        source = TableFile(tmp_path / "a.h5")
    alone = digests(loader(source=source), 0, 12)
    assert len(set(alone)) == 12
    assert digests(loader(1, source=source), 0, 12) == alone
    assert digests(loader(3, source=source), 0, 12) == alone
    assert digests(loader(2, source=source), 7, 12) == alone[7:]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("memory", "kept", "passes"),
    [("stream", 4, 2), ("ram", 36, 1), ("auto", 36, 1)],  # a window is four blocks
)
def test_memory_changes_what_is_kept_and_not_the_batches(memory: Memory, kept: int, passes: int):
    counted = Counted()
    made = loader(source=counted, memory=memory)
    found = [batch.ids.tolist() for batch in made.batches(0, 30) if batch]  # two epochs
    other = loader(source=Counted(), memory="auto")
    assert found == [batch.ids.tolist() for batch in other.batches(0, 30) if batch]
    assert len(made._encoder.reader._cache) == kept
    # Those kept of the first epoch need not be read in the second.
    assert 36 * passes - kept * (passes - 1) <= counted.reads <= 36 * passes


def test_an_epoch_holds_every_sample_once_and_ranks_share_it():
    whole = [batch for batch in loader().batches(0, 5) if batch]
    ids = np.concatenate([batch.ids for batch in whole])
    assert len(ids) == len(np.unique(ids)) == 24
    ranks = [list(loader(rank=rank, world=3).batches(0, 5)) for rank in range(3)]
    for number, batch in enumerate(whole):
        parts = [rank[number] for rank in ranks]
        for rank, part in enumerate(parts):
            assert part is not None
            np.testing.assert_array_equal(part.ids, batch.ids[rank::3])
            np.testing.assert_array_equal(part.inputs["x"], batch.inputs["x"][rank::3])


def test_a_rank_without_rows_gets_none():
    batches = list(loader(batch=23, rank=1, world=2).batches(0, 2))
    assert [batch is None for batch in batches] == [False, True]


def test_augmentation_depends_on_epoch_and_sample_alone():
    def images(**options: Any) -> dict[int, Any]:
        start, stop = options.pop("between")
        return {
            int(id_): image
            for batch in loader(**options).batches(start, stop)
            if batch
            for id_, image in zip(batch.ids, batch.inputs["x"], strict=True)
        }

    first, other_batches = images(between=(0, 5)), images(between=(0, 3), batch=8)
    second, plain = images(between=(5, 10)), images(between=(0, 5), augment=False)
    for id_, image in first.items():
        np.testing.assert_array_equal(image, other_batches[id_])
        assert np.all(image != second[id_])
        shift = image - plain[id_]
        assert shift.min() >= 0
        assert np.ptp(shift) < 1e-6


def test_torchs_own_random_numbers_are_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    digests(loader(1), 0, 2)
    assert torch.equal(torch.rand(3), expected)


class Failing(Shifted):
    def encode(self, samples: Table) -> Batch:
        raise DataError("no light", where="a.h5: image", remedy="switch it on")


class Raising(Shifted):
    def encode(self, samples: Table) -> Batch:
        raise ValueError("negative")


class Dying(Shifted):
    def encode(self, samples: Table) -> Batch:
        os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("unreachable")


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_arrive_as_what_they_were(workers: int):
    with pytest.raises(DataError) as caught:
        next(loader(workers, codec=Failing).batches())
    assert str(caught.value) == "a.h5: image: no light\n  remedy: switch it on"
    assert "in encode" in caught.value.__notes__[0]
    with pytest.raises(PluginError, match=r"Raising, micro-batch 0: .*ValueError: negative"):
        next(loader(workers, codec=Raising).batches())
    assert multiprocessing.active_children() == []


def test_a_killed_worker_is_told():
    with pytest.raises(UsageError, match=r"a loader's worker process ended"):
        next(loader(1, codec=Dying).batches())
    assert multiprocessing.active_children() == []


def test_torch_does_not_answer_the_end_of_a_child_in_any_code():
    before = signal.getsignal(signal.SIGCHLD)
    batches = loader(1).batches()
    next(batches)
    assert signal.getsignal(signal.SIGCHLD) is before
    batches.close()


class Stuck(Shifted):
    """Batches that fill any pipe, and are too small for shared memory."""

    def encode(self, samples: Table) -> Batch:
        return Batch({"x": np.zeros(2**17, np.uint8)}, {}, samples.ids)


def test_workers_whose_results_nobody_takes_end_with_their_parent():
    receive, send = os.pipe()
    parent = os.fork()
    if not parent:
        batches = loader(2, codec=Stuck).batches()
        next(batches)
        pids = [child.pid for child in multiprocessing.active_children()]
        os.write(send, " ".join(map(str, pids)).encode())
        time.sleep(0.5)  # the workers run ahead
        os.kill(os.getpid(), signal.SIGKILL)
    workers = os.read(receive, 100).decode().split()
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 10
    while (alive := [pid for pid in workers if running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in alive:
        os.kill(int(pid), signal.SIGKILL)
    assert alive == []


def running(pid: str) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_closing_ends_the_workers_and_signals_to_the_group_do_not():
    batches = loader(2).batches()
    next(batches)
    children = multiprocessing.active_children()
    assert len(children) == 2
    pids = " ".join(str(child.pid) for child in children)
    for name in ("TERM", "INT", "USR1"):  # from another process, as a batch system does
        subprocess.run(f"kill -{name} {pids}", shell=True, check=True)
    for _ in range(10):
        next(batches)
    threads = threading.active_count()
    batches.close()
    assert multiprocessing.active_children() == []
    assert threading.active_count() <= threads


def test_signals_to_a_worker_that_only_starts_do_not_end_it(monkeypatch: pytest.MonkeyPatch):
    ready = loaders._ignore_signals

    def signalled(number: int) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            os.kill(os.getpid(), each)
        ready(number)

    monkeypatch.setattr(loaders, "_ignore_signals", signalled)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert digests(loader(2), 0, 12) == digests(loader(), 0, 12)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_an_abandoned_loader_does_not_hold_up_the_end_of_the_program():
    script = (
        "import test_loaders as t; b = t.loader(2).batches(); next(b); "
        "import builtins; builtins.kept = b; raise SystemExit(3)"
    )
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here / "tiny"), *sys.path])
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, timeout=30, check=False)
    assert done.returncode == 3


def test_no_samples_are_refused():
    with pytest.raises(DataError, match="no samples"):
        Loader(
            SimulatedSource(Toy(ToyConfig()), 0, 1),
            [],
            Shifted(None, {}, {}),
            Plan((), 2),
            augment=False,
        )
