"""A small tank, and data of it from the photon Monte Carlo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.data.simulate import simulate_file
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig
from zoo_optics.specs import SAMPLE

TANK = {
    "radius_cm": 150.0,
    "half_height_cm": 150.0,
    "rows": 12,
    "columns": 30,
    "rings": (26, 20, 14, 8, 1),
}
Simulated = Callable[..., Path]


def _source(**options: Any) -> Cherenkov:
    chosen = {"tank": TANK, "surfaces": {"efficiency": 0.3}, "dark_khz": 5.0} | options
    return Cherenkov(CherenkovConfig.model_validate(chosen))


@pytest.fixture(scope="session")
def source() -> Callable[..., Cherenkov]:
    """The small tank with 498 sensors of 30 % efficiency; options replace settings."""
    return _source


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Files of it: ``simulated(name, events, seed, **options)``."""
    folder = tmp_path_factory.mktemp("optics")

    def make(name: str, events: int, seed: int, **options: Any) -> Path:
        path = folder / f"{name}.h5"
        if not path.exists():
            simulate_file(
                _source(**options),
                SAMPLE,
                path,
                task="optics",
                seed=seed,
                events=events,
                about={"events": events, "seed": seed},
            )
        return path

    return make
