"""Ends code of others that hangs.

Python cannot stop a thread, but a signal interrupts the main thread: after a while it raises
:class:`TookTooLong` there. That ends loops, sleeps and waits for a network. Code in C that never
comes back to Python does not see it; after twice the time faulthandler, which needs no Python,
shows where it hangs and ends the process.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["TookTooLong", "watched"]

_NOTICE = 3.0  # seconds after which somebody who waits is told for whom
_AGAIN = 1.0  # seconds after which code that caught the exception is interrupted again


class TookTooLong(BaseException):  # no `except Exception` may catch it
    """Raised in the midst of the code that took too long."""


@contextmanager
def watched(what: str, seconds: float) -> Iterator[None]:
    """Interrupt the block after some time; only in the main thread, and not on Windows.

    Whoever uses SIGALRM already gets handler and timer back.

    Args:
        what: Who is waited for.
        seconds: How long at most; zero: for ever.

    Raises:
        TookTooLong: Within the block.
    """
    main = threading.current_thread() is threading.main_thread()
    if not seconds or not main or not hasattr(signal, "setitimer"):
        yield
        return
    begin = time.monotonic()
    told = False

    def ring(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        if time.monotonic() - begin > seconds - 0.01:
            raise TookTooLong(f"it had not answered after {seconds:g} s")
        if not told:
            told = True
            print(f"waiting for {what} ...", file=sys.stderr)  # noqa: T201  # before any console

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, min(_NOTICE, seconds), _AGAIN)
    _last_resort(2 * seconds + 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if left:
            remaining = left - (time.monotonic() - begin)
            signal.setitimer(signal.ITIMER_REAL, max(remaining, 1e-3), interval)


def _last_resort(seconds: float) -> None:
    stream = sys.__stderr__
    if stream is not None:
        try:
            faulthandler.dump_traceback_later(seconds, exit=True, file=stream)
        except (ValueError, OSError):  # no file: a window without a console
            return
