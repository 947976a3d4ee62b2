"""Commands that must answer at once import nothing heavy, whatever is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import sys
from zoo.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code
heavy = {"torch", "numpy", "h5py", "scipy", "matplotlib"} & sys.modules.keys()
sys.exit(f"imports {sorted(heavy)}" if heavy else code)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["list"], 0),
        (["list", "--json"], 0),
        (["doctor"], 3),
        (["train", "--help"], 0),
        (["eval", "--help"], 0),
        (["data", "--help"], 0),
        (["data", "list"], 0),
        (["weights", "list"], 0),
        (["lsit"], 2),
    ],
)
def test_nothing_heavy_is_imported(site: Path, arguments: list[str], code: int) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)]),
        "ZOO_PLUGINS": "toy,bad",
    }
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
