"""``zoo train --profile``: what a few steps spend their time and memory on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerAction, ProfilerActivity, profile, record_function

from zoo.contract.codec import Batch
from zoo.engine.distributed import World
from zoo.engine.meter import Meter
from zoo.files import atomic_path, write_atomically

__all__ = ["Operator", "Profiler", "window"]

SKIPPED, RECORDED = 5, 10
"""Steps: the first ones allocate, compile and warm caches."""
SHOWN = 10
"""Operators of each ranking that are printed."""
_WAIT = "wait for a batch"
_VALIDATION = "validation"
_NO_OPERATOR = ("ProfilerStep", _WAIT, _VALIDATION)
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Operator:
    """All calls of one operator in the recorded steps.

    Attributes:
        name: As torch calls it, ``aten::mm``.
        calls: How often.
        self_cpu, cpu: Microseconds, without and with the operators that it calls.
        self_device, device: Microseconds of its kernels on the GPU, likewise; 0 without one.
        self_cpu_memory, self_device_memory: Bytes that it allocated and did not free.
    """

    name: str
    calls: int
    self_cpu: float
    cpu: float
    self_device: float
    device: float
    self_cpu_memory: int
    self_device_memory: int


def window(left: int) -> tuple[int, int]:
    """Steps to skip and to record where so many are left; fewer of both in a short training."""
    skipped = min(SKIPPED, left // 3)
    return skipped, min(RECORDED, left - skipped)


class Profiler:
    """Records some steps of a training and writes them to a folder; the training is the same.

    A failure to record or to write is told and ends the profile alone.

    Args:
        folder: Where to: ``trace.json``, ``operators.csv``, ``summary.json``.
        device: What the training computes on.
        tell: Is told the result.
    """

    def __init__(self, folder: Path, device: torch.device, tell: Callable[[str], None]) -> None:
        self._folder, self._device, self._tell = folder, device, tell
        self._meter = Meter(World(device=device))
        self._profile: profile | None = None
        self._first = self._last = self._step = 0

    def plan(self, step: int, total: int) -> None:
        """Choose the steps, before the next one."""
        skipped, recorded = window(total - step)
        self._first, self._last = step + skipped, step + skipped + recorded
        if not recorded:
            self._tell("no step is left to profile")
        elif recorded < RECORDED:
            self._tell(f"short training: the profile skips {skipped} and records {recorded} steps")
        self.progress(step)

    def watched(self, batches: Iterator[Batch | None]) -> Iterator[Batch | None]:
        """The same batches; waiting for one has a name in the trace."""
        with closing(batches):  # type: ignore[type-var]  # every loader returns a generator
            yield from self._meter.watched(_named(batches))

    @contextmanager
    def validating(self) -> Iterator[None]:
        """A validation among the recorded steps has a name, and is not in the share of waiting."""
        with self._meter.paused(), record_function(_VALIDATION):
            yield

    def progress(self, step: int) -> None:
        """So many steps are done: start, go on or stop."""
        self._step = step
        if step >= self._last:
            self.close()
        elif self._profile is not None:
            self._profile.step()
        elif step >= self._first:
            self._guarded(self._start)

    def close(self) -> None:
        """Write what was recorded; an interrupted training may have had fewer steps."""
        if self._profile is not None:
            recorded, self._profile = self._profile, None
            self._guarded(lambda: self._finish(recorded))

    def _start(self) -> None:
        activities = [ProfilerActivity.CPU]
        if self._device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        started = profile(
            activities=activities,
            schedule=lambda _: ProfilerAction.RECORD,  # so that steps have a name in the trace
            profile_memory=True,
            acc_events=True,  # torch 2.11 warns otherwise, of a second window that there is not
        )
        started.start()
        self._profile, self._first = started, self._step
        self._meter.read()

    def _finish(self, recorded: profile) -> None:
        measured = self._meter.read()
        recorded.stop()
        steps = self._step - self._first
        if not steps:
            self._tell("the training stopped before a whole step was profiled")
            return
        operators = _operators(recorded)
        summary = {
            "steps": steps,
            "after_step": self._first,
            "samples_per_second": measured["samples_per_second"],
            "data_wait": measured["data_wait"],
            "peak_memory": measured["peak_memory"],
            **{
                f"by_{key}": [asdict(one) for one in _largest(operators, key)]
                for key in _rankings(self._device)
            },
        }
        with atomic_path(self._folder / "trace.json") as path:
            recorded.export_chrome_trace(str(path))
        write_atomically(self._folder / "operators.csv", _csv(operators))
        write_atomically(self._folder / "summary.json", json.dumps(summary, indent=2) + "\n")
        self._tell(_text(summary, operators, self._device))
        self._tell(f"the whole profile: {self._folder} (trace.json opens in ui.perfetto.dev)")

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # the training is worth more than its profile
            self._last = 0
            self._tell(f"the profile failed ({type(error).__name__}: {error})")


def _named(batches: Iterator[Batch | None]) -> Iterator[Batch | None]:
    while True:
        with record_function(_WAIT):
            try:
                batch = next(batches)
            except StopIteration:
                return
        yield batch


def _operators(recorded: profile) -> list[Operator]:
    """Most self CPU time first."""
    found = [
        Operator(
            name=event.key,
            calls=event.count,
            self_cpu=event.self_cpu_time_total,
            cpu=event.cpu_time_total,
            self_device=event.self_device_time_total,
            device=event.device_time_total,
            self_cpu_memory=event.self_cpu_memory_usage,
            self_device_memory=event.self_device_memory_usage,
        )
        for event in recorded.key_averages()
        if not event.key.startswith(_NO_OPERATOR)
    ]
    return sorted(found, key=lambda one: (-one.self_cpu, one.name))


def _rankings(device: torch.device) -> Sequence[str]:
    if device.type == "cuda":
        return ("self_cpu", "self_device", "self_device_memory")
    return ("self_cpu", "self_cpu_memory")


def _largest(operators: Sequence[Operator], key: str) -> list[Operator]:
    ranked = sorted(operators, key=lambda one: -getattr(one, key))
    return [one for one in ranked[:SHOWN] if getattr(one, key) > 0]


def _csv(operators: Sequence[Operator]) -> str:
    stream = io.StringIO()
    names = list(Operator.__dataclass_fields__)
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in operators)
    return stream.getvalue()


_TITLES = {
    "self_cpu": "CPU time, without operators called",
    "self_device": "GPU time of its kernels",
    "self_cpu_memory": "memory allocated and kept",
    "self_device_memory": "GPU memory allocated and kept",
}


def _text(summary: dict[str, Any], operators: Sequence[Operator], device: torch.device) -> str:
    first, steps = summary["after_step"], summary["steps"]
    rate, wait = summary["samples_per_second"], summary["data_wait"]
    head = f"profile of steps {first + 1} to {first + steps}"
    lines = [
        f"{head}: {rate:.3g} samples/s while recorded, {wait:.0%} of the time waiting for data"
    ]
    for key in _rankings(device):
        whole = sum(max(getattr(one, key), 0) for one in operators)
        lines.append(f"  {_TITLES[key]}, a step")
        for one in _largest(operators, key):
            value = getattr(one, key)
            lines.append(
                f"    {_amount(key, value / steps):>12}  {value / whole:4.0%}  {one.name}"
                f" ({one.calls / steps:.3g} calls)"
            )
    return "\n".join(lines)


def _amount(key: str, value: float) -> str:
    return f"{value / _MIB:.3g} MiB" if key.endswith("memory") else f"{value / 1000:.3g} ms"
