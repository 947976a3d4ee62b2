"""Pulls a file in a mount namespace of its own; tells how that ended as JSON.

unshare --mount python on_small_disk.py FOLDER

``FOLDER/steps.json``: what is done: ``{"sh": ...}`` (``$DISK`` is the mount) or ``{"pull": name}``,
after which ``FOLDER/done.json`` tells exit code, message and path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.weights.cache import Cache
from zoo.weights.cards import Origin, WeightsCard
from zoo.weights.reading import card_from
from zoo.weights.resolving import wanted
from zoo.weights.store import obtain
from zoo.weights.transfer import Patience


def pull(step: dict[str, Any], disk: Path) -> dict[str, Any]:
    """One file, from its mirrors, into a cache on the disk."""
    card = card_from(step["card"], Origin("toy", "", "net.toml"))
    assert isinstance(card, WeightsCard)
    shared = tuple(Path(text) for text in step.get("shared", ()))
    cache = Cache(disk / step["pull"], shared)
    limits = Patience(silence=20.0, attempts=1, pause=0.01)
    try:
        found = obtain(
            wanted(card), cache, tell=lambda _: None, progress=lambda _, __: None, limits=limits
        )
    except ZooError as error:
        return error.as_dict()
    return {"where": found.where, "path": str(found.path), "exit_code": 0}


def main() -> None:
    """Do the steps."""
    folder = Path(sys.argv[1])
    disk = folder / "disk"
    disk.mkdir()
    os.environ["DISK"] = str(disk)
    ended = []
    for step in json.loads((folder / "steps.json").read_bytes()):
        if "sh" in step:
            done = subprocess.run(["bash", "-c", step["sh"]], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            ended.append({"said": done.stdout})
        else:
            ended.append(pull(step, disk))
    (folder / "done.json").write_text(json.dumps(ended))


if __name__ == "__main__":
    main()
