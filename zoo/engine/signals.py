"""Requests to stop, answered between micro-batches."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from zoo.errors import Interrupted

__all__ = ["Signals", "stop_at_once"]

_HANDLED = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Signals:
    """Context manager that turns SIGTERM, SIGUSR1, SIGINT and a time limit into a flag.

    A second Ctrl-C is not waited for. Outside of the main thread only the time limit works.

    Attributes:
        received: The signal, once there was one.
    """

    def __init__(self, max_time: float | None = None) -> None:
        self.received: signal.Signals | None = None
        self._max_time = max_time
        self._start = time.monotonic()
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _HANDLED:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)

    @property
    def stop(self) -> bool:
        """Whether to save and stop now."""
        return self.received is not None or self._out_of_time

    @property
    def _out_of_time(self) -> bool:
        return self._max_time is not None and time.monotonic() - self._start >= self._max_time

    def leave(self, step: int) -> None:
        """End the training after its checkpoint.

        Raises:
            KeyboardInterrupt: After Ctrl-C.
            Interrupted: After another signal, or when the time is up.
        """
        if self.received is signal.SIGINT:
            raise KeyboardInterrupt
        why = self.received.name if self.received is not None else "its time was up"
        raise Interrupted(
            f"stopped at step {step} ({why}); everything is saved",
            remedy="run the same command again to continue",
        )


class _Stop(BaseException):
    """Passes the code of others that catches every Exception."""


@contextmanager
def stop_at_once() -> Iterator[None]:
    """Answer SIGTERM and SIGUSR1 at once, where nothing is lost by it: before and after the loop.

    Outside of the main thread it does nothing.

    Raises:
        Interrupted: At the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGUSR1)
    previous = {number: signal.signal(number, _stop) for number in numbers}
    try:
        yield
    except _Stop as stop:
        raise Interrupted(
            f"stopped outside of the steps ({stop}); nothing is lost",
            remedy="run the same command again to continue",
        ) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    raise _Stop(signal.Signals(number).name)
