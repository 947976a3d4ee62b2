"""Runs cases in fresh processes, in turns, so that a slow drift of the machine hits all alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import zoo.errors
from zoo.bench.case import Case
from zoo.bench.results import Measured, Row
from zoo.errors import DataError, UsageError, WeightsError, ZooError

__all__ = ["run_cases"]

_THREADS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
_MISTAKES = (UsageError, DataError, WeightsError)
"""What a user must mend before anything is measured; what else fails is a row with the reason."""


def run_cases(
    cases: Sequence[Case],
    processes: int,
    folder: Path,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Row, ...]:
    """Measure every case in so many processes; one that fails is not tried again.

    Args:
        cases: Those with a reason are not run.
        processes: Of each case.
        folder: For files that the processes exchange.
        progress: Is told processes ended, and processes in all.

    Raises:
        UsageError, DataError, WeightsError: If an input is wrong.
        KeyboardInterrupt: After Ctrl-C, with the running process ended.
    """
    found: list[list[Measured]] = [[] for _ in cases]
    reasons = [case.reason for case in cases]
    total = processes * sum(not reason for reason in reasons)
    done = 0
    for turn in range(processes):
        for number, case in enumerate(cases):
            if reasons[number]:
                continue
            progress(done, total)
            result = _run(replace(case, inspect=turn == 0), folder)
            if "measured" in result:
                found[number].append(Measured.from_dict(result["measured"]))
            else:
                reasons[number] = result["reason"]
                total -= processes - len(found[number]) - 1
            done += 1
    progress(total, total)
    return tuple(map(_row, cases, found, reasons))


def _row(case: Case, found: list[Measured], reason: str) -> Row:
    return Row(
        name=case.subject.name,
        model=case.subject.model,
        fresh=case.subject.fresh,
        conditions=case.conditions,
        processes=tuple(found),
        reason=reason,
    )


def _run(case: Case, folder: Path) -> dict[str, Any]:
    given, wanted = folder / "case.json", folder / "result.json"
    given.write_text(json.dumps(case.as_dict()), encoding="utf-8")
    wanted.unlink(missing_ok=True)
    command = [sys.executable, "-m", "zoo.bench.process", str(given), str(wanted)]
    code, told = _call(command, _environment(case.conditions.threads))
    try:
        result: dict[str, Any] = json.loads(wanted.read_bytes())
    except (OSError, ValueError):  # it died
        return {"reason": f"failed: {_death(code, told)}"}
    if "error" in result:
        error = _error(result)
        if isinstance(error, _MISTAKES):
            raise error
        return {"reason": f"failed: {f'{error.where}: ' if error.where else ''}{error.message}"}
    return result


def _call(command: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """Exit code, and what it wrote to stderr; it never outlives this call."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        _, told = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process.returncode, told


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        **dict.fromkeys(_THREADS, str(threads)),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }


def _death(code: int, told: str) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        why = ": most often memory ran out" if -code == signal.SIGKILL else ""
        return f"its process was ended by {name}{why}"
    lines = told.strip().splitlines()
    return f"its process ended with exit code {code}{f': {lines[-1]}' if lines else ''}"


def _error(result: dict[str, Any]) -> ZooError:
    kind = getattr(zoo.errors, result["error"], ZooError)
    error: ZooError = kind(result["message"], where=result["where"], remedy=result["remedy"])
    return error
