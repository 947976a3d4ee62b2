"""Code that hangs is interrupted, whatever it does, and others keep their alarms."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from zoo import watchdog
from zoo.watchdog import TookTooLong, watched


def _sleep() -> None:
    time.sleep(30)


def _loop() -> None:
    while True:
        pass


def _lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _network() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.accept()


def _swallow() -> None:
    try:
        time.sleep(30)
    except Exception:  # noqa: BLE001  # as careless plugins do
        time.sleep(30)


@pytest.mark.parametrize("hang", [_sleep, _loop, _lock, _network, _swallow])
def test_what_hangs_is_interrupted(hang: Callable[[], None]) -> None:
    begin = time.monotonic()
    with pytest.raises(TookTooLong, match=r"not answered after 0\.2 s"), watched("it", 0.2):
        hang()
    assert time.monotonic() - begin < 10


def test_who_waits_is_told_for_whom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watchdog, "_NOTICE", 0.05)
    with watched("the plugin x", 30):
        time.sleep(0.2)
    assert capsys.readouterr().err == "waiting for the plugin x ...\n"


def test_nothing_happens_to_what_is_quick() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with watched("it", 0.2):
        pass
    time.sleep(0.3)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_alarm_of_somebody_else_still_rings() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with watched("it", 30):
            time.sleep(0.2)
            assert not rung
        time.sleep(0.1)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left, interval)  # pytest's timeout


def test_other_threads_are_left_alone() -> None:
    done = []

    def work() -> None:
        with watched("it", 0.05):
            time.sleep(0.15)
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]


def test_code_that_never_returns_to_python_ends_the_process_with_its_place() -> None:
    # a regular expression that backtracks for ages holds the interpreter and checks signals,
    # hashing does not: 2**40 rounds never come back
    code = """if True:
        import hashlib
        from zoo import watchdog
        watchdog._last_resort(0.3)
        hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2**30)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "line 5" in done.stderr
