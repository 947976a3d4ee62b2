"""The tiny training, and processes that end without pytest noticing."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch._dynamo  # an optimiser imports it, for 1.5 s: once here, not in every fork
import torch.distributed as dist

from zoo.data.workers import quiet_fork
from zoo.engine.distributed import World

# The first gradient of a process starts autograd's thread for each device, and a fork with such
# threads has no autograd. An export in an earlier test pretends that there is a device, so that
# the first gradient must be now, while tests are collected.
torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The module ``tiny_training`` beside this file."""
    path = Path(__file__).with_name("tiny_training.py")
    spec = importlib.util.spec_from_file_location("tiny_training", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_training"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fork() -> Callable[[Callable[[], None]], int]:
    """Run a function in a forked child and return its process id; it exits with 0, or 1."""
    if torch.accelerator.is_available():
        pytest.skip("autograd has a thread for the accelerator, which no fork takes along")

    def start(work: Callable[[], None]) -> int:
        with quiet_fork():  # torch's threads are idle here
            child = os.fork()
        if child:
            return child
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            work()
            status = 0
        except BaseException:  # noqa: BLE001  # the child must not return into pytest
            traceback.print_exc()
        finally:
            os._exit(status)

    return start


@pytest.fixture
def ranks(fork: Callable[[Callable[[], None]], int], tmp_path: Path) -> Callable[..., list[int]]:
    """Run work on forked ranks joined by gloo through a file; their exit codes."""
    numbers = count()

    def run(size: int, work: Callable[[World], None], shards: int = 0) -> list[int]:
        path = tmp_path / f"store-{next(numbers)}"

        def join(rank: int) -> None:
            store = dist.FileStore(str(path), size)  # type: ignore[attr-defined]  # public
            dist.init_process_group("gloo", store=store, rank=rank, world_size=size)
            work(World(rank, size, shards=shards))
            dist.barrier()

        children = [fork(lambda rank=rank: join(rank)) for rank in range(size)]  # type: ignore[misc]  # bound now
        return [os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children]

    return run
