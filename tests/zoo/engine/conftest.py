"""The tiny training, and processes that end without pytest noticing."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from zoo.data.workers import quiet_fork

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
