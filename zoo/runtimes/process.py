"""Runs an exported file in a process of its own: ``python -m zoo.runtimes.process``.

That process has loaded nothing of the model's code, so the file is shown to stand alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from safetensors.numpy import load_file, save_file

from zoo.contract.deploy import ConsumerContract
from zoo.contract.refs import Ref, resolve
from zoo.errors import ParityError
from zoo.runtimes.runtime import Arrays, open_runtime

__all__ = ["run_in_fresh_process"]


def run_in_fresh_process(
    path: Path,
    format_name: str,
    points: Sequence[Arrays],
    folder: Path,
    contract: Ref | None = None,
) -> tuple[list[Arrays], list[list[str]]]:
    """Outputs of an exported file, and its violations of a consumer's contract, point by point.

    Args:
        path: The exported file.
        format_name: Its format.
        points: Inputs by name.
        folder: Empty, for files that the two processes exchange.
        contract: ``() -> ConsumerContract``, asked in the fresh process; ``None``: no consumer.

    Raises:
        ParityError: If the process fails, with the last line that it wrote.
    """
    for number, inputs in enumerate(points):
        _save(inputs, folder / f"{number}.inputs")
    command = [sys.executable, "-m", __name__, str(path), format_name, str(folder), contract or ""]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ParityError(
            f"the exported file does not run in a fresh process: {lines[-1]}",
            where=path.name,
            remedy="choose another --format, or report it with the lines above",
        )
    outputs: list[Arrays] = [load_file(folder / f"{n}.outputs") for n in range(len(points))]
    violations: list[list[str]] = json.loads((folder / "violations.json").read_text())
    return outputs, violations


def _save(arrays: Arrays, path: Path) -> None:
    # safetensors writes the memory as it lies: of a transposed view, other values.
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)


def _main(path: str, format_name: str, folder: str, contract: str) -> None:
    runtime = open_runtime(Path(path), format_name)
    check = cast("Callable[[], ConsumerContract]", resolve(contract))().check if contract else None
    violations = []
    count = len(list(Path(folder).glob("*.inputs")))
    for number in range(count):
        inputs = load_file(Path(folder) / f"{number}.inputs")
        outputs = runtime(inputs)
        violations.append(check(inputs, outputs) if check else [])
        _save(outputs, Path(folder) / f"{number}.outputs")
    (Path(folder) / "violations.json").write_text(json.dumps(violations))


if __name__ == "__main__":
    _main(*sys.argv[1:])
