"""The figures show the numbers where they belong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Evaluation, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_calo.drawings.correlations import pearson
from zoo_calo.drawings.overlays import projections
from zoo_calo.drawings.styles import of_evaluations, shortened
from zoo_calo.fidelity.robust import mean90
from zoo_calo.figures import CaloFigures
from zoo_calo.metrics import PRIMARY, CaloMetrics
from zoo_calo.observables.hits import hits_of
from zoo_calo.specs import SAMPLE

ROLES = {"run": "model", "calo/gflash": "baseline", "calo/geant4": "oracle"}
CHANGES: dict[str, dict[str, float]] = {
    "run": {"response": 1.1},
    "calo/gflash": {"width_mm": 14.0},
    "calo/geant4": {},
}
COUNT = 120


@pytest.fixture(scope="module")
def made(toy: Callable[..., Table], toy_grid: Any) -> Any:
    """Samples, predictions, evaluations and drawings."""
    grid = toy_grid(cells=11)
    energy = np.repeat([2.0, 5.0], COUNT // 2)
    theta = np.random.default_rng(0).uniform(1.2, np.pi / 2, COUNT)
    true, metrics = toy(energy, 1, grid, theta=theta), CaloMetrics(grid.facts())
    predictions, evaluations = {}, {}
    for seed, (name, role) in enumerate(ROLES.items()):
        one = toy(energy, 10 + seed, grid, theta=theta, **CHANGES[name])
        one = one.select(frozenset({"cell", "deposit"})).with_columns({"id": true.ids})
        rows = metrics.measure(true, one).with_columns({"group": true.ids})
        metrics.bins = {}  # type: ignore[misc]  # figures read numbers of all rows alone
        numbers = numbers_of(Resampler(metrics, resamples=5), rows)
        predictions[name] = one
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
    evaluations["absent"] = Evaluation(
        model="absent", role="baseline", numbers=(), rows=None, unavailable="needs x"
    )
    few = np.arange(0, COUNT, 10)
    shown = {name: one.take(few) for name, one in predictions.items()}
    found = CaloFigures(grid.facts()).draw(evaluations, true.take(few), shown)
    drawings = {drawing.name: drawing for drawing in found}
    return grid, true, predictions, evaluations, drawings


def test_all_figures_are_there(made: Any) -> None:
    assert CaloFigures.needs <= set(SAMPLE)
    assert set(made[4]) == {
        *("js-distances", "observables", "observables-2-gev", "observables-5-gev", "occupancy"),
        *("linearity-and-width", "angle-response", "correlations", "core-scan", "overlays"),
        *("display-1", "display-12"),
    }


def test_numbers_are_columns_of_one_length(made: Any) -> None:
    assert next(iter(made[4]["core-scan"].data)) == "width [cells]"
    for one in made[4].values():
        assert len({len(column) for column in one.data.values()}) == 1
        assert one.caption.endswith(".")


def test_distances_are_those_of_the_numbers(made: Any) -> None:
    data, evaluation = made[4]["js-distances"].data, made[3]["run"]
    told = {n.number.name: n for n in evaluation.numbers if not n.column}
    assert data["run corrected"][-1] == told[PRIMARY].number.value
    assert data["run raw"][0] == pytest.approx(told["raw JS of visible energy"].number.value)
    assert data["run high"][1] == told["corrected JS of hits"].high
    assert data["calo/geant4 raw"][0] == pytest.approx(data["calo/geant4 floor"][0], rel=0.25)


def test_histograms_hold_all_showers_and_profiles_their_energy(made: Any) -> None:
    grid, true, *_, drawings = made
    data = drawings["observables"].data
    assert np.nansum(data["hits reference"]) == pytest.approx(1, abs=0.03)
    hits = hits_of(true, grid).above(grid.threshold_mev)
    assert np.nansum(data["layer reference"]) == pytest.approx(hits.energy.sum() / COUNT, rel=1e-4)
    occupied = drawings["occupancy"].data["occupancy [%] reference"]
    assert occupied.sum() == pytest.approx(1, abs=0.03)


def test_linearity_shows_the_factor(made: Any) -> None:
    data = made[4]["linearity-and-width"].data
    assert data["energy [GeV]"].tolist() == [2, 5]
    bias = data["run mean90, rms90: mean over reference - 1 [%]"]
    assert np.all(np.abs(bias - 10) < 6)
    assert not data["reference Gaussian: mean over reference - 1 [%]"].any()


def test_angles_show_the_response(made: Any) -> None:
    *_, evaluations, drawings = made
    data, rows = drawings["angle-response"].data, evaluations["run"].rows
    low, high = data["theta from [deg]"][0], data["theta to [deg]"][0]
    inside = (rows["theta"] >= low) & (rows["theta"] < high)
    response = rows["true_visible"][inside] / rows["energy"][inside]
    assert data["reference [MeV/GeV]"][0] == pytest.approx(mean90(response).mean, rel=1e-5)


def test_correlations_are_those_of_numpy(made: Any) -> None:
    reference, _ = of_evaluations(list(made[3].values()))
    found = pearson(reference)
    visible, hits = reference.columns["visible"], reference.columns["hits"]
    assert found[6, 8] == pytest.approx(np.corrcoef(visible, hits)[0, 1], rel=1e-5)
    np.testing.assert_allclose(np.diag(found), 1, rtol=1e-9)
    data = made[4]["correlations"].data
    np.testing.assert_allclose(data["reference"].reshape(12, 12), found)
    one_energy = pearson(reference.where(reference.energy == 2))
    assert np.isnan(one_energy[7]).all()  # the energy does not vary


def test_cores_hold_what_they_should(made: Any) -> None:
    data, rows = made[4]["core-scan"].data, made[3]["run"].rows
    assert data["width [cells]"].tolist() == [9]
    expected = 100 * rows["true_core_energy"].astype(np.float64).mean()
    assert data["reference visible energy [%]"][0] == pytest.approx(expected)
    assert data["calo/gflash (baseline) hits [%]"][0] < data["reference hits [%]"][0]


def test_projections_keep_the_energy(made: Any) -> None:
    grid, true, *_ = made
    hits = hits_of(true, grid).above(grid.threshold_mev)
    for energy, first, second in projections(hits):
        assert energy.sum() == pytest.approx(hits.energy.sum() / COUNT)
        assert energy.shape == (len(first) - 1, len(second) - 1)
    one = projections(hits, 3)[0][0]
    assert one.sum() == pytest.approx(hits.energy[hits.shower == 3].sum())
    side = projections(hits)[1][0].sum(1)
    layer = hits.table(hits.layer, grid.layers, hits.energy).mean(0)
    np.testing.assert_allclose(side, layer)


def test_long_names_are_cut_at_their_start() -> None:
    assert shortened("a/very/long/name@1200", 12) == "...name@1200"
    assert shortened("short", 12) == "short"
