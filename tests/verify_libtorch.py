"""Does a TorchScript file give the same numbers in the LibTorch of its consumer?

Needs only torch and numpy, so that it runs in the environment of an old LibTorch (torch 2.1.2 is
Wire-Cell's):

    python verify_libtorch.py write model.ts reference.npz    # in the environment that exported
    python verify_libtorch.py check model.ts reference.npz    # in the consumer's

Exit code 1 where they differ by more than 1e-5.
"""

from __future__ import annotations

import json
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

SIZES = ((33, 35), (81, 61), (100, 90), (476, 640), (800, 600))
TOLERANCE = 1e-5


def main(verb: str, model: str, reference: str) -> int:
    """Write or check a reference; returns the exit code."""
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    load: Callable[..., Any] = torch.jit.load
    program = load(model, map_location="cpu")
    if verb == "write":
        np.savez(reference, **_reference(program, _channels(Path(model))))  # type: ignore[arg-type]
        return 0
    with np.load(reference, allow_pickle=False) as archive:
        worst = _largest_difference(program, dict(archive))
    sys.stdout.write(f"torch {torch.__version__}: largest difference {worst:.3g}\n")
    return int(not worst <= TOLERANCE)


def _channels(path: Path) -> int:
    """Channels of the one image that the file's header declares."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith("extra/zoo.json"))
        header = json.loads(archive.read(name))
    return int(header["inputs"][0]["dims"][1])


def _reference(program: Any, channels: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(1)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for wires, bins in SIZES:
        image = random.normal(0, 0.5, (1, channels, wires, bins)).astype(np.float32)
        arrays[f"input {wires} {bins}"] = image
        arrays[f"output {wires} {bins}"] = _run(program, image)
    return arrays


def _run(program: Any, image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        output = program(torch.from_numpy(image))
    if output.dtype != torch.float32 or not output.is_contiguous():
        raise SystemExit(f"the output is {output.dtype}, strides {output.stride()}")
    return np.asarray(output.numpy())


def _largest_difference(program: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> float:
    """NaN where a value is not finite, which fails the comparison."""
    return max(
        float(np.abs(_run(program, image) - arrays[name.replace("input", "output")]).max())
        for name, image in arrays.items()
        if name.startswith("input")
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
