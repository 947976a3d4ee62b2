"""Runs steps from a JSON file in one process: shell lines, and commands of zoo whose end it notes.

python on_disk.py steps.json done.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from zoo.cli.app import app


def main(steps: Path, done: Path) -> None:
    ended = {}
    for step in json.loads(steps.read_bytes()):
        if "shell" in step:
            subprocess.run(["bash", "-c", step["shell"]], check=True)
            continue
        result = CliRunner().invoke(app, step["words"], prog_name="zoo")
        ended[step["name"]] = (result.exit_code, result.stdout, result.stderr)
    done.write_text(json.dumps(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
