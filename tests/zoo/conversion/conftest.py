"""A foreign checkpoint of the pad network of mini-track, in the names of another program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from zoo_miniatures.track.checkpoints import NAMES
from zoo_miniatures.track.models import PadNet


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    """Parameters of a pad network of width 3 under the other program's names."""
    torch.manual_seed(4)
    held = PadNet(3).state_dict()
    return {theirs: held[f"body.{ours}"] for ours, theirs in NAMES.items()}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """``save(content, name)`` with torch."""

    def write(content: Any, name: str = "foreign.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write
