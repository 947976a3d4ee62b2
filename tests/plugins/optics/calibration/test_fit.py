"""Yields and shifts: against closed forms, and from data of a box whose light is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Predictor, Table
from zoo_optics.calibration.fit import Calibration, calibrate
from zoo_optics.calibration.frozen import FrozenLight, parts_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

FIELDS = frozenset({"position", "photons", "charge", "alive"})
SHIFT = (1.5, -2.0, 1.7)  # 3 cm


class Known(Predictor):
    """The light of a box without faults, as the simulation has it: a model without a bias."""

    needs: frozenset[str] = frozenset({"position", "photons"})

    def __init__(self, **settings: Any) -> None:
        self.box = LarBox(LarBoxConfig.model_validate(settings))

    def predict(self, samples: Table, keys: Any = None) -> Table:
        seen = self.box.visibility(samples["position"].astype(np.float64))
        return Table({"id": samples.ids, "charge": seen * samples["photons"][:, None]})


def data(flashes: int, first: int = 0, *, faults: Any = None, **settings: Any) -> Table:
    faults = {"yield_rms": 0.15, "position_error_cm": [-x for x in SHIFT]} | (faults or {})
    source = LarBox(LarBoxConfig.model_validate({"faults": faults, "margin_cm": 10, **settings}))
    fields = FIELDS if faults.get("dead") else FIELDS - {"alive"}
    return source.simulate(np.arange(first, first + flashes, dtype=np.uint64), fields)


def true_yields(**faults: Any) -> Any:
    return LarBox(
        LarBoxConfig.model_validate({"faults": {"yield_rms": 0.15, **faults}})
    ).faults.yields


def test_yields_alone_are_charge_over_light() -> None:
    """At a place that is right: the closed form, and its error ``1 / sqrt(charge)``."""
    table = data(20, faults={"position_error_cm": [0, 0, 0]})
    found = calibrate(FrozenLight(Known(), 60), table, free_offset=False)
    charge = table["charge"].sum(0, dtype=np.float64)
    light = Known().predict(table)["charge"].sum(0)
    np.testing.assert_allclose(found.yields, charge / light, rtol=1e-5)
    np.testing.assert_allclose(found.errors, 1 / np.sqrt(charge), rtol=1e-9)
    assert not found.offset_cm.any()
    assert found.converged
    assert found.steps == 0
    pull = (np.log(found.yields / true_yields())) / found.errors
    assert np.mean(pull**2) == pytest.approx(1, abs=4 * np.sqrt(2 / 60))
    assert found.excess == pytest.approx(1, abs=0.1)


def test_errors_are_those_of_the_whole_information_matrix() -> None:
    """All 63 parameters at once, by second differences of log L: no Schur complement."""
    table = data(25, photons=(100_000, 100_000))
    light = FrozenLight(Known(), 60)
    found = calibrate(light, table)
    shift = found.offset_cm
    (part,) = parts_of(table)
    seen, slope = light.with_slopes(part.position_cm + shift)
    mean = part.photons[:, None] * seen * found.yields
    whole = np.zeros((63, 63))
    whole[:60, :60] = np.diag(mean.sum(0))
    whole[:60, 60:] = np.einsum("ns,nsi->si", mean, slope)
    whole[60:, :60] = whole[:60, 60:].T
    whole[60:, 60:] = np.einsum("ns,nsi,nsj->ij", mean, slope, slope)
    covariance = np.linalg.inv(whole)
    np.testing.assert_allclose(found.errors, np.sqrt(np.diag(covariance)[:60]), rtol=1e-4)
    np.testing.assert_allclose(found.offset_covariance, covariance[60:, 60:], rtol=1e-3, atol=1e-9)

    def score(place: Any) -> Any:
        v, g = light.with_slopes(part.position_cm + place)
        expected = part.photons[:, None] * v * found.yields
        return np.einsum("ns,nsi->i", part.charge - expected, g)

    # At the maximum nothing pulls, in units of the errors.
    left = score(shift) @ found.offset_covariance @ score(shift)
    assert left < 0.01


def test_yields_and_a_shift_of_3_cm_are_found_with_their_errors() -> None:
    """Many small data sets: pulls of all are normal deviates; a sixth of the sensors is dead."""
    off, scattered, yields = [], [], []
    dead = {"dead": 0.17}
    true, alive = (
        true_yields(**dead),
        LarBox(LarBoxConfig.model_validate({"faults": dead})).faults.alive,
    )
    light = FrozenLight(Known(), 60)
    for number in range(20):
        table = data(60, 100 * number, faults=dead, photons=(50_000, 50_000))
        found = calibrate(light, table)
        assert found.converged
        assert np.isnan(found.yields[~alive]).all()
        off.append((found.offset_cm - SHIFT) / np.sqrt(np.diag(found.offset_covariance)))
        scattered.append((found.offset_cm - SHIFT) / np.sqrt(np.diag(found.offset_scatter)))
        logs = np.log(found.yields[alive] / true[alive])
        yields.append([logs / found.errors[alive], logs / found.scatter[alive]])
    for values in (np.array(off), np.array(scattered)):
        assert np.mean(values**2) == pytest.approx(1, abs=4 * np.sqrt(2 / 60))
        np.testing.assert_allclose(values.mean(0), 0, atol=4 / np.sqrt(20))
    for values in np.moveaxis(np.array(yields), 1, 0):
        # Sensors of one data set share its shift, so that fewer of them are independent.
        assert np.mean(values**2) == pytest.approx(1, abs=0.15)
    assert true[alive].std() > 0.1


def test_a_shift_alone() -> None:
    table = data(40, faults={"yield_rms": 0.0})
    both = calibrate(FrozenLight(Known(), 60), table)
    alone = calibrate(FrozenLight(Known(), 60), table, free_yields=False)
    np.testing.assert_array_equal(alone.yields, 1)
    assert not alone.errors.any()
    off = (alone.offset_cm - SHIFT) / np.sqrt(np.diag(alone.offset_covariance))
    assert np.abs(off).max() < 4
    assert (np.diag(alone.offset_covariance) < np.diag(both.offset_covariance)).all()


def test_errors_by_scatter_know_a_wrong_model() -> None:
    """A model without attenuation: counting says nothing of it, the scatter of the flashes does."""
    wrong = FrozenLight(Known(attenuation_cm=400.0), 60)
    table = data(100, faults={"yield_rms": 0.0})
    found = calibrate(wrong, table)
    assert found.excess > 5
    assert np.median(found.scatter / found.errors) > 1.5
    right = calibrate(FrozenLight(Known(), 60), table)
    assert np.median(right.scatter / right.errors) == pytest.approx(1, abs=0.1)
    assert right.excess == pytest.approx(1, abs=0.05)


def test_one_place_cannot_tell_a_shift_from_yields() -> None:
    table = data(5)
    same = table.with_columns({"position": np.tile(table["position"][:1], (5, 1))})
    with pytest.raises(DataError, match="do not tell a shift of the light from yields"):
        calibrate(FrozenLight(Known(), 60), same)
    found: Calibration = calibrate(FrozenLight(Known(), 60), same, free_yields=False)
    assert found.offset_covariance.any()


def test_no_charge_is_refused() -> None:
    table = data(3)
    empty = table.with_columns({"charge": np.zeros_like(table["charge"])})
    with pytest.raises(DataError, match="no sensor has charge"):
        calibrate(FrozenLight(Known(), 60), empty)


def test_a_model_of_other_sensors_is_refused() -> None:
    with pytest.raises(DataError, match=r"answers of shape \(3, 15\) for 60 sensors"):
        calibrate(FrozenLight(Known(rows=3, columns=5), 60), data(3))
