"""The miniature plugins as the only ones that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
import torch

import zoo.registry
from zoo.registry import registry

# A process forked later has no autograd if the first gradient came after a pretended device: it
# must be now, while tests are collected (as for the tests of the engine).
torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack

MINIATURES = ("gan", "graph", "light", "points", "track")


@pytest.fixture(autouse=True)
def miniatures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trainings of these tests use ``mini-track`` and ``mini-gan``."""
    points = [
        EntryPoint(f"mini-{name}", f"zoo_miniatures.{name}.plugin", "zoo.plugins")
        for name in MINIATURES
    ]
    monkeypatch.setattr(zoo.registry, "entry_points", lambda **_: points)
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    registry.cache_clear()
    yield
    registry.cache_clear()
