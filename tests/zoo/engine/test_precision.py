"""Devices, precision and global settings."""

from __future__ import annotations

import pytest
import torch

from zoo.engine.precision import numerics, resolve_device, resolve_precision
from zoo.engine.signals import Signals
from zoo.errors import ConfigError, Interrupted

CPU = torch.device("cpu")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    assert resolve_device("cpu") == CPU
    with pytest.raises(ConfigError, match="no CUDA"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto", local_rank=1) == torch.device("cuda:1")
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigError, match="cuda:2"):
        resolve_device("cuda:2")


def test_precision() -> None:
    assert resolve_precision("auto", CPU).kind == "fp32"
    assert resolve_precision("bf16", CPU).scaler() is None
    assert resolve_precision("fp16", CPU).scaler() is not None
    with resolve_precision("fp16", CPU).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float16


def test_numerics_are_restored() -> None:
    threads = torch.get_num_threads()
    with numerics(CPU, 1):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads


def test_time_runs_out() -> None:
    with Signals(max_time=3600) as signals:
        assert not signals.stop
    with Signals(max_time=1e-9) as signals:
        assert signals.stop
        with pytest.raises(Interrupted, match="time was up"):
            signals.leave(3)
