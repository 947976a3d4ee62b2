from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.contract.table import Table
from zoo.export import Exported, export
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo_miniatures.light.codec import LightCodec
from zoo_miniatures.light.config import FlashesConfig, SirenConfig
from zoo_miniatures.light.learner import ShareLearner
from zoo_miniatures.light.models import networks
from zoo_miniatures.light.sources import Flashes


@pytest.fixture
def miniatures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry with three miniatures and one consumer, whatever is installed."""
    names = ("light", "gan", "points")
    points = [EntryPoint(f"mini-{n}", f"zoo_miniatures.{n}.plugin", "zoo.plugins") for n in names]
    monkeypatch.setattr("zoo.registry.entry_points", lambda **_: points)
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture
def samples() -> Table:
    keys = np.arange(1, 6, dtype=np.uint64)
    return Flashes(FlashesConfig()).simulate(keys, frozenset({"position"}))


@pytest.fixture
def siren(miniatures: None) -> NetworkPredictor:
    torch.manual_seed(0)
    config, facts = SirenConfig(), Flashes(FlashesConfig()).facts
    constants: dict[str, Any] = {"unused": np.arange(3.0)}
    codec = LightCodec(config, facts, constants)
    learner = ShareLearner(config, facts)
    return NetworkPredictor("mini-light/siren", networks(config, facts), learner, codec)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Exported]]:
    return tmp_path_factory.mktemp("exported"), {}


@pytest.fixture
def exported(
    siren: NetworkPredictor, samples: Table, _made: tuple[Path, dict[str, Exported]]
) -> Callable[[str], Exported]:
    """``siren`` in a format, made once for all tests, which must leave the files as they are."""
    folder, made = _made

    def of(format_name: str) -> Exported:
        if format_name not in made:
            out = folder / format_name
            made[format_name] = export(siren, format_name, out=out, samples=samples)
        return made[format_name]

    return of
