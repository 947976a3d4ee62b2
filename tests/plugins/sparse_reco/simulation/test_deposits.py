"""Steps in voxels, and what the detector does to their charge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo_sparse_reco.physics.deposits import (
    Detector,
    birks,
    electrons_per_mev,
    modified_box,
    pieces_of,
)
from zoo_sparse_reco.physics.walking import Steps

IDEAL: dict[str, Any] = {
    "recombination": "none",
    "field_kv_cm": 0.5,
    "lifetime_us": np.inf,
    "drift_cm_us": 0.16,
    "longitudinal_cm2_us": 0.0,
    "transverse_cm2_us": 0.0,
}


def steps(count: int, x_cm: float | None = None, loss: float = 2.1) -> Steps:
    rng = np.random.default_rng(2)
    start = rng.random((count, 3)) * 10 + 5
    if x_cm is not None:
        start[:, 0] = x_cm
    way = rng.normal(size=(count, 3))
    length = rng.random(count) * 0.15
    way *= (length / np.linalg.norm(way, axis=1))[:, None]
    keys = np.arange(count, dtype=np.uint64) << np.uint64(30)
    return Steps(np.arange(count), start, start + way, loss * length, length, keys)


def test_steps_are_cut_at_walls() -> None:
    """Against a thousand points of each step."""
    some = steps(60)
    pieces = pieces_of(some, 0.3, Detector(**IDEAL))
    assert pieces.energy.sum() == pytest.approx(some.deposit.sum())
    part = (np.arange(1000) + 0.5)[:, None, None] / 1000
    points = some.start + part * (some.end - some.start)
    for owner in range(60):
        own = pieces.owner == owner
        voxel, count = np.unique(np.floor(points[:, owner] / 0.3), axis=0, return_counts=True)
        found = {tuple(v): e for v, e in zip(pieces.voxel[own], pieces.energy[own], strict=True)}
        for place, number in zip(voxel.astype(int), count, strict=True):
            assert found[tuple(place)] / some.deposit[owner] == pytest.approx(
                number / 1000, abs=2e-3
            )


@pytest.mark.parametrize(
    ("model", "loss", "share"), [("birks", 2.1, 0.698), ("box", 2.1, 0.703), ("birks", 20.0, 0.334)]
)
def test_recombination_by_hand(model: str, loss: float, share: float) -> None:
    """Birks 0.8 / (1 + 0.0486 2.1 / 0.698) = 0.698; box ln(0.93 + 0.6228) / 0.6228 = 0.7066;
    about 0.70 of the charge of a minimum ionising particle escapes at 0.5 kV/cm."""
    found = {"birks": birks, "box": modified_box}[model](np.array([loss]), 0.5)
    assert found.item() == pytest.approx(share, abs=0.006)


def test_recorded_energy_is_that_of_a_minimum_ionising_particle() -> None:
    detector = Detector(**{**IDEAL, "recombination": "birks"})
    for loss, factor in ((2.1, 1.0), (20.0, 0.3343 / 0.698)):
        some = steps(40, loss=loss)
        found = pieces_of(some, 0.3, detector).energy.sum()
        assert found / some.deposit.sum() == pytest.approx(factor, rel=2e-3)
    assert electrons_per_mev("none", 0.5) == pytest.approx(42_373, rel=1e-4)
    assert electrons_per_mev("birks", 0.5) == pytest.approx(42_373 * 0.698, rel=1e-3)


def test_electrons_get_lost_on_the_way() -> None:
    """160 cm at 0.16 cm/us take 1 ms: a lifetime of 1 ms leaves 1 / e."""
    some = steps(40, x_cm=160.0)
    found = pieces_of(some, 0.3, Detector(**{**IDEAL, "lifetime_us": 1000.0}))
    assert found.energy.sum() / some.deposit.sum() == pytest.approx(np.exp(-1), rel=1e-6)


def test_diffusion_is_as_wide_as_its_constants() -> None:
    """sqrt(2 D t): 1 ms at 4 and 8.8 cm2/s gives 0.89 and 1.33 mm."""
    some = steps(4000, x_cm=160.0)
    detector = Detector(**{**IDEAL, "longitudinal_cm2_us": 4e-6, "transverse_cm2_us": 8.8e-6})
    pieces = pieces_of(some, 0.01, detector)
    assert pieces.energy.sum() == pytest.approx(some.deposit.sum())
    middle = (some.start + some.end)[pieces.owner] / 2
    width = ((pieces.voxel + 0.5) * 0.01 - middle).std(axis=0)
    # The step itself and the voxel are 0.03 cm wide at most.
    np.testing.assert_allclose(width, [0.0894, 0.1327, 0.1327], rtol=0.06)
