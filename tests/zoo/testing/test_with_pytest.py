"""The rules in the test suite of a plugin: two lines switch them on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
from zoo.testing import conformance

test_conformance = conformance("correct", "r02", "expected", "unexpected", rules=["R02", "R17"])
"""


@pytest.mark.usefixtures("broken")
def test_one_test_for_each_rule_and_subject(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "."]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "2 failed, 1 passed, 4 skipped, 1 xfailed" in done.stdout, done.stdout + done.stderr
    assert "PASSED test_suite.py::test_conformance[R02-correct]" in done.stdout
    assert "FAILED test_suite.py::test_conformance[R02-r02]" in done.stdout
    assert "NetConfig.width is not described" in done.stdout
    assert "remedy: write a string below the field" in done.stdout
    assert "take the declaration out of the check file" in done.stdout


def test_importing_the_rules_needs_neither_torch_nor_numpy_nor_pytest() -> None:
    code = (
        "import sys, zoo.testing\n"
        "sys.exit(str({'torch', 'numpy', 'h5py', 'pytest'} & sys.modules.keys() or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
