"""The stub cluster, and one small training for it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import zoo.registry
from zoo.registry import registry


@pytest.fixture(scope="session")
def slurm() -> ModuleType:
    """``cluster.py`` beside this file; tests are no package."""
    path = Path(__file__).parent / "cluster.py"
    spec = importlib.util.spec_from_file_location("stub_cluster", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cluster(slurm: ModuleType, tmp_path: Path) -> Any:
    return slurm.Cluster(tmp_path)


@pytest.fixture(autouse=True)
def miniature(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``mini-track`` is installed, and the environment sets nothing of ours."""
    point = EntryPoint("mini-track", "zoo_miniatures.track.plugin", "zoo.plugins")
    monkeypatch.setattr(zoo.registry, "entry_points", lambda **_: [point])
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    registry.cache_clear()
    yield
    registry.cache_clear()
