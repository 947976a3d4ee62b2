"""What tests of Wire-Cell's files share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def wct() -> ModuleType:
    """The module ``wct_files`` of the folder above."""
    path = Path(__file__).parent.parent / "wct_files.py"
    spec = importlib.util.spec_from_file_location("wct_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["wct_files"] = module
    spec.loader.exec_module(module)
    return module
