"""The figures show the numbers, and displays show the groups, whatever models tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoo.api import Drawing, Evaluation, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_sparse_reco.grouping.classical.config import NearestStartConfig, TrueGroupsConfig
from zoo_sparse_reco.grouping.classical.predictors import NearestStart, TrueGroups
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import GrappaInteractionConfig, GrappaShowerConfig
from zoo_sparse_reco.grouping.figures import GroupFigures
from zoo_sparse_reco.grouping.metrics import GroupMetrics

RandomEvents = Callable[..., Table]
Facts = dict[str, Any]


def network(config: Any, samples: Table, facts: Facts) -> Table:
    codec = GrappaCodec(config, facts, {})
    graph = codec.graph(samples)
    rng = np.random.default_rng(1)
    outputs = {"edge_score": rng.random(len(graph.from_))}
    outputs["primary_score"] = rng.random(len(graph.nodes))
    if isinstance(config, GrappaInteractionConfig):
        outputs["pid_score"] = rng.dirichlet(np.ones(6), len(graph.nodes))
    return codec.decode(outputs, samples)


def drawn(samples: Table, tables: Mapping[str, Table], facts: Facts) -> dict[str, Drawing]:
    metrics = GroupMetrics(facts)
    resampler = Resampler(metrics, resamples=5)
    roles = {"nearest": "baseline", "true": "oracle"}
    evaluations = {}
    for name, table in tables.items():
        rows = metrics.measure(samples, table)
        rows = rows.with_columns({"group": np.array([str(one) for one in rows.ids])})
        evaluations[name] = Evaluation(
            model=name,
            role=roles.get(name, "model"),
            numbers=numbers_of(resampler, rows),
            rows=rows,
        )
    evaluations["missing"] = Evaluation(
        model="missing", role="baseline", numbers=(), rows=None, unavailable="needs points"
    )
    first = {name: table.take([0]) for name, table in tables.items()}
    figures = GroupFigures(facts).draw(evaluations, samples.take([0]), first)
    found = {one.name: one for one in figures}
    for one in found.values():
        FigureCanvasAgg(one.figure).draw()
        assert one.caption.endswith(".")
        assert all(column.dtype == np.float64 for column in one.data.values())
    return found


def classical(samples: Table, facts: Facts) -> dict[str, Table]:
    return {
        "nearest": NearestStart(NearestStartConfig(), facts).predict(samples),
        "true": TrueGroups(TrueGroupsConfig(), facts).predict(samples),
    }


def test_interactions(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(3, seed=31)
    net = network(GrappaInteractionConfig(), samples, facts)
    found = drawn(samples, {"net": net, **classical(samples, facts)}, facts)
    assert list(found) == ["groups", "against-interactions", "edge-scores", "kinds", "event-1"]
    groups = found["groups"].data
    assert groups["true: interaction ARI [% of events]"][-1] == 100
    assert not any("shower" in name for name in groups)
    edges = found["edge-scores"].data
    counts = [edges[f"net: interaction: of {one}"].sum() for one in ("one group", "two groups")]
    assert sum(counts) == len(net["edge_score"].values)
    kinds = found["kinds"].data
    assert kinds["true: true photon [%]"][0] == pytest.approx(100)
    event = found["event-1"]
    shown = event.data["true: interaction"]
    np.testing.assert_array_equal(shown, event.data["truth: interaction"])
    assert event.interactive is not None


def test_showers_alone(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(2, seed=32)
    net = network(GrappaShowerConfig(), samples, facts)
    found = drawn(samples, {"net": net, **classical(samples, facts)}, facts)
    assert list(found) == ["groups", "against-interactions", "edge-scores", "event-1"]
    assert "net: shower ARI [% of events]" in found["groups"].data
    assert "truth: shower" in found["event-1"].data


def test_without_a_network_all_stages_are_shown(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(2, seed=33)
    found = drawn(samples, classical(samples, facts), facts)
    assert list(found) == ["groups", "against-interactions", "kinds", "event-1"]
    for stage in ("shower", "track", "interaction"):
        assert f"nearest: {stage} ARI [% of events]" in found["groups"].data
    assert not list(GroupFigures(facts).draw({}, None, {}))
