"""What all tests share: where the real data are, and one thread per process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("DETECTOR_ZOO_DATA", ROOT.parent / "shared" / "data"))

# Two cores and a worker per core: more threads only fight. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the small real data; a skip, by name, where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data folder is absent: set DETECTOR_ZOO_DATA")
    return REAL_DATA


@pytest.fixture
def forked_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exported files are run in a fork, which has torch, not in a fresh process, which imports it.

    For tests of what is done with the answers; that a file stands alone is shown by others.
    """
    from zoo.data.workers import quiet_fork
    from zoo.runtimes import process

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            with quiet_fork():
                child = os.fork()
            if not child:
                code = 1
                try:
                    process._main(*command[3:])
                    code = 0
                except BaseException as error:  # noqa: BLE001  # never return into pytest
                    said.write(f"{type(error).__name__}: {error}")
                finally:
                    said.flush()
                    os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said.seek(0)
            return subprocess.CompletedProcess(command, code, "", said.read())

    monkeypatch.setattr(process, "subprocess", SimpleNamespace(run=run))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Where CI runs with the real data present, a skipped real-data test is a failure."""
    outcome = yield
    report = outcome.get_result()
    needs = item.get_closest_marker("realdata") is not None
    if report.skipped and needs and os.environ.get("CI") and REAL_DATA.is_dir():
        report.outcome = "failed"
        report.longrepr = f"skipped although the real data are present: {report.longrepr}"
