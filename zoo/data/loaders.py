"""Encoded batches from worker processes, in an order that their number does not change.

Every micro-batch is a pure function of its number: rows from the plan, augmentation keys from
(seed, epoch, id). Workers only run ahead.

Workers are forked where CUDA is not initialised: that takes milliseconds and needs nothing to be
sent. Once CUDA runs, a fork would copy a driver that it cannot use, so that workers come from a
fork server, and source and codec must survive pickling; create the iterator before the first
CUDA call to avoid it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from zoo.contract.codec import Batch, Codec
from zoo.contract.source import Block, Source
from zoo.data.failures import Failure
from zoo.data.keys import combine
from zoo.data.order import Plan
from zoo.data.reader import CACHE_BYTES, BlockReader, Memory
from zoo.data.shared import share, unshare
from zoo.data.workers import end_with, quiet_fork
from zoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

__all__ = ["Loader"]

_AUGMENT = int.from_bytes(b"augment")
_Result: TypeAlias = "Batch | Failure | None"


class Loader:
    """Reads, augments and encodes micro-batches.

    Args:
        source: Where the samples come from.
        blocks: Blocks of the split, as counted by ``plan.rows_per_block``.
        codec: What encodes; its ``needs`` and ``targets`` are read, and no other field.
        plan: Which rows make up which micro-batch.
        augment: Whether ``codec.augment`` is applied.
        workers: Processes that read ahead; zero: this one.
        memory: What each of them keeps of what it read; the batches are the same.

    Raises:
        DataError: If there is no row.
    """

    def __init__(
        self,
        source: Source,
        blocks: Sequence[Block],
        codec: Codec,
        plan: Plan,
        *,
        augment: bool,
        workers: int = 0,
        memory: Memory = "auto",
    ) -> None:
        if not plan.rows:
            raise DataError("this split has no samples", remedy="give more events or files")
        self.plan = plan
        self.workers = workers
        fields = codec.needs | codec.targets
        reader = BlockReader(
            source,
            blocks,
            fields,
            cache_bytes=None if memory == "ram" else CACHE_BYTES,
            cache_blocks=plan.window if memory == "stream" else None,
        )
        self._encoder = _Encoder(reader, codec, plan, augment)

    def batches(self, start: int = 0, stop: int | None = None) -> Generator[Batch | None]:
        """Batches of the micro-batches ``start`` to ``stop`` (default: without end).

        ``None`` stands for a micro-batch that has no row for this rank. Close the generator
        (``contextlib.closing``) to end the workers, also after an error elsewhere.

        Raises:
            ZooError: What the source or codec raised, in whatever process.
            PluginError: If they failed otherwise.
            UsageError: If a worker was killed, or cannot be started.
        """
        numbers = count(start) if stop is None else range(start, stop)
        with closing(self._in_workers(numbers) if self.workers else self._here(numbers)) as results:
            for result in results:
                if isinstance(result, Failure):
                    result.throw()
                yield result

    def _here(self, numbers: Iterable[int]) -> Generator[_Result]:
        for number in numbers:
            yield self._encoder[number]

    def _in_workers(self, numbers: Iterable[int]) -> Generator[_Result]:
        results = _start(_data_loader(self._encoder, numbers, self.workers))
        try:
            yield from map(unshare, results)
        except RuntimeError as error:  # torch's word for a worker that is gone
            raise UsageError(
                f"a loader's worker process ended ({error})",
                where="training.workers",
                remedy="most often memory ran out: lower training.workers or training.batch",
            ) from error.with_traceback(None)  # its frames would keep the other workers
        finally:
            del results  # the only reference: torch ends the workers now


class _Encoder:
    """Number of a micro-batch -> batch: what a worker holds (torch calls it a dataset)."""

    def __init__(self, reader: BlockReader, codec: Codec, plan: Plan, augment: bool) -> None:
        self.reader = reader
        self.codec = codec
        self.plan = plan
        self.augment = augment

    def __getitem__(self, number: int) -> _Result:
        try:
            return self._encode(number)
        except Exception as error:  # noqa: BLE001  # whatever it is, the parent raises it
            return Failure.of(error, f"{type(self.codec).__name__}, micro-batch {number}")

    def _encode(self, number: int) -> Batch | None:
        rows = self.plan.micro_batch(number)
        if not len(rows.row):
            return None
        samples = self.reader.rows(rows.block, rows.row)
        if self.augment:
            keys = combine(_AUGMENT, self.plan.seed, rows.epoch, samples.ids)
            samples = self.codec.augment(samples, keys)
        return self.codec.encode(samples)


def _data_loader(encoder: _Encoder, numbers: Iterable[int], workers: int) -> DataLoader[_Result]:
    import torch
    from torch.utils.data import DataLoader

    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own lack
    fork = "fork" in multiprocessing.get_all_start_methods() and not cuda
    return DataLoader(
        encoder,  # type: ignore[arg-type]  # torch types its Dataset as a class, not a protocol
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        collate_fn=share,
        worker_init_fn=_ignore_signals,
        multiprocessing_context="fork" if fork else "forkserver",
        generator=torch.Generator(),  # otherwise starting workers would draw from torch's own
    )


def _start(
    loader: DataLoader[_Result],
) -> Iterator[_Result]:
    try:
        with quiet_fork(), _signals_held(loader), _child_signal_kept():
            return iter(loader)
    except (AttributeError, TypeError) as error:  # how pickling refuses
        raise UsageError(
            f"the source or codec cannot be sent to a worker process ({error})",
            where="training.workers",
            remedy="--set training.workers=0, or make them picklable",
        ) from error


@contextmanager
def _signals_held(loader: DataLoader[_Result]) -> Iterator[None]:
    """Start forked workers with the signals blocked that they will ignore a moment later.

    A fork server would keep the mask for the processes of others; its workers have that moment.
    """
    context = loader.multiprocessing_context
    if sys.platform != "linux" or context is None or context.get_start_method() != "fork":
        yield
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _child_signal_kept() -> Iterator[None]:
    """Keep torch's handler of SIGCHLD out.

    It raises in whatever code the parent is when a worker ends: in a plugin's loss, in an update,
    in the writing of a checkpoint. Without it the wait for the next batch notices, within 5 s.
    """
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGCHLD, before)


def _ignore_signals(_: int) -> None:
    """A batch system signals every process of a job; the parent decides when workers end.

    They also end when it is killed. Torch's own check then waits for results to be sent, which
    nobody receives: a worker whose pipe is full would stay for ever.
    """
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey_parent, args=(os.getppid(),), daemon=True).start()


def _obey_parent(parent: int) -> None:
    """Only the parent's own SIGTERM ends a worker."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
