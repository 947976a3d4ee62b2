"""The measurement of memory: what its formula says of the talk, and that it counts tensors."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

MEASURED: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("memory.py")))


def test_the_broadcast_explains_the_memory_of_the_talk() -> None:
    """Observed values: slides of the OpticSiren talk of 21 March 2024, with 9946 sensors."""
    for name, observed, formula in MEASURED["talk"]():
        assert formula == pytest.approx(observed, rel=0.055), name
    wide, narrow = (formula for name, _, formula in MEASURED["talk"]() if "2 U + A" in name)
    assert narrow / wide == pytest.approx(7735 / 7881, abs=0.001)  # half of the width saves 2 %


def test_the_most_that_tensors_hold_is_counted() -> None:
    def step() -> None:
        first = torch.ones(1 << 20)  # 4 MiB
        second = first + 1
        del first
        assert (second * 2).sum() > 0  # again two at a time

    assert MEASURED["tensors"](step) == pytest.approx(8 * 2**20, rel=1e-3)
