"""Baselines on events drawn by hand, and the parts that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.baselines import LocalDedx, PlaneAgreement, TrueLabels, TruePoints
from zoo_sparse_reco.baselines_config import (
    LocalDedxConfig,
    PlaneAgreementConfig,
    TrueLabelsConfig,
)
from zoo_sparse_reco.classical import deghosting, pieces, surroundings
from zoo_sparse_reco.classical.deghosting import Deghosting, best_fitted
from zoo_sparse_reco.classical.ends import ends_of
from zoo_sparse_reco.classical.pieces import pieces_of, without_crumbs
from zoo_sparse_reco.classical.tables import LikelihoodTables
from zoo_sparse_reco.classical.wires import solved_share
from zoo_sparse_reco.metrics import EventMetrics
from zoo_sparse_reco.specs import PREDICTION

NAMES = ("shower", "track", "michel", "delta", "low-energy")
UP = np.array([0, 1, 0])
LINE = np.stack([np.arange(40), np.zeros(40), np.zeros(40)], axis=1)


def numbers(facts: Mapping[str, Any], samples: Table, predictions: Table) -> dict[str, float]:
    metrics = EventMetrics(facts)
    return {one.name: one.value for one in metrics.summarise(metrics.measure(samples, predictions))}


def without_ghosts(samples: Table) -> Table:
    """The same events with the voxels that are no ghosts."""
    kept = samples["semantic"].values < 5
    event = np.repeat(np.arange(samples.rows), samples["semantic"].lengths)[kept]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=samples.rows))])
    of_voxels = samples["semantic"].lengths
    return samples.with_columns(
        {
            name: Ragged(samples[name].values[kept], offsets)
            for name in samples
            if isinstance(samples[name], Ragged)
            and np.array_equal(samples[name].lengths, of_voxels)
        }
    )


@pytest.fixture(scope="module")
def clean(drawn_events: Table) -> Table:
    return without_ghosts(drawn_events)


def test_surroundings_of_a_line() -> None:
    """In the middle: straight, 1 MeV per voxel, moment (n^2 - 1) / 12 of n voxels in a row."""
    found = surroundings.surroundings(LINE, np.ones(40))
    told = dict(zip(surroundings.COLUMNS, found[20], strict=True))
    count = 25  # within 12 voxels to either side
    expected = 1 - np.sqrt((1 / 12) / ((count**2 - 1) / 12 + 1 / 12))
    assert told["line_far"] == pytest.approx(expected)
    assert told["count_far"] == pytest.approx(np.log(25))
    assert told["energy_far"] == pytest.approx(0)
    assert told["dedx_near"] == pytest.approx(np.log(11 / (np.sqrt(11**2 - 1) + 1)))
    assert told["off_axis"] == pytest.approx(0, abs=1e-6)
    assert told["aligned"] == pytest.approx(1)
    assert told["piece_size"] == told["cut_size"] == pytest.approx(np.log(40))
    assert told["rise"] == pytest.approx(found[:, 2].max() - told["dedx_near"], abs=0.2)


def test_a_hot_stretch_cuts_a_piece_in_two() -> None:
    energy = np.ones(40)
    energy[18:22] = 9.0
    size = surroundings.surroundings(LINE, energy)[:, surroundings.COLUMNS.index("cut_size")]
    assert size[0] == size[10] == pytest.approx(np.log(14), abs=0.2)
    assert size[39] < np.log(20)


def test_surroundings_of_nothing() -> None:
    columns = len(surroundings.COLUMNS)
    assert surroundings.surroundings(np.zeros((0, 3)), np.zeros(0)).shape == (0, columns)
    assert np.isfinite(surroundings.surroundings(np.zeros((1, 3)), np.ones(1))).all()


def test_a_michel_touches_the_end_and_a_delta_the_middle() -> None:
    michel = np.array([[40, y, 0] for y in range(1, 6)])
    delta = np.array([[20, y, 0] for y in range(1, 4)])
    blip = np.array([[5, 30, 0]])
    place = np.concatenate([LINE, michel, delta, blip])
    energy = np.where(place[:, 0] > 36, 3.0, 1.0)
    found = pieces_of(place, energy, np.arange(len(place)) < 40)
    table = {
        name: column[found.of_voxel[[40, 45, 48]]]
        for name, column in zip(pieces.COLUMNS, found.columns.T, strict=True)
    }
    np.testing.assert_allclose(table["energy"], np.log([15, 3, 1]))
    np.testing.assert_allclose(table["gap"], [np.sqrt(2), 1, 30])
    assert table["one_sided"][0] == pytest.approx(1)
    assert table["one_sided"][1] == pytest.approx(0, abs=1e-9)
    assert table["bragg"][0] > table["bragg"][1] == pytest.approx(0)
    np.testing.assert_array_equal(
        place[found.contact[found.of_voxel[[40, 45]]]], [[40, 1, 0], [20, 1, 0]]
    )


def test_crumbs_are_no_tracks_but_hot_stubs_are() -> None:
    place = np.concatenate([LINE, LINE[:4] + UP * 20, LINE[:4] + UP * 40])
    energy = np.concatenate([np.ones(44), np.full(4, 5.0)])
    kept = without_crumbs(place, energy, np.ones(48, bool))
    np.testing.assert_array_equal(np.flatnonzero(~kept), np.arange(40, 44))


def test_tables_give_the_shares_of_a_cell() -> None:
    """Of a column that is 0 or 1: by hand 3 of 4 and 1 of 4."""
    column = np.repeat([0.0, 1.0], 4000)[:, None]
    kind = np.concatenate([np.repeat([0, 1], [3000, 1000]), np.repeat([0, 1], [1000, 3000])])
    tables = LikelihoodTables.fitted(
        column, kind, np.ones(8000), classes=3, groups=[(0,)], bins=2, given={0: np.array([0.5])}
    )
    found = tables.shares(np.array([[0.0], [1.0]]))
    odds = 3**0.6  # a group counts with its odds to the power of 0.6
    np.testing.assert_allclose(found[0], [odds / (1 + odds), 1 / (1 + odds), 0], atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    with pytest.raises(ValueError, match="no entry"):
        LikelihoodTables.fitted(column[:0], kind[:0], np.ones(0), classes=3, groups=[(0,)], bins=2)


def test_local_dedx_learns_the_classes(facts: dict[str, Any], clean: Table) -> None:
    """Fitted to four events it knows the other two far better than the rules do."""
    training, test = clean.take(slice(0, 4)), clean.take(slice(4, 6))
    baseline = LocalDedx(LocalDedxConfig(bins=6), facts)
    by_rule = numbers(facts, test, baseline.predict(test))
    assert by_rule["track F1"] > 80
    assert by_rule["low-energy F1"] > 80
    baseline.fit([training.take([2, 3]), training.take([0, 1])])
    found = numbers(facts, test, baseline.predict(test))
    assert found["track F1"] > 90
    assert found["shower F1"] > 90
    assert found["macro F1"] > by_rule["macro F1"]
    assert found["true points within 10"] > 50
    # The order of the data does not matter, and no event does to another.
    again = LocalDedx(LocalDedxConfig(bins=6), facts)
    again.fit([training])
    whole, alone = again.predict(test), again.predict(test.take([1]))
    np.testing.assert_array_equal(whole["score"].values, baseline.predict(test)["score"].values)
    for name in PREDICTION:
        np.testing.assert_array_equal(whole[name][1], alone[name][0])


def test_predictions_are_what_the_task_declares(facts: dict[str, Any], drawn_events: Table) -> None:
    samples = drawn_events.take(slice(0, 2))
    for found in (
        LocalDedx(LocalDedxConfig(), facts).predict(samples),
        PlaneAgreement(PlaneAgreementConfig(), facts).predict(samples),
        TruePoints(TrueLabelsConfig(), facts).predict(samples),
    ):
        np.testing.assert_array_equal(found.ids, samples.ids)
        for name in found:
            if name == "id":
                continue
            values, spec = found[name].values, PREDICTION[name]
            assert values.dtype == spec.dtype
            assert np.isfinite(values).all()
            assert spec.minimum is None or (values >= spec.minimum).all()
            assert spec.maximum is None or (values <= spec.maximum).all()
        assert (found["fragment"].values[found["semantic"].values == 5] == -1).all()


def test_hip_and_mip(hip_mip_facts: dict[str, Any], clean: Table) -> None:
    """A line of 1 MeV and one of 5: rules call the first a MIP and the second a HIP."""
    place = np.concatenate([LINE, LINE + UP * 30])
    rows = {f"voxel_{axis}": Ragged.of([place[:, n].astype("u2")]) for n, axis in enumerate("xyz")}
    energy = np.concatenate([np.ones(40), np.full(40, 5.0)]).astype("f4")
    samples = Table({"id": np.zeros(1, np.uint64), **rows, "deposit": Ragged.of([energy])})
    found = LocalDedx(LocalDedxConfig(), hip_mip_facts).predict(samples)["semantic"][0]
    assert (found[5:35] == 1).all()
    assert (found[45:75] == 0).all()


def test_ends_of_a_track() -> None:
    energy = np.ones(40)
    energy[35:] = 3.0
    found = ends_of(
        LINE, energy, np.ones(40, int), np.zeros(40, int), names=NAMES, shower_voxels=30
    )
    order = np.argsort(found["point_x"])
    np.testing.assert_allclose(found["point_x"][order], [0.5, 39.5])
    np.testing.assert_allclose(found["point_end"][order], [0.1, 0.9], atol=1e-6)
    none = ends_of(LINE, energy, np.ones(40, int), np.full(40, -1), names=NAMES, shower_voxels=30)
    assert all(len(column) == 0 for column in none.values())


def test_charge_of_a_wire_goes_to_the_voxel_that_explains_all() -> None:
    """Voxels A and B with 9 and 4 on three wires each; a ghost lies on one wire of A, two of B."""
    charge = np.array([[9, 9, 9], [4, 4, 4], [9, 4, 4]], np.float32)
    share = solved_share(np.zeros(3), charge, 500)
    assert share[:2] == pytest.approx([1, 1], abs=0.02)
    assert share[2] == pytest.approx(0, abs=0.02)
    # At another time the same charges are of other wires.
    assert solved_share(np.array([0, 0, 1]), charge, 500)[2] > 0.9


def test_planes_tell_ghosts(facts: dict[str, Any], drawn_events: Table) -> None:
    training, test = drawn_events.take(slice(0, 4)), drawn_events.take(slice(4, 6))
    baseline = PlaneAgreement(PlaneAgreementConfig(bins=6), facts)
    baseline.fit([training])
    found = numbers(facts, test, baseline.predict(test))
    assert found["ghost efficiency"] > 60
    assert found["kept signal"] > 90
    assert found["track F1"] > 80


def test_without_ghosts_nothing_is_cut(clean: Table) -> None:
    rows = range(2)
    place = [np.stack([clean[f"voxel_{axis}"][row] for axis in "xyz"], axis=1) for row in rows]
    events = [(place[row], clean["plane_charge"][row], clean["semantic"][row]) for row in rows]
    fitted = Deghosting(iterations=5).fitted(events, 6)
    assert fitted.signal(place[0], clean["plane_charge"][0])[1].all()


def crossing_wires(seed: int) -> tuple[Any, Any, Any]:
    """Place, charge and class: eight true voxels at each of ten times, and all triple crossings."""
    rng = np.random.default_rng(seed)
    places, charges, classes = [], [], []
    y, z = np.divmod(np.arange(64), 8)
    for time in range(10):
        true = rng.choice(64, 8, replace=False)
        left = rng.exponential(1e4, 8)
        on = [np.bincount(wire[true], left, minlength=15) for wire in (y, z, y + z)]
        charge = np.stack([on[0][y], on[1][z], on[2][y + z]], 1)
        crossing = (charge > 0).all(axis=1)
        places.append(np.stack([np.full(64, time), y, z], 1)[crossing])
        charges.append(charge[crossing].astype(np.float32))
        classes.append(np.where(np.isin(np.arange(64), true), 1, 5)[crossing].astype(np.int8))
    return np.concatenate(places), np.concatenate(charges), np.concatenate(classes)


def test_the_steps_of_the_sharing_are_chosen_on_events_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Against all tries by hand: fitted to events 0 and 2, judged by F2 on 1 and 3."""
    events = [crossing_wires(seed) for seed in range(4)]
    scores = []
    for steps in (1, 20):
        model = Deghosting(steps).fitted([events[0], events[2]], 4)
        found = lost = wrong = 0
        for place, charge, semantic in (events[1], events[3]):
            kept = model.signal(place, charge)[1]
            found += int((kept & (semantic < 5)).sum())
            lost += int((~kept & (semantic < 5)).sum())
            wrong += int((kept & (semantic == 5)).sum())
        scores.append(5 * found / (5 * found + 4 * lost + wrong))
    assert scores[0] != scores[1]
    best = (1, 20)[int(np.argmax(scores))]
    for candidates in ((1, 20), (20, 1)):
        monkeypatch.setattr(deghosting, "CANDIDATES", candidates)
        assert best_fitted(events, 4).iterations == best
    assert best_fitted(events[:1], 4).iterations == 30  # nothing to judge them by


