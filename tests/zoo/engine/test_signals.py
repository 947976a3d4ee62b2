"""Stops before and after the loop; those within it are in ``test_loop.py``."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

import pytest

from zoo.engine.signals import Signals, stop_at_once
from zoo.errors import Interrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_stop_passes_code_that_catches_every_exception(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    @stop_at_once()
    def work() -> None:
        with suppress(Exception):  # as a plugin may do
            os.kill(os.getpid(), number)
        raise AssertionError("it went on")

    with pytest.raises(Interrupted, match=rf"{number.name}.*nothing is lost") as caught:
        work()
    assert caught.value.exit_code == 75
    assert signal.getsignal(number) is before


def test_within_the_loop_it_waits_and_then_stops_at_once_again() -> None:
    @stop_at_once()
    def work() -> None:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.received is signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    with pytest.raises(Interrupted):
        work()


def test_another_thread_leaves_signals_alone() -> None:
    found: list[object] = []

    def work() -> None:
        with stop_at_once():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
