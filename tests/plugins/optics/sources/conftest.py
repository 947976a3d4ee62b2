"""What tests of files of light share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def light() -> ModuleType:
    """The module ``light_files`` of this folder."""
    path = Path(__file__).parent / "light_files.py"
    spec = importlib.util.spec_from_file_location("light_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["light_files"] = module
    spec.loader.exec_module(module)
    return module
