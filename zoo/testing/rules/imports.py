"""R01: the entry point loads, and imports nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from zoo.testing.rule import Violation
from zoo.testing.subjects import PluginSubject

__all__ = ["import_light"]

_HEAVY = ("torch", "numpy", "h5py")
_SECONDS = 60.0

# A fresh interpreter loads the one entry point as the registry does, and notes who asks for what is
# heavy: the nearest line of a file that is neither Python's own machinery nor zoo's.
_PROGRAM = """
import json, sys, traceback
from importlib.metadata import EntryPoint
from zoo import hooks
from zoo.registry import build

asked = {}

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in HEAVY and name not in asked:
            lines = [f for f in traceback.extract_stack() if "importlib" not in f.filename]
            asked[name] = f"{lines[-2].filename}, line {lines[-2].lineno}"
        return None

HEAVY, name, value = json.loads(sys.argv[1])
sys.meta_path.insert(0, Watch())
plugin = build([EntryPoint(name, value, hooks.GROUP)]).plugins[0]
loaded = {name: asked.get(name, "") for name in HEAVY if name in sys.modules}
print(json.dumps({"error": plugin.error, "loaded": loaded}))
"""


def import_light(subject: PluginSubject) -> str:
    """Load the entry point in a fresh interpreter."""
    words = json.dumps([_HEAVY, subject.name, subject.plugin.value])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Violation(
            f"its entry point has not loaded after {_SECONDS:.0f} s",
            "import nothing in plugin.py that waits: a server, a lock, an input",
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Violation(f"a fresh interpreter fails: {last}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    if told["error"]:
        raise Violation(told["error"], "`zoo doctor` tells where")
    for package, place in told["loaded"].items():
        raise Violation(f"it imports {package}{f' ({_short(place)})' if place else ''}")
    return f"without {', '.join(_HEAVY)}"


def _short(place: str) -> str:
    """The last two parts of the path."""
    path, _, line = place.rpartition(", line ")
    return f"{'/'.join(Path(path).parts[-2:])}, line {line}"
