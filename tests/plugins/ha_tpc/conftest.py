"""What tests of this plugin share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from zoo_ha_tpc.physics.pad_plane import PadPlane, read_plane


@pytest.fixture(scope="session")
def spread_charge() -> ModuleType:
    """The module ``spread_charge`` of the folder `fitting`."""
    path = Path(__file__).parent / "fitting" / "spread_charge.py"
    spec = importlib.util.spec_from_file_location("spread_charge", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def plane() -> PadPlane:
    return read_plane("ha-tpc")