def test_steps_that_are_set_are_kept(facts: dict[str, Any], drawn_events: Table) -> None:
    baseline = PlaneAgreement(PlaneAgreementConfig(bins=4, iterations=7), facts)
    baseline.fit([drawn_events.take([0, 1])])
    assert baseline.deghosting.iterations == 7


def test_oracles_are_the_ceiling_of_the_post_processing(
    facts: dict[str, Any], drawn_events: Table
) -> None:
    """No two fragments of a class touch; showers have loose branches, which nothing joins."""
    labels = TrueLabels(TrueLabelsConfig(), facts).predict(drawn_events)
    found = numbers(facts, drawn_events, labels)
    assert found["macro F1"] == found["ghost efficiency"] == 100
    assert found["fragment purity"] == found["track fragment ARI"] == 100
    assert found["shower fragment efficiency"] < 100
    points = TruePoints(TrueLabelsConfig(), facts).predict(drawn_events)
    found = numbers(facts, drawn_events, points)
    assert found["predicted points within 3"] == 100
    assert 50 < found["true points within 3"] <= 100


def test_fitting_to_nothing_is_refused(facts: dict[str, Any], clean: Table) -> None:
    baseline = LocalDedx(LocalDedxConfig(), facts)
    unknown = Ragged(np.full_like(clean["semantic"].values, -1), clean["semantic"].offsets)
    for training in ([], [clean.with_columns({"semantic": unknown})]):
        with pytest.raises(DataError, match="known classes"):
            baseline.fit(training)


def test_an_empty_event(facts: dict[str, Any], clean: Table) -> None:
    empty = clean.take([0]).with_columns(
        {
            name: Ragged(clean[name].values[:0], np.zeros(2, np.int64))
            for name in clean
            if isinstance(clean[name], Ragged)
        }
    )
    for baseline in (
        LocalDedx(LocalDedxConfig(), facts),
        PlaneAgreement(PlaneAgreementConfig(), facts),
        TruePoints(TrueLabelsConfig(), facts),
    ):
        assert len(baseline.predict(empty)["semantic"].values) == 0
