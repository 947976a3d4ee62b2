"""Self-checks: some inputs and answers that travel with an exported file.

A program that loads the file asks it about the inputs and compares, without this package: units,
order of axes and of outputs, and the version of its runtime are shown to be right at once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.contract.deploy import Deploy
from zoo.data.keys import uniform
from zoo.export.parity import allowed, example_inputs, module_outputs
from zoo.runtimes.runtime import Runtime

__all__ = ["CHECKED", "check_file", "checks_text", "self_checks"]

CHECKED = 256
"""Answers of an output that are kept, spread over it: those of big images would outweigh a file."""

Checks = Mapping[str, Any]


def self_checks(module: nn.Module, deploy: Deploy) -> dict[str, Any]:
    """Inputs, and float64 answers at some places of every output, as JSON.

    Returns:
        Empty if the deploy wants none. ``inputs``: name to ``shape`` and ``values``, flat in C
        order. ``outputs``: name to ``shape``, ``index`` (into the flat output), ``values`` there,
        and ``tolerance``, the difference that a right file may have (:func:`allowed`).
    """
    if not deploy.checks:
        return {}
    inputs = example_inputs(deploy, deploy.checks)
    eager = module_outputs(module, inputs, deploy, torch.float32)
    exact = module_outputs(copy.deepcopy(module).double(), inputs, deploy, torch.float64)
    outputs = {}
    for name, spec in deploy.outputs.items():
        index = _places(exact[name].size)
        outputs[name] = {
            "shape": list(exact[name].shape),
            "index": index.tolist(),
            "values": exact[name].ravel()[index].tolist(),
            "tolerance": allowed(eager[name], exact[name], spec.maximum or 0.0),
        }
    given = {
        name: {"shape": list(array.shape), "values": array.ravel().tolist()}
        for name, array in inputs.items()
    }
    return {"inputs": given, "outputs": outputs}


def check_file(runtime: Runtime) -> list[str]:
    """Ask an exported file about its own checks.

    Returns:
        One line for each output that differs; none: the file is right, or has no checks.
    """
    checks = runtime.header.checks
    if not checks:
        return []
    inputs = {
        name: np.array(entry["values"], runtime.header.inputs[name].dtype).reshape(entry["shape"])
        for name, entry in checks["inputs"].items()
    }
    found = runtime(inputs)
    return [
        f"self-check of '{name}': error {error:.3g}, tolerance {entry['tolerance']:.3g}"
        for name, entry in checks["outputs"].items()
        if not (error := _difference(found[name], entry)) <= entry["tolerance"]
    ]


def checks_text(checks: Checks) -> str:
    """The same as words and numbers between blanks, which any language reads without a library.

    ``input NAME DIMS SIZE...`` and as many values; ``output NAME DIMS SIZE... TOLERANCE COUNT``
    and as many pairs of flat index and value. Numbers are written so that they read back exactly.
    """
    lines = []
    for name, entry in checks["inputs"].items():
        lines += [f"input {name} {_shape(entry)}", *_rows(map(repr, entry["values"]))]
    for name, entry in checks["outputs"].items():
        count = len(entry["index"])
        lines.append(f"output {name} {_shape(entry)} {entry['tolerance']!r} {count}")
        pairs = zip(entry["index"], entry["values"], strict=True)
        lines += [f"{index} {value!r}" for index, value in pairs]
    return "\n".join(lines) + "\n"


def _places(size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Flat indices in order, one at random of each of equal parts, so that every row has some."""
    count = min(size, CHECKED)
    within = uniform(np.arange(count, dtype=np.uint64))
    places = (np.arange(count) + within) * (size / count)
    return np.minimum(places.astype(np.int64), size - 1)


def _difference(found: np.ndarray[Any, Any], entry: Mapping[str, Any]) -> float:
    if list(found.shape) != entry["shape"]:
        return float("inf")
    at = found.ravel()[np.array(entry["index"], np.int64)].astype(np.float64)
    return float(np.abs(at - np.array(entry["values"])).max(initial=0))


def _shape(entry: Mapping[str, Any]) -> str:
    return " ".join(str(size) for size in (len(entry["shape"]), *entry["shape"]))


def _rows(words: Iterable[str], width: int = 6) -> list[str]:
    given = list(words)
    return [" ".join(given[i : i + width]) for i in range(0, len(given), width)]
