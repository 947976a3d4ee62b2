"""What all tests share: where the real data are, and one thread per process."""

from __future__ import annotations

import os
from pathlib import Path

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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Where CI runs with the real data present, a skipped real-data test is a failure."""
    outcome = yield
    report = outcome.get_result()
    needs = item.get_closest_marker("realdata") is not None
    if report.skipped and needs and os.environ.get("CI") and REAL_DATA.is_dir():
        report.outcome = "failed"
        report.longrepr = f"skipped although the real data are present: {report.longrepr}"
