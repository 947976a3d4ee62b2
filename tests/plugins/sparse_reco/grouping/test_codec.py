"""Outputs to predictions; settings that are refused; what a codec reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import Table
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import (
    GrappaConfig,
    GrappaInteractionConfig,
    GrappaShowerConfig,
    GrappaTrackConfig,
)
from zoo_sparse_reco.grouping.specs import PREDICTION

RandomEvents = Callable[..., Table]
TableOf = Callable[..., Table]
Facts = dict[str, Any]
CONFIGS: tuple[Any, ...] = (
    GrappaShowerConfig(),
    GrappaTrackConfig(),
    GrappaInteractionConfig(momentum_loss="berhu", vertices=True),
)


def outputs_of(codec: GrappaCodec, samples: Table, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    graph = codec.graph(samples)
    nodes, edges = len(graph.nodes), len(graph.from_)
    return {
        "edge_score": rng.random(edges),
        "primary_score": rng.random(nodes),
        "pid_score": rng.dirichlet(np.ones(6), nodes),
        "momentum": rng.normal(0.2, 0.3, nodes),
        "vertex": rng.normal(0, 0.1, (nodes, 3)),
    }


@pytest.mark.parametrize("config", CONFIGS)
def test_predictions_are_what_is_declared(
    config: GrappaConfig, random_events: RandomEvents, facts: Facts, table_of: TableOf
) -> None:
    empty = table_of([{"place": [], "semantic": [], "fragment": [], "voxel_group": []}])
    codec = GrappaCodec(config, facts, {})
    three = random_events(2, seed=3).select(codec.needs)
    samples = Table.concat([three.take([0]), empty.select(codec.needs), three.take([1])])
    found = codec.decode(outputs_of(codec, samples), samples)
    assert set(found) - {"id"} <= set(PREDICTION)
    for name in set(found) - {"id"}:
        field, values = PREDICTION[name], found[name]
        values = values.values if field.ragged else values
        assert values.dtype.name == field.dtype, name
        assert values.ndim == len(field.dims) + (not field.ragged), name
        if field.minimum is not None and values.size:
            assert values.min() >= field.minimum, name
    assert set(found["stage"].tolist()) == {config.stage}
    assert found["node_id"].lengths[1] == found["edge_score"].lengths[1] == 0
    nodes = codec.graph(samples).nodes
    for row in (0, 2):
        told = found["node"][row]
        for k, number in enumerate(found["node_id"][row]):
            rows = told == number
            assert rows.any()
            assert set(found["group"][row][rows]) == {found["node_group"][row][k]}
        np.testing.assert_array_equal(found["group"][row] < 0, told < 0)
        edges = np.stack([found["edge_from"][row], found["edge_to"][row]])
        assert edges.max(initial=-1) < len(found["node_id"][row])
        groups = np.unique(found["node_group"][row])
        assert groups.tolist() == list(range(len(groups)))
    assert len(found["node_id"].values) == len(nodes)


def test_groups_by_hand(table_of: TableOf, facts: Facts) -> None:
    """Tracks 7, 2 and 5; 2 and 7 are joined, momenta below 0 are 0, vertices lie from the start."""
    event = {
        "place": [[5, 5, 5], [8, 5, 5], [11, 5, 5], [14, 5, 5]],
        "semantic": [1, 1, 1, 4],
        "fragment": [7, 2, 5, -1],
        "voxel_group": [7, 2, 5, -1],
        "interaction": [0, 0, 0, -1],
    }
    samples = table_of([event])
    codec = GrappaCodec(CONFIGS[2], facts, {})
    graph = codec.graph(samples)
    joined = {(0, 2), (2, 0)}  # rows of 2 and 7 among 2, 5, 7
    score = [0.9 if pair in joined else 0.2 for pair in zip(graph.from_, graph.to, strict=True)]
    raw = outputs_of(codec, samples)
    found = codec.decode(
        {
            **raw,
            "edge_score": np.array(score),
            "momentum": np.array([-0.1, 0.25, 1.5]),
            "vertex": np.array([[0.1, 0, 0], [0, 0, 0], [0, 0, -0.02]]),
        },
        samples,
    )
    assert found["node_id"][0].tolist() == [2, 5, 7]
    assert found["node_group"][0].tolist() == [0, 1, 0]
    assert found["group"][0].tolist() == [0, 0, 1, -1]
    assert found["node"][0].tolist() == [7, 2, 5, -1]
    assert found["node_momentum"][0].tolist() == [0, 250, 1500]
    np.testing.assert_allclose(
        found["node_vertex"][0], [[18.5, 5.5, 5.5], [11.5, 5.5, 5.5], [5.5, 5.5, 3.5]], rtol=1e-6
    )


def test_a_batch_is_its_events(random_events: RandomEvents, facts: Facts) -> None:
    codec = GrappaCodec(CONFIGS[2], facts, {})
    samples = random_events(3, seed=4)
    whole = codec.encode(samples)
    parts = [codec.encode(samples.take([row])) for row in range(3)]
    first = 0
    for name in ("nodes", "edges"):
        expected = np.concatenate([part.inputs[name] for part in parts])
        np.testing.assert_array_equal(whole.inputs[name], expected)
    ends = []
    for part in parts:
        ends.append(part.inputs["edge_from"] + first)
        first += len(part.inputs["nodes"])
    np.testing.assert_array_equal(whole.inputs["edge_from"], np.concatenate(ends))
    assert whole.inputs["nodes"].dtype == whole.inputs["edges"].dtype == np.float32
    assert whole.inputs["edge_to"].dtype == np.int32
    for name, total in whole.targets["counts"].items():
        assert total == pytest.approx(sum(part.targets["counts"][name] for part in parts))


def test_without_truth_there_are_no_targets(random_events: RandomEvents, facts: Facts) -> None:
    samples = random_events(1)
    for config in CONFIGS:
        codec = GrappaCodec(config, facts, {})
        assert not codec.encode(samples.select(codec.needs)).targets
        assert codec.encode(samples.select(codec.needs | codec.targets)).targets


def test_points_are_read_only_where_they_are_wanted(facts: Facts) -> None:
    for config in CONFIGS:
        codec = GrappaCodec(config.model_copy(update={"points": False}), facts, {})
        assert not any("point" in name for name in codec.needs)
        assert "input_point_end" in GrappaCodec(config, facts, {}).needs


def test_the_graph_of_other_samples_is_made_anew(random_events: RandomEvents, facts: Facts) -> None:
    codec = GrappaCodec(CONFIGS[0], facts, {})
    one, other = random_events(1, seed=1), random_events(1, seed=2)
    first = codec.graph(one)
    assert codec.graph(one.select(codec.needs)) is first
    assert codec.graph(other) is not first
    np.testing.assert_array_equal(codec.graph(one).features, first.features)
    assert codec.__getstate__()["_latest"] is None  # what a worker gets


def test_augmented_events_have_the_same_graph_elsewhere(
    random_events: RandomEvents, facts: Facts
) -> None:
    """Turned events: sizes, energies, distances and groups are what they were."""
    settings = {"augmentation": {"exchange": True, "mirror": True}}
    codec = GrappaCodec(GrappaInteractionConfig.model_validate(settings), facts, {})
    samples = random_events(2, seed=5)
    turned = codec.augment(samples, np.array([1, 2], np.uint64))
    before, after = codec.graph(samples), codec.graph(turned)
    np.testing.assert_array_equal(before.from_, after.from_)
    for columns in (slice(15, 19), slice(31, 33)):
        np.testing.assert_allclose(
            before.features[:, columns], after.features[:, columns], rtol=1e-5
        )
    np.testing.assert_allclose(before.edge_features[:, 9], after.edge_features[:, 9])
    assert not np.allclose(before.features[:, :3], after.features[:, :3])
    one, other = codec.encode(samples).targets, codec.encode(turned).targets
    np.testing.assert_array_equal(one["edge"], other["edge"])


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (GrappaInteractionConfig, {"vertices": True, "primaries": False}, "primaries = true"),
        (GrappaShowerConfig, {"distances": [1, 2, 3]}, "distances"),
        (GrappaTrackConfig, {"distances": [-1] * 10}, "greater than or equal to 0"),
        (GrappaTrackConfig, {"threshold": 1.0}, "less than 1"),
        (GrappaTrackConfig, {"width": 0}, "greater than or equal to 1"),
        (GrappaTrackConfig, {"types": True}, "not permitted"),
    ],
)
def test_settings_that_are_refused(config: Any, settings: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config.model_validate(settings)


def test_the_codec_needs_no_torch() -> None:
    code = (
        "import sys, zoo_sparse_reco.grouping.codec, zoo_sparse_reco.grouping.metrics, "
        "zoo_sparse_reco.grouping.classical.predictors; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
