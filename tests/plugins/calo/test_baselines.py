"""Rows without a network: fits of free constants, and showers drawn again."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Table
from zoo_calo.baselines import AnotherShower, GflashShowers
from zoo_calo.baselines_config import AnotherShowerConfig, GflashShowersConfig
from zoo_calo.physics.response_fit import width90
from zoo_calo.sources.config import GflashConfig
from zoo_calo.sources.gflash import Gflash

FIELDS = frozenset({"energy", "theta", "cell", "deposit"})


def source(**settings: Any) -> Gflash:
    return Gflash(GflashConfig.model_validate({"energy_gev": [2, 10], "pool": 3, **settings}))


@cache
def samples(first: int, count: int) -> Table:
    keys = np.arange(first, first + count, dtype=np.uint64)
    return source().simulate(keys, FIELDS)


def baseline(**settings: Any) -> GflashShowers:
    return GflashShowers(GflashShowersConfig(**settings), source().facts)


def test_showers_depend_on_energy_and_key_alone() -> None:
    table = samples(0, 30)
    one = baseline().predict(table)
    assert np.array_equal(one.ids, table.ids)
    other = baseline().predict(table.take([20, 7]))
    for name in ("cell", "deposit"):
        assert np.array_equal(one.take([20, 7])[name].values, other[name].values)
        assert one[name].values.dtype == ("int32" if name == "cell" else "float32")
    keys = np.arange(30, dtype=np.uint64)
    assert not np.array_equal(baseline().predict(table, keys)["cell"].values, one["cell"].values)


def test_the_fit_finds_a_detector_that_differs() -> None:
    truth = baseline()
    nominal = truth.parametrisation.matter.response
    truth.parametrisation = truth.parametrisation.with_response(
        replace(nominal, e_over_mip=1.2 * nominal.e_over_mip, core=1.3 * nominal.core,
                tail=1.3 * nominal.tail, spot=1.2, clump_mev=0.8)
    )  # fmt: skip
    table = samples(0, 500)
    seen = truth.predict(table, np.arange(500, dtype=np.uint64))
    training = Table(
        {"id": table.ids, "energy": table["energy"], **{n: seen[n] for n in seen if n != "id"}}
    )
    fit = baseline(showers=500, passes=4)
    fit.fit([training.take(np.arange(200)), training.take(np.arange(200, 500))])
    made = fit.predict(table, np.arange(1000, 1500, dtype=np.uint64))

    def numbers(of: Table) -> list[float]:
        deposit, cell = of["deposit"].values, of["cell"].values
        grid = fit.parametrisation.grid
        radius = np.hypot(grid.x_mm, grid.y_mm)[cell]
        layer = np.average(grid.layer[cell], weights=deposit)
        return [deposit.sum(), np.average(radius, weights=deposit), (deposit > 0.1).sum(), layer]

    assert numbers(made) == pytest.approx(numbers(seen), rel=0.04)
    # Without the fit it is a sixth low.
    assert numbers(baseline().predict(table))[0] < 0.9 * numbers(seen)[0]
    assert fit.parametrisation.matter.response.clump_mev > 0.4


def test_the_fit_does_not_depend_on_the_order_of_tables() -> None:
    table = samples(0, 120)
    fits = []
    for order in (np.arange(120), np.arange(120)[::-1]):
        fit = baseline(showers=60, passes=1)
        fit.fit([table.take(order[:50]), table.take(order[50:])])
        fits.append(fit.parametrisation.matter.response)
    assert fits[0] == fits[1]


def test_width90_of_a_normal_distribution() -> None:
    values = np.random.default_rng(1).standard_normal(200_000)
    # Between -1.6449 and 1.6449: variance 1 - 2 * 1.6449 phi(1.6449) / 0.9.
    phi = np.exp(-(1.6449**2) / 2) / np.sqrt(2 * np.pi)
    assert width90(values) == pytest.approx(np.sqrt(1 - 2 * 1.6449 * phi / 0.9), rel=0.01)


def test_what_cannot_be_parametrised_is_refused() -> None:
    facts = dict(source().facts)
    with pytest.raises(ConfigError, match="showers of kaon"):
        GflashShowers(GflashShowersConfig(), {**facts, "particle": "kaon"})
    with pytest.raises(ConfigError, match="needs the detector's plates"):
        GflashShowers(GflashShowersConfig(), {**facts, "detector": "unknown"})
    with pytest.raises(ConfigError, match="has 48 layers, the grid of the data 30"):
        GflashShowers(GflashShowersConfig(detector="ahcal"), facts)
    with pytest.raises(DataError, match="no grid of cells"):
        GflashShowers(GflashShowersConfig(), {})
    with pytest.raises(DataError, match="no training sample"):
        baseline().fit([])


def test_angles_are_read_where_there_are_several() -> None:
    assert baseline().needs == {"energy"}
    assert baseline(angles=True).needs == {"energy", "theta"}
    angled = source(detector="ild-ecal-angled", theta_deg=[30, 90], pool=1)
    assert GflashShowers(GflashShowersConfig(), angled.facts).needs == {"energy", "theta"}


def oracle(training: Table, **settings: Any) -> AnotherShower:
    one = AnotherShower(AnotherShowerConfig(**settings), source().facts)
    one.fit([training.take(np.arange(100)), training.take(np.arange(100, training.rows))])
    return one


def test_another_shower_has_nearly_the_energy_and_comes_from_the_training() -> None:
    training, table = samples(1000, 400), samples(0, 50)
    found = oracle(training, within=2.0, choice=1).predict(table)
    starts = {bytes(training.take([at])["cell"].values): at for at in range(400)}
    rows = [starts[bytes(found.take([at])["cell"].values)] for at in range(50)]
    assert len(set(rows)) >= 48  # twice only where there is no other
    off = np.log(training["energy"][rows] / table["energy"])
    within = np.abs(off) < 0.02
    assert within.sum() >= 48  # 400 showers over 8 GeV: hardly a sample is without one
    nearest = np.abs(np.log(training["energy"][:, None] / table["energy"])).min(0)
    np.testing.assert_allclose(np.abs(off)[~within], nearest[~within], rtol=1e-4)


def test_where_few_are_alike_more_are_drawn_from_and_scaled() -> None:
    training = samples(1000, 400)
    table = source(energies_gev=[5.0]).simulate(np.arange(60, dtype=np.uint64), FIELDS)
    found = oracle(training).predict(table)
    starts = {bytes(training.take([at])["cell"].values): at for at in range(400)}
    rows = [starts[bytes(found.take([at])["cell"].values)] for at in range(60)]
    off = training["energy"][rows] / 5.0
    assert np.all(np.abs(np.log(off)) <= 0.1)
    assert np.abs(np.log(off)).max() > 0.05  # far beyond those within half a per cent
    reached = np.abs(np.log(training["energy"] / 5.0)) <= 0.1
    assert len(set(rows)) == min(60, reached.sum())
    for at, row in enumerate(rows):
        one = training.take([row])["deposit"].values
        np.testing.assert_allclose(found["deposit"][at] * off[at], one, rtol=1e-5)


def test_another_shower_is_chosen_by_key() -> None:
    training, table = samples(1000, 400), samples(0, 20)
    keys = np.arange(20, dtype=np.uint64)
    drawn = oracle(training)
    one, again, other = drawn.predict(table, keys), drawn.predict(table, keys), drawn.predict(table)
    assert np.array_equal(one["cell"].values, again["cell"].values)
    assert not np.array_equal(one["cell"].values, other["cell"].values)


def test_few_training_showers_come_back() -> None:
    training = samples(1000, 110).take(np.arange(100, 110))
    drawn = AnotherShower(AnotherShowerConfig(), source().facts)
    drawn.fit([training])
    assert drawn.predict(samples(0, 30)).rows == 30


def test_another_shower_needs_training_showers() -> None:
    drawn = AnotherShower(AnotherShowerConfig(), source().facts)
    with pytest.raises(DataError, match="no training showers"):
        drawn.predict(samples(0, 5))
    with pytest.raises(DataError, match="no training sample"):
        drawn.fit([])
