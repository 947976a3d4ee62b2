"""The source gflash: keys, fields, ranges, grids, variations, refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import ConfigError, Table
from zoo_calo.physics.grid import grid_of
from zoo_calo.physics.showers import dense
from zoo_calo.sources.config import GflashConfig
from zoo_calo.sources.gflash import Gflash
from zoo_calo.sources.readout import VARIATIONS
from zoo_calo.specs import SAMPLE

ALL = frozenset(SAMPLE)
KEYS = np.arange(40, 64, dtype=np.uint64)


def source(**settings: Any) -> Gflash:
    return Gflash(GflashConfig.model_validate({"energy_gev": [1, 10], **settings}))


def same(one: Table, other: Table) -> None:
    assert set(one) == set(other)
    for name in one:
        a, b = one[name], other[name]
        if name in SAMPLE and SAMPLE[name].ragged:
            assert np.array_equal(a.offsets, b.offsets), name
            a, b = a.values, b.values
        assert np.array_equal(a, b), name


def test_a_sample_is_its_key_alone_whatever_is_asked_for() -> None:
    table = source().simulate(KEYS, ALL)
    same(table.take([17, 3, 20]), source().simulate(KEYS[[17, 3, 20]], ALL))
    for fields in (frozenset({"energy"}), frozenset({"cell"}), frozenset({"outside", "theta"})):
        part = source().simulate(KEYS, fields)
        assert set(part) == fields | {"id"}
        same(part, table.select(fields))


def test_dtypes_and_bounds_are_those_of_the_specs() -> None:
    table = source().simulate(KEYS, ALL)
    assert set(table) == ALL | {"id"}
    for name, field in SAMPLE.items():
        values = table[name].values if field.ragged else table[name]
        assert values.dtype == field.dtype, name
        assert values.min() >= (field.minimum or 0), name
    assert np.array_equal(table["cell"].offsets, table["deposit"].offsets)
    rising = np.diff(table["cell"].values) > 0
    assert rising[np.setdiff1d(np.arange(len(rising)), table["cell"].offsets[1:-1] - 1)].all()


def test_energies_and_angles_of_the_ranges() -> None:
    keys = np.arange(4000, dtype=np.uint64)
    fields = frozenset({"energy", "theta"})
    table = source(theta_deg=[30, 90]).simulate(keys, fields)
    assert table["energy"].min() >= 1
    assert table["energy"].max() <= 10
    assert np.median(table["energy"]) == pytest.approx(5.5, abs=0.2)
    assert np.median(np.degrees(table["theta"])) == pytest.approx(60, abs=1.5)
    logs = source(spectrum="log-uniform").simulate(keys, fields)["energy"]
    assert np.median(logs) == pytest.approx(np.sqrt(10), rel=0.05)
    fixed = source(energies_gev=[2, 5, 8]).simulate(keys, fields)["energy"]
    assert np.unique(fixed).tolist() == [2, 5, 8]
    assert np.bincount(fixed.astype(int))[[2, 5, 8]] == pytest.approx(4000 / 3, rel=0.1)


def test_pooling_is_the_sum_of_neighbouring_cells() -> None:
    fine, coarse = source(), source(pool=3)
    one, other = fine.simulate(KEYS, ALL), coarse.simulate(KEYS, ALL)
    assert coarse.grid.shape == (30, 10, 10)
    cells = dense(one["cell"], one["deposit"], fine.grid.cells).reshape(-1, 30, 30, 30)
    sums = dense(other["cell"], other["deposit"], coarse.grid.cells).reshape(-1, 30, 10, 10)
    # Coarse cell n holds fine ones 3 n - 1 to 3 n + 1: the particle is in the middle of both.
    middle = cells[:, :, 14:17, 14:17].sum((2, 3))
    assert sums[:, :, 5, 5] == pytest.approx(middle, rel=1e-4, abs=1e-5)


def test_cropped_cells_are_those_of_the_whole_and_the_rest_is_outside() -> None:
    whole, core = source(), source(cells=[10, 10])
    one, other = whole.simulate(KEYS, ALL), core.simulate(KEYS, ALL)
    cells = dense(one["cell"], one["deposit"], whole.grid.cells).reshape(-1, 30, 30, 30)
    kept = dense(other["cell"], other["deposit"], core.grid.cells).reshape(-1, 30, 10, 10)
    assert np.array_equal(kept, cells[:, :, 10:20, 10:20])
    seen = cells.sum((1, 2, 3)) + one["outside"]
    assert kept.sum((1, 2, 3)) + other["outside"] == pytest.approx(seen, rel=1e-5)


def test_thresholds_noise_and_calibration() -> None:
    bare = source().simulate(KEYS, ALL)
    cut = source(threshold_mip=0.5).simulate(KEYS, ALL)
    assert cut["deposit"].values.min() >= 0.1
    assert len(cut["cell"].values) == (bare["deposit"].values >= 0.1).sum()
    scaled = source(response=0.9).simulate(KEYS, ALL)
    assert scaled["deposit"].values == pytest.approx(0.9 * bare["deposit"].values)
    noisy = source(noise_mip=0.1, threshold_mip=0.5).simulate(KEYS, ALL)
    assert noisy["deposit"].values.min() >= 0.1
    # Five sigma of noise alone: 3e-7 of 27,000 cells.
    assert abs(len(noisy["cell"].values) / len(cut["cell"].values) - 1) < 0.05
    assert not np.array_equal(noisy["deposit"].values, cut["deposit"].values)
    same(noisy.take([5]), source(noise_mip=0.1, threshold_mip=0.5).simulate(KEYS[[5]], ALL))


@pytest.mark.parametrize("name", sorted(VARIATIONS))
def test_variations_change_the_showers_of_the_same_particles(name: str) -> None:
    nominal, varied = source(), source(**VARIATIONS[name])
    one, other = nominal.simulate(KEYS, ALL), varied.simulate(KEYS, ALL)
    assert np.array_equal(one["energy"], other["energy"])
    assert not np.array_equal(one["deposit"].values, other["deposit"].values)
    assert nominal.facts == varied.facts  # the detector that one believes in


def test_thicker_absorber_shortens_showers() -> None:
    keys = np.arange(300, dtype=np.uint64)
    middle = {}
    for absorber in (1.0, 1.1):
        of = source(energies_gev=[10], absorber=absorber)
        table = of.simulate(keys, ALL)
        layer = of.grid.layer[table["cell"].values]
        middle[absorber] = np.average(layer, weights=table["deposit"].values)
    assert middle[1.1] < middle[1.0] - 0.5


def test_facts_are_json_and_give_the_grid_back() -> None:
    for settings in ({}, {"detector": "calochallenge", "particle": "e-"}, {"pool": 3}):
        of = source(**settings)
        facts = json.loads(json.dumps(of.facts))
        assert grid_of(facts) == of.grid
        assert facts["particle"] == of.config.particle
        assert "not Geant4" in facts["note"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"energy_gev": [10, 1]}, "energy_gev must be least, largest"),
        ({"theta_deg": [5, 90]}, "greater than or equal to 15"),
        ({"noise_mip": 0.5}, "fills every cell"),
        ({"particle": "mu-"}, "'gamma', 'e-' or 'pi\\+'"),
        ({"energies_gev": [0]}, "greater than or equal to 0.1"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        source(**settings)


def test_no_such_detector_or_cells() -> None:
    with pytest.raises(ConfigError, match="not a calorimeter"):
        source(detector="nothing")
    with pytest.raises(ConfigError, match="of 30 x 30"):
        source(cells=[31, 10])
