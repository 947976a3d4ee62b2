"""Measures one case in this process: ``python -m zoo.bench.process CASE.json RESULT.json``."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.bench.case import Case, NotAvailable
from zoo.bench.measure import measure
from zoo.bench.work import prepare
from zoo.data.workers import end_with
from zoo.errors import ZooError

__all__: list[str] = []


def _measured(case: Case) -> dict[str, Any]:
    conditions = case.conditions
    # ONNX Runtime and classical algorithms run in a process without torch.
    if case.format in ("ts", "pt2") or (case.subject.kind == "networks" and not case.program):
        import torch

        torch.set_num_threads(conditions.threads)
    if conditions.mode == "training":
        from zoo.engine.precision import numerics, resolve_device

        # Deterministic algorithms, as in a training.
        with numerics(resolve_device(conditions.device), conditions.threads):
            return _of(case)
    return _of(case)


def _of(case: Case) -> dict[str, Any]:
    device = case.conditions.device
    return asdict(measure(prepare(case), case.repeats, inspect=case.inspect, device=device))


def _main(given: str, wanted: str) -> None:
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    case = Case.from_dict(json.loads(Path(given).read_bytes()))
    result: dict[str, Any]
    try:
        result = {"measured": _measured(case)}
    except NotAvailable as reason:
        result = {"reason": f"not available: {reason}"}
    except ZooError as error:
        result = {
            "error": type(error).__name__,
            "message": error.message,
            "where": error.where,
            "remedy": error.remedy,
        }
    except Exception as error:  # noqa: BLE001  # whatever it is, the other rows are kept
        traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        result = {"reason": f"failed: {type(error).__name__}: {lines[0]}"}
    Path(wanted).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
