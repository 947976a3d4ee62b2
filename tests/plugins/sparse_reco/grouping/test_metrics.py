"""Measures by hand; shards, extremes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Number, Ragged, Table
from zoo_sparse_reco.grouping.classical.config import NearestStartConfig, TrueGroupsConfig
from zoo_sparse_reco.grouping.classical.predictors import NearestStart, TrueGroups
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import GrappaInteractionConfig, GrappaShowerConfig
from zoo_sparse_reco.grouping.metrics import GroupMetrics

RandomEvents = Callable[..., Table]
TableOf = Callable[..., Table]
Facts = dict[str, Any]


def numbers_of(metrics: GroupMetrics, rows: Table) -> dict[str, Number]:
    return {one.name: one for one in metrics.summarise(rows)}


def predicted(config: Any, samples: Table, facts: Facts, seed: int = 0) -> Table:
    """With random answers of a network."""
    codec = GrappaCodec(config, facts, {})
    rng = np.random.default_rng(seed)
    graph = codec.graph(samples)
    nodes = len(graph.nodes)
    outputs = {
        "edge_score": rng.random(len(graph.from_)),
        "primary_score": rng.random(nodes),
        "pid_score": rng.dirichlet(np.ones(6), nodes),
        "momentum": rng.uniform(0.1, 1, nodes),
        "vertex": rng.normal(0, 0.1, (nodes, 3)),
    }
    return codec.decode(outputs, samples)


def adjusted_rand(true: Any, found: Any) -> float:
    """Of all pairs, counted one by one (Hubert and Arabie, J. Classif. 2 (1985) 193)."""
    pairs = [(true[i] == true[j], found[i] == found[j]) for i in range(len(true)) for j in range(i)]
    both = sum(one and other for one, other in pairs)
    first, second = (sum(pair[k] for pair in pairs) for k in range(2))
    expected = first * second / len(pairs)
    return float((both - expected) / ((first + second) / 2 - expected))


def test_clusterings_of_voxels_and_of_nodes(random_events: RandomEvents, facts: Facts) -> None:
    """Of interactions; particles of these events are their groups."""
    samples = random_events(3, seed=21)
    found = predicted(GrappaInteractionConfig(), samples, facts)
    metrics = GroupMetrics(facts)
    rows = metrics.measure(samples, found)
    for row in range(3):
        pair = samples["interaction"][row], found["group"][row]
        assert rows["interaction_ari"][row, 0] == pytest.approx(adjusted_rand(*pair))
        number = found["node_id"][row]
        pair = number % 3, found["node_group"][row]
        assert rows["interaction_ari"][row, 1] == pytest.approx(adjusted_rand(*pair))
    told = numbers_of(metrics, rows)
    assert told["interaction ARI"].value == pytest.approx(
        100 * rows["interaction_ari"][:, 0].mean()
    )
    assert np.isnan(told["shower ARI"].value)
    assert np.isnan(told["track edge accuracy"].value)
    assert GroupMetrics.primary in told


def _showers(table_of: TableOf) -> Table:
    """Fragments 0 to 3 of 2, 2, 4 and 2 voxels; 0 and 1 of one shower, 2 and 3 of another."""
    place = [[x, 10, 10] for x in (1, 2, 11, 12, 21, 22, 23, 24, 31, 32, 40)]
    fragment = [0, 0, 1, 1, 2, 2, 2, 2, 3, 3, -1]
    particle = [0, 0, 1, 1, 2, 2, 2, 2, 3, 3, -1]
    group = [0, 0, 0, 0, 2, 2, 2, 2, 2, 2, -1]
    return table_of(
        [
            {
                "place": place,
                "semantic": [0] * 10 + [4],
                "fragment": fragment,
                "particle": particle,
                "voxel_group": group,
            }
        ]
    )


def _answer(samples: Table, facts: Facts, joined: set[tuple[int, int]], primary: Any) -> Table:
    codec = GrappaCodec(GrappaShowerConfig(), facts, {})
    graph = codec.graph(samples)
    pairs = zip(graph.from_.tolist(), graph.to.tolist(), strict=True)
    score = [0.9 if tuple(sorted(one)) in joined else 0.1 for one in pairs]
    return codec.decode({"edge_score": np.array(score), "primary_score": primary}, samples)


def test_efficiency_purity_edges_and_first_fragments_by_hand(
    table_of: TableOf, facts: Facts
) -> None:
    """Found: 0 alone, 1 with 2, 3 alone.

    Efficiency over voxels: of shower 0, 2 of 4; of shower 2, 4 of 6. Purity: 1, 4 of 6, 1. Edges:
    12, of which 1-2, 0-1 and 2-3 are wrong in both directions. First fragments: of groups with one,
    {0} is right, and of {1, 2} the likelier, 1, is wrong.
    """
    samples = _showers(table_of)
    found = _answer(samples, facts, {(1, 2)}, np.array([0.3, 0.9, 0.8, 0.1]))
    metrics = GroupMetrics(facts)
    told = numbers_of(metrics, metrics.measure(samples, found))
    expected = {
        "shower efficiency": (0.5 + 4 / 6) / 2,
        "shower purity": (1 + 4 / 6 + 1) / 3,
        "shower efficiency of nodes": 0.5,
        "shower purity of nodes": (1 + 0.5 + 1) / 3,
        "shower edge accuracy": 0.5,
        "shower primary accuracy": 0.5,
    }
    for name, value in expected.items():
        assert told[name].value == pytest.approx(100 * value), name
    right = _answer(samples, facts, {(0, 1), (2, 3)}, np.array([0.9, 0.1, 0.6, 0.5]))
    told = numbers_of(metrics, metrics.measure(samples, right))
    for name in expected:
        assert told[name].value == pytest.approx(100), name
    rows = metrics.measure(samples, right)
    assert rows["shower_edge_on"].sum() == 4
    assert rows["shower_edge_off"].sum() == 8
    assert rows["shower_edge_on"][0, 17:19].sum() == 4  # scores of 0.9


def test_kinds_momenta_and_vertices_by_hand(table_of: TableOf, facts: Facts) -> None:
    event = {
        "place": [[5, 5, 5], [8, 5, 5], [11, 5, 5]],
        "semantic": [1] * 3,
        "fragment": [0, 1, 2],
        "voxel_group": [0, 1, 2],
        "interaction": [0] * 3,
        "pid": [2, 4, 4],
        "particle_id": [0, 1, 2],
        "particle_primary": [1, 0, -1],
        "particle_momentum": [[300, 0, 400], [0, 200, 0], [100, 0, 0]],
        "interaction_id": [0],
        "interaction_vertex": [[5.5, 5.5, 9.5]],
    }
    samples = table_of([event])
    config = GrappaInteractionConfig(momentum_loss="berhu", vertices=True)
    codec = GrappaCodec(config, facts, {})
    kinds = np.full((3, 6), 0.1)
    kinds[0, 2] = kinds[1, 4] = kinds[2, 3] = 0.5
    found = codec.decode(
        {
            "edge_score": np.zeros(6),
            "primary_score": np.array([0.8, 0.7, 0.9]),
            "pid_score": kinds,
            "momentum": np.array([0.55, 0.2, 0.08]),
            "vertex": np.array([[0, 0, 0.01], [0, 0, 9], [9, 9, 9]]),
        },
        samples,
    )
    metrics = GroupMetrics(facts)
    told = numbers_of(metrics, metrics.measure(samples, found))
    assert told["interaction primary accuracy"].value == pytest.approx(50)
    assert told["PID accuracy"].value == pytest.approx(200 / 3)
    assert told["muon F1"].value == 100
    assert told["proton F1"].value == pytest.approx(200 / 3)
    assert told["PID macro F1"].value == pytest.approx((100 + 200 / 3) / 2)
    assert told["momentum bias"].value == pytest.approx(0, abs=1e-4)  # of 10, 0 and -20 %
    low, high = np.quantile([0.1, 0, -0.2], [0.16, 0.84])
    assert told["momentum resolution"].value == pytest.approx(50 * (high - low), rel=1e-4)
    assert told["vertex distance, median"].value == pytest.approx(3)
    assert told["vertices within 5"].value == 100


def test_models_are_judged_on_the_same_voxels(table_of: TableOf, facts: Facts) -> None:
    """Inputs that lose a fragment: its voxels are groups by themselves, and no purity is lost."""
    samples = _showers(table_of)
    fragment = samples["input_fragment"]
    lost = np.where(fragment.values == 3, -1, fragment.values).astype(np.int32)
    samples = samples.with_columns({"input_fragment": Ragged(lost, fragment.offsets)})
    found = _answer(samples, facts, {(0, 1)}, np.array([0.9, 0.1, 0.6]))
    metrics = GroupMetrics(facts)
    told = numbers_of(metrics, metrics.measure(samples, found))
    assert told["shower efficiency"].value == pytest.approx(100 * (1 + 4 / 6) / 2)
    assert told["shower purity"].value == 100
    assert told["shower efficiency of nodes"].value == 100


@pytest.mark.parametrize("config", [GrappaShowerConfig(), GrappaInteractionConfig()])
def test_rows_do_not_depend_on_each_other(
    config: Any, random_events: RandomEvents, table_of: TableOf, facts: Facts
) -> None:
    samples = random_events(4, seed=22)
    names = ["id", *(name for name in samples if name != "id")]
    empty = table_of([{"place": [], "semantic": [], "fragment": [], "voxel_group": []}])
    nothing = {
        name: Ragged(samples[name].values[:0], np.zeros(2, np.int64))
        for name in names
        if name != "id"
    }
    samples = Table.concat([samples, Table({"id": empty.ids, **nothing})])
    metrics = GroupMetrics(facts)
    for found in (
        predicted(config, samples, facts),
        NearestStart(NearestStartConfig(), facts).predict(samples),
    ):
        whole = metrics.measure(samples, found)
        parts = [metrics.measure(samples.take([k]), found.take([k])) for k in range(5)]
        joined = Table.concat(parts)
        for name in whole:
            one, other = whole[name], joined[name]
            if isinstance(one, Ragged):
                np.testing.assert_array_equal(one.offsets, other.offsets)
                one, other = one.values, other.values
            np.testing.assert_array_equal(one, other, err_msg=name)
        order = metrics.summarise(whole)
        again = metrics.summarise(whole.take([3, 1, 0, 4, 2]))
        for first, second in zip(order, again, strict=True):
            assert first.value == pytest.approx(second.value, nan_ok=True)
        none = metrics.summarise(whole.take([]))
        assert [one.name for one in none] == [one.name for one in order]
        assert all(np.isnan(one.value) for one in none)


def test_the_oracle_has_everything_right(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(3, seed=23)
    metrics = GroupMetrics(facts)
    rows = metrics.measure(samples, TrueGroups(TrueGroupsConfig(), facts).predict(samples))
    for name, one in numbers_of(metrics, rows).items():
        if "edge" in name or np.isnan(one.value):
            continue  # it scores no edge; some kinds are not there
        best = {"momentum bias": 0, "momentum resolution": 0, "vertex distance, median": 0}
        assert one.value == pytest.approx(best.get(name, 100), abs=1e-3), name


def test_numbers_that_are_no_numbers_are_told(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(2, seed=24)
    config = GrappaInteractionConfig(momentum_loss="berhu", vertices=True)
    metrics = GroupMetrics(facts)
    found = predicted(config, samples, facts)
    broken = {
        name: Ragged(np.full_like(found[name].values, np.nan), found[name].offsets)
        for name in ("edge_score", "node_primary_score", "node_momentum", "node_vertex")
    }
    told = numbers_of(metrics, metrics.measure(samples, found.with_columns(broken)))
    assert told["interaction edge accuracy"].value == 0
    assert told["interaction primary accuracy"].value == 0
    assert np.isnan(told["momentum resolution"].value)
    assert told["vertices within 5"].value == 0


def test_truth_that_is_absent_judges_nothing(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(2, seed=25)
    found = predicted(GrappaInteractionConfig(), samples, facts)
    bare = samples.select(
        [name for name in samples if name not in GroupMetrics.needs or name == "voxel_x"]
    )
    metrics = GroupMetrics(facts)
    assert all(np.isnan(one.value) for one in metrics.summarise(metrics.measure(bare, found)))


def test_predictions_of_other_voxels_are_refused(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(2, seed=26)
    found = predicted(GrappaInteractionConfig(), samples, facts)
    metrics = GroupMetrics(facts)
    with pytest.raises(DataError, match="are predicted for"):
        metrics.measure(samples, found.take([1, 0]))
    node = found["node"]
    wrong = found.with_columns({"node": Ragged(node.values + 100, node.offsets)})
    with pytest.raises(DataError, match="does not list"):
        metrics.measure(samples, wrong)
