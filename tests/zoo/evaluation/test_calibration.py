"""Intervals of null experiments cover what they promise; the script does many more of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXPERIMENTS = 200
# Binomial: 3.5 sqrt(0.95 * 0.05 / 200) = 0.054.
SLACK = 0.054


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    path = Path(__file__).with_name("calibration.py")
    spec = importlib.util.spec_from_file_location("calibration", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("events", "trainings", "spread"), [(66, 1, 0.0), (40, 3, 1.0)])
def test_null_experiments_are_covered(
    calibration: ModuleType, events: int, trainings: int, spread: float
):
    case = calibration.Case(events, trainings=trainings, spread=spread)
    covered = calibration.run(case, EXPERIMENTS, 100)
    assert covered.number / EXPERIMENTS == pytest.approx(0.95, abs=SLACK)
    assert covered.difference / EXPERIMENTS == pytest.approx(0.95, abs=SLACK)
    assert covered.better_or_worse == EXPERIMENTS - covered.difference


def test_events_alone_would_not_cover_what_trainings_spread(calibration: ModuleType):
    # One training of three: its offset is 3 errors wide, and its interval knows nothing of that.
    case = calibration.Case(66, trainings=1, spread=3.0)
    assert calibration.run(case, 60, 100).number < 45
