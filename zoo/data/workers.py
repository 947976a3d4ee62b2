"""Tasks in forked processes that never outlive their parent, not even when it is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import cast

from zoo.data.failures import Failure
from zoo.errors import UsageError

__all__ = ["end_with", "quiet_fork", "run_workers"]

Make = Callable[[int], Iterator[int]]


@contextmanager
def quiet_fork() -> Iterator[None]:
    """Fork without the warning of Python 3.12 and later that this process has threads.

    A child deadlocks if it waits for a lock or a pool of threads that stayed in its parent. Ours
    read, simulate and encode with numpy and HDF5: OpenBLAS makes its pool anew after a fork, and
    torch's loader leaves its workers one thread. A fork server would take seconds, and would have
    to pickle whatever source and codec a plugin brings.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning
        )
        yield


def run_workers(make: Make, items: Sequence[int], workers: int, name: str) -> Iterator[int]:
    """Run ``make(item)`` for all items, spread over processes; yields what they yield.

    Args:
        make: Does one item, and yields counts for a progress display.
        items: Item ``i`` goes to worker ``i % workers``.
        workers: At most one per item; one or fewer: in this process.
        name: What fails, where an error does not tell.

    Raises:
        ZooError: What ``make`` raised, in whatever process.
        UsageError: If a worker was killed.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        for item in items:
            yield from _reported(make, item, name)
        return
    context = multiprocessing.get_context("fork")
    channels: list[Connection] = []
    processes: list[BaseProcess] = []
    try:
        for rank in range(workers):
            receive, send = context.Pipe(duplex=False)
            arguments = (make, items[rank::workers], send, os.getpid(), name)
            processes.append(context.Process(target=_work, args=arguments, daemon=True))
            with quiet_fork():
                processes[-1].start()
            send.close()  # the worker's end of file is then seen here
            channels.append(receive)
        yield from _listen(channels)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _reported(make: Make, item: int, name: str) -> Iterator[int]:
    try:
        yield from make(item)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is raised as a ZooError
        Failure.of(error, name).throw()


def _listen(channels: list[Connection]) -> Iterator[int]:
    while channels:
        for channel in cast("list[Connection]", wait(channels)):
            message = _receive(channel)
            if message is None:
                channels.remove(channel)
            elif isinstance(message, Failure):
                message.throw()
            else:
                yield message


def _receive(channel: Connection) -> int | Failure | None:
    try:
        message: int | Failure | None = channel.recv()
    except EOFError:
        raise UsageError(
            "a worker process was killed",
            where="--workers",
            remedy="most often memory ran out: use fewer workers; what is finished is kept",
        ) from None
    return message


def _work(make: Make, items: Sequence[int], channel: Connection, parent: int, name: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        for item in items:
            for count in make(item):
                channel.send(count)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent raises it
        channel.send(Failure.of(error, name))
    else:
        channel.send(None)


def end_with(parent: int) -> None:
    """End this process as soon as it has another parent; run it in a daemon thread."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
