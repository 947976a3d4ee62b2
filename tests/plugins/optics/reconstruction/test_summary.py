"""Distances and pulls of numbers whose summary is known."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_optics.reconstruction.summary import degrees_between, pulls, spread, summarise


def test_spread() -> None:
    assert spread(list(range(101))) == {"median": 50, "68 %": pytest.approx(68)}


def test_pulls_of_normal_numbers() -> None:
    rng = np.random.default_rng(1)
    error = 1 + rng.random(4000)
    found = pulls(5 + error * (0.5 + 2 * rng.standard_normal(4000)), np.full(4000, 5.0), error)
    assert found["mean"] == pytest.approx(0.5, abs=4 * found["mean error"])
    assert found["width"] == pytest.approx(2, abs=4 * found["width error"])
    assert found["width error"] == pytest.approx(2 / np.sqrt(8000), rel=0.05)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 90.0, 179.9999])
def test_angles(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    other = 3 * np.array([np.cos(angle), np.sin(angle), 0])
    assert degrees_between(np.array([1.0, 0, 0]), other) == pytest.approx(degrees, abs=1e-9)


def test_events_without_truth_have_no_distance() -> None:
    event = {"seconds": 2.0, "cpu_seconds": 1.5, "converged": True, "a": 1.0}
    told = summarise([event], {"off": "cm"}, ("a",))
    assert told["events"] == told["converged"] == 1
    assert "off" not in told
    assert told["pulls"] == {}
    assert told["seconds"] == {"mean": 2.0, "largest": 2.0}
    assert told["cpu_seconds"]["mean"] == 1.5
